"""The settings of a run: told apart by value, whatever has run since."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import RID, TED, CrossEntropy, LayerPair, Phases, WeightedSum
from pidkit.distill.objectives.logits import KD
from pidkit.distill.training.settings import check_filters_learn, describe_module, describe_objective
from pidkit.records.resume import difference


def test_objectives_are_told_apart_and_running_does_not_change_them() -> None:
    first = WeightedSum({"labels": CrossEntropy(), "kd": KD(2.0)}, {"kd": 0.5})
    described = describe_objective(first)
    assert described["terms.kd"] == {"class": "KD", "temperature": 2.0}
    assert described["objective"]["weights"] == {"labels": 1.0, "kd": 0.5}
    first.last = {"kd": torch.ones(())}
    first.set_epoch(7)
    assert describe_objective(first) == described
    second = WeightedSum({"labels": CrossEntropy(), "kd": KD(4.0)}, {"kd": 0.5})
    assert difference(described, describe_objective(second)) == ("terms.kd.temperature", 2.0, 4.0)
    assert describe_module(torch.nn.Linear(2, 1)) == {"weight": "(1, 2) torch.float32", "bias": "(1,) torch.float32"}


@pytest.mark.parametrize(
    ("phases", "n_epochs", "refused"),
    [
        (Phases(), 4, {"RID", "TED"}),
        (Phases(warm_up=1), 4, set()),
        (Phases(cycle=4, teacher_share=0.25), 1, {"TED"}),
        (Phases(warm_up=1, cycle=4, teacher_share=0.25), 1, set()),
    ],
)
def test_runs_that_never_fit_the_filters_are_refused(phases: Phases, n_epochs: int, refused: set[str]) -> None:
    pair = LayerPair("t", "s", (4,), (4,))
    for filtered in (RID([pair], n_classes=3), TED([pair], n_classes=3)):
        objective = WeightedSum({"labels": CrossEntropy(), "filtered": filtered})
        if type(filtered).__name__ in refused:
            with pytest.raises(
                InputError, match=r"phases has no 'warm-up'.* epoch, in which the filters of .* learn; pass"
            ):
                check_filters_learn(objective, phases, n_epochs)
        else:
            check_filters_learn(objective, phases, n_epochs)
    check_filters_learn(CrossEntropy(), phases, n_epochs)
