"""Sums of objectives: weights in the student's phase alone, epochs, groups and state passed on."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, CrossEntropy, Objective, Outputs, Phase, WeightedSum
from pidkit.distill.objectives.sums import SumOfObjectives, merged_groups


def batch(logits: Any) -> Any:
    return Batch(Outputs(logits, {}), {"teacher": Outputs(logits.detach(), {})})


class Constant(Objective):
    """A parameter for each phase, and the epoch it was told."""

    def __init__(self, *values: Any) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))
        self.epoch = None

    def student_loss(self, batch: Any, labels: Any) -> Any:
        return self.values[0]

    def warm_up_loss(self, batch: Any, labels: Any) -> Any:
        return self.values[1]

    def teacher_filter_loss(self, batch: Any, labels: Any) -> Any:
        return self.values[2]

    def groups(self) -> Any:
        return {"critics": [self.values]}

    def set_epoch(self, epoch: Any) -> None:
        self.epoch = epoch


LABELS = torch.tensor([0, 1])
LOGITS = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]], dtype=torch.float64)


def test_weights_count_in_the_students_phase_alone() -> None:
    both = WeightedSum({"a": Constant(1.0, 2.0, 3.0), "b": Constant(10.0, 20.0, 30.0)}, {"b": 0.5})
    x = batch(LOGITS.float())
    assert float(both(x, LABELS, Phase.STUDENT).detach()) == 1.0 + 0.5 * 10.0
    assert {name: float(value) for name, value in both.last.items()} == {"a": 1.0, "b": 10.0}
    assert not any(value.requires_grad for value in both.last.values())
    assert float(both(x, LABELS, Phase.WARM_UP).detach()) == 2.0 + 20.0
    assert float(both(x, LABELS, Phase.TEACHER_FILTER).detach()) == 3.0 + 30.0


def test_a_sum_tells_the_epoch_and_merges_groups() -> None:
    a, b = Constant(1.0), Constant(2.0)
    both = WeightedSum({"a": a, "b": WeightedSum({"c": b})})
    both.set_epoch(7)
    assert (a.epoch, b.epoch) == (7, 7)  # type: ignore[comparison-overlap]
    assert [id(p) for p in both.groups()["critics"]] == [id(a.values), id(b.values)]
    assert merged_groups([]) == {}


def test_a_sum_keeps_its_state() -> None:
    first, second = (WeightedSum({"a": Constant(value)}) for value in (1.0, 2.0))
    second.load_state_dict(first.state_dict())
    assert float(second(batch(LOGITS), LABELS, Phase.STUDENT).detach()) == 1.0


@pytest.mark.parametrize(
    ("terms", "weights", "message"),
    [
        ({}, None, "terms must be a mapping of names to objectives, at least one"),
        ({"a": nn.Linear(1, 1)}, None, "terms must be a mapping of names to objectives"),
        ({"a": CrossEntropy()}, {"b": 1.0}, "weights holds 'b', which is no term; the terms are 'a'"),
        ({"a": CrossEntropy()}, {"a": -1.0}, r"weights\['a'\] must be a finite number >= 0, not -1.0"),
        ({"a": CrossEntropy()}, {"a": float("inf")}, r"weights\['a'\] must be a finite number"),
    ],
)
def test_bad_sums_are_refused(terms: Any, weights: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        WeightedSum(terms, weights)


def test_a_sum_without_parts_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"SumOfObjectives must define parts\(\)"):
        SumOfObjectives()(batch(LOGITS), LABELS)
    with pytest.raises(NotImplementedError, match=r"SumOfObjectives must define factors\(\)"):
        SumOfObjectives().factors()
