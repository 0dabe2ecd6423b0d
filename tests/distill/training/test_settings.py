"""The settings of a run: told apart by value, whatever has run since."""

import torch

from pidkit.distill import CrossEntropy, WeightedSum
from pidkit.distill.objectives.logits import KD
from pidkit.distill.training.settings import describe_module, describe_objective
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
