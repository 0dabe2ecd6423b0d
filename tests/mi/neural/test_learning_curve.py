"""What a critic gains by rows: the warning where much is missing, and which rows and groups are compared."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pidkit import PidkitWarning, estimate_mi
from pidkit.mi import BEYOND_NORMAL
from pidkit.mi.neural import NeuralMI
from pidkit.mi.neural.learning_curve import LearningGain, learning_gain
from pidkit.mi.nulls import without_doubts
from pidkit.mi.splits import ThreeWaySplit
from pidkit.nn import TrainingBudget

QUICK = TrainingBudget(learning_rate=3e-3, max_steps=60)


@pytest.mark.parametrize(
    ("gain", "stderr", "value", "warns"),
    [
        (0.3, 0.04, 0.7, True),  # the spiral in 3 + 3 columns
        (0.09, 0.01, 0.2, False),  # less than a tenth of a nat
        (0.2, 0.03, 0.9, False),  # less than a fifth
        (0.3, 0.16, 0.7, False),  # chance
        (-0.3, 0.04, 0.7, False),
    ],
)
def test_a_gain_that_is_large_and_no_chance_warns(gain: float, stderr: float, value: float, warns: bool) -> None:
    assert bool(LearningGain(gain, stderr).warnings(value)) == warns


def test_the_gain_is_of_a_quarter_of_the_groups_and_paired_by_rows() -> None:
    groups = np.repeat(np.arange(50), 4)
    rng, seen = np.random.default_rng(0), []
    terms = rng.normal(size=40)

    def train(rows: np.ndarray) -> Any:
        seen.append(rows)
        return SimpleNamespace(read=lambda a, b: SimpleNamespace(value=0.5, terms=terms - 0.2))

    split = ThreeWaySplit(np.arange(120), np.arange(120, 160), np.arange(160, 200))
    whole: Any = SimpleNamespace(value=0.7, terms=terms)
    rows = rng.normal(size=(200, 1))
    gain = learning_gain(split, whole, train, rows, rows, together=groups, errors_by=groups)
    assert np.unique(groups[seen[0]]).size == 8  # of 30
    assert (np.bincount(groups[seen[0]]) % 4 == 0).all()
    assert gain.value == pytest.approx(0.2)
    assert gain.stderr == pytest.approx(0.0, abs=1e-12)  # however much the terms vary


def test_replicates_and_an_opt_out_train_no_more() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 100, 2))
    critic = NeuralMI(budget=QUICK, folds=1)
    assert "learning_gain" not in without_doubts(critic)(a, b).diagnostics
    assert "learning_gain" not in NeuralMI(budget=QUICK, folds=1, n_surrogates=0).estimate(a, b).diagnostics
    found = critic.estimate(a, b, unit="nats")
    assert found.value == without_doubts(critic)(a, b, unit="nats").value
    bits, nats = (found.to(unit).diagnostics["learning_gain"] for unit in ("bits", "nats"))
    assert bits == pytest.approx(nats / np.log(2.0))


@pytest.mark.slow
def test_a_critic_that_has_not_learned_a_spiral_says_so() -> None:
    """Its surrogate, which has correlations alone, is right, and nearest neighbours miss as much as the critic."""
    task = BEYOND_NORMAL["spiral 3x3"]
    with pytest.warns(PidkitWarning, match="still learning"):
        found = estimate_mi(*task.sample(2000), estimator="infonce", unit="nats")
    assert found.value < 0.7 * task.mi
