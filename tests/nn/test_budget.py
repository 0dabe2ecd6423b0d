"""The record of a training budget, and that everything that trains takes it."""

from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.mi import DECODER_BUDGET, LabelDecoder, ReconstructionDecoder
from pidkit.mi.neural import NeuralMI
from pidkit.nn import TrainingBudget

SHORT = TrainingBudget(max_steps=3, check_every=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.0), ("weight_decay", -1.0), ("batch_size", 0), ("max_steps", 0), ("check_every", 0)],
)
def test_numbers_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"^{name} must be"):
        TrainingBudget(**{name: value})  # type: ignore[arg-type]


def test_decoders_and_critics_take_one_record() -> None:
    for model in (LabelDecoder("mlp", budget=SHORT), ReconstructionDecoder(budget=SHORT), NeuralMI(budget=SHORT)):
        assert model.budget is SHORT
    assert LabelDecoder().budget is ReconstructionDecoder().budget is DECODER_BUDGET


def test_options_of_a_critic_is_another_word_for_its_budget() -> None:
    assert NeuralMI(options=SHORT) == NeuralMI(budget=SHORT)
    with pytest.raises(InputError, match=r"^budget and options are two words for one thing; pass budget alone$"):
        NeuralMI(options=SHORT, budget=SHORT)


def test_a_critic_takes_no_more_steps_than_its_budget() -> None:
    rng = np.random.default_rng(0)
    found = NeuralMI(budget=SHORT, folds=1).estimate(rng.normal(size=(60, 1)), rng.normal(size=(60, 1)))
    assert found.diagnostics["fits"] == [{"steps": 3, "best_step": 3, "stopped": "max_steps"}]


@pytest.mark.parametrize("estimator", [LabelDecoder, ReconstructionDecoder, NeuralMI])
def test_what_is_no_budget_is_refused(estimator: Any) -> None:
    with pytest.raises(InputError, match=r"^budget must be a TrainingBudget, not 300"):
        estimator(budget=300)


def test_the_linear_decoder_has_its_share_in_the_steps() -> None:
    """A fit that three iterations cannot finish says so; the default finishes it."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    a = rng.normal(size=(300, 5)) ** 3 + np.eye(5)[y]
    unfinished = "the logistic regression stopped before it converged; reduce the columns of a"
    assert unfinished in LabelDecoder(budget=SHORT).estimate(a, y).warnings
    assert unfinished not in LabelDecoder().estimate(a, y).warnings
