"""Several teachers: the weighted sum by hand, weights that are set and saved, and a corrupted teacher found out."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pidkit import InputError, pid_from_samples
from pidkit.distill import Batch, Objective, Outputs, Phase, SeveralTeachers, redundancy_weights


class MatchLogits(Objective):
    """Squared error of the logits, with a filter that has its own loss in the warm-up."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.ones(()))
        self.epoch = -1

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return (batch.student.logits - batch.teacher.logits).square().mean()

    def warm_up_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return self.filter * batch.teacher.logits.mean()

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


def two_teachers(**options: Any) -> tuple[SeveralTeachers, Batch, torch.Tensor]:
    several = SeveralTeachers({"a": MatchLogits(), "b": MatchLogits()}, **options)
    student = Outputs(torch.zeros(2, 2, requires_grad=True), {})
    teachers = {"a": Outputs(torch.ones(2, 2), {}), "b": Outputs(torch.full((2, 2), 3.0), {})}
    return several, Batch(student, teachers), torch.zeros(2).long()


def test_the_sum_is_weighted_in_the_students_phase_alone() -> None:
    several, batch, labels = two_teachers(weights={"b": 0.5, "a": 2.0})
    assert several(batch, labels, Phase.STUDENT).item() == 2.0 * 1.0 + 0.5 * 9.0
    assert {name: value.item() for name, value in several.last.items()} == {"a": 1.0, "b": 9.0}
    assert several(batch, labels, Phase.WARM_UP).item() == 1.0 + 3.0
    assert several(batch, labels, Phase.TEACHER_FILTER).item() == 0.0
    plain, *_ = two_teachers()
    assert plain(batch, labels, Phase.STUDENT).item() == 10.0


def test_weights_are_set_and_saved_and_in_the_gradient() -> None:
    several, batch, labels = two_teachers()
    loss = several(batch, labels, Phase.STUDENT)
    several.set_weights({"a": 0.25, "b": 0.0})
    loss.backward()  # with the weights of its forward pass: 2 (0 - 1) / 4 + 2 (0 - 3) / 4
    assert batch.student.logits.grad.tolist() == [[-2.0, -2.0], [-2.0, -2.0]]
    assert several.weights == {"a": 0.25, "b": 0.0}
    twin, *_ = two_teachers()
    twin.load_state_dict(several.state_dict())
    assert twin.weights == several.weights
    assert twin(batch, labels, Phase.STUDENT).item() == 0.25


def test_groups_and_epochs_reach_every_objective() -> None:
    several, _, _ = two_teachers()
    assert [id(p) for p in several.groups()["student_filters"]] == [id(p) for p in several.parameters()]
    several.set_epoch(3)
    assert [objective.epoch for objective in several.objectives.values()] == [3, 3]


def test_a_teacher_that_the_batch_lacks_is_named() -> None:
    several, batch, labels = two_teachers()
    with pytest.raises(InputError, match=r"^no teacher is called 'b'; the teachers are 'a'$"):
        several(batch.with_teacher("a"), labels, Phase.STUDENT)


def test_what_cannot_be_done_is_refused() -> None:
    bad: Any
    for bad in ({}, {"a": nn.Identity()}):
        with pytest.raises(InputError, match=r"^objectives must be a mapping of teachers' names to"):
            SeveralTeachers(bad)
    several, _, _ = two_teachers()
    with pytest.raises(InputError, match=r"^weights must name the teachers \['a', 'b'\], not \['a'\]$"):
        several.set_weights({"a": 1.0})
    for bad in (-1.0, math.inf):
        with pytest.raises(InputError, match=r"^weights\['b'\] must be a finite number >= 0, not"):
            several.set_weights({"a": 1.0, "b": bad})
    assert several.weights == {"a": 1.0, "b": 1.0}
    with pytest.raises(InputError, match=r"^redundancies is empty; measure that of at least one teacher$"):
        redundancy_weights({})
    for bad in (-0.1, math.nan):
        with pytest.raises(InputError, match=r"^redundancies\['a'\] must be a finite number >= 0, not .*; put 0 for"):
            redundancy_weights({"a": bad})
    with pytest.raises(InputError, match=r"^every redundancy is 0: no teacher shares anything with the student yet;"):
        redundancy_weights({"a": 0.0, "b": 0.0})
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match=r"^temperature must be a number > 0, not"):
            redundancy_weights({"a": 1.0}, temperature=bad)


# Not subnormal: in another unit such a number underflows before the weights ever see it.
REDUNDANCIES = (
    st.lists(st.floats(0, 5, allow_subnormal=False), min_size=1, max_size=5)
    .filter(any)
    .map(lambda v: dict(enumerate(v)))
)


@given(REDUNDANCIES, st.floats(0.01, 100), st.floats(1e-3, 1e3))
def test_weights_add_up_follow_the_redundancies_and_know_no_unit(
    redundancies: Any, temperature: float, unit: float
) -> None:
    weights = redundancy_weights(redundancies, temperature=temperature)
    assert sum(weights.values()) == pytest.approx(1.0)
    for i, first in redundancies.items():
        assert (weights[i] == 0.0) or first > 0.0
        for j, second in redundancies.items():
            assert weights[i] <= weights[j] or first > second
    in_other_unit = redundancy_weights({i: unit * v for i, v in redundancies.items()}, temperature=temperature)
    assert in_other_unit == pytest.approx(weights, abs=1e-9)


def test_temperatures_by_hand() -> None:
    shared = {"a": 0.2, "b": 0.1, "c": 0.0}
    assert redundancy_weights(shared) == pytest.approx({"a": 2 / 3, "b": 1 / 3, "c": 0.0})
    assert redundancy_weights(shared, temperature=0.5) == pytest.approx({"a": 0.8, "b": 0.2, "c": 0.0})
    assert redundancy_weights(shared, temperature=math.inf) == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_a_corrupted_teacher_is_found_by_its_redundancy_and_loses_its_weight() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(600, 6, generator=generator)
    truth = (x[:, 0] + x[:, 1] > 0).long()
    flipped = torch.rand(600, generator=generator) < 0.25
    labels = torch.where(flipped, 1 - truth, truth)
    # One teacher knows the rule; the other was corrupted, and is as sure of another one.
    good, bad = (torch.stack([-3 * v, 3 * v], 1) for v in (x[:, 0] + x[:, 1], x[:, 2] - 1.5 * x[:, 3]))
    teachers = {"good": Outputs(good, {}), "corrupted": Outputs(bad, {})}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = nn.Linear(6, 2)
    several = SeveralTeachers({"good": MatchLogits(), "corrupted": MatchLogits()})

    def train(steps: int) -> float:
        optimiser = torch.optim.Adam(student.parameters(), lr=0.05)
        for _ in range(steps):
            optimiser.zero_grad()
            several(Batch(Outputs(student(x[:300]), {}), teachers_of_training), labels[:300], Phase.STUDENT).backward()
            optimiser.step()
        with torch.no_grad():
            return (student(x).argmax(1) == truth)[300:].double().mean().item()

    teachers_of_training = {name: Outputs(outputs.logits[:300], {}) for name, outputs in teachers.items()}
    alike = train(100)
    codes = student(x).argmax(1)[300:].numpy()
    redundancies = {
        name: pid_from_samples(y=labels[300:].numpy(), x1=outputs.logits.argmax(1)[300:].numpy(), x2=codes).redundancy
        for name, outputs in teachers.items()
    }
    several.set_weights(redundancy_weights(redundancies))
    weighed = train(100)
    assert several.weights["corrupted"] < 0.1
    assert alike < 0.8
    assert weighed > 0.95
