"""Learning rates over the epochs, by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from pidkit import InputError
from pidkit.distill import Phase, Phases
from pidkit.distill.training import Constant, Cosine, Linear, Milestones
from pidkit.distill.training.schedules import factor_at


def test_the_papers_cifar10_rates() -> None:
    """.05, .01 from epoch 150, .002 from 200."""
    schedule = Milestones(epochs=(150, 200), by=0.2)
    rates = [0.05 * schedule.factor(epoch) for epoch in (0, 149, 150, 199, 200, 299)]
    assert rates == pytest.approx([0.05, 0.05, 0.01, 0.01, 0.002, 0.002])


def test_constant_and_scale() -> None:
    assert [Constant(scale=0.5).factor(epoch) for epoch in (0, 10)] == [0.5, 0.5]
    assert Milestones(epochs=(1,), by=0.1, scale=2.0).factor(1) == pytest.approx(0.2)


def test_cosine_by_hand() -> None:
    """At a third of the way cos(pi / 3) = 1/2: final .2 + .8 * (1 + 1/2) / 2 = .8."""
    assert Cosine(length=3, final=0.2).factor(1) == pytest.approx(0.8)
    assert Cosine(length=3, final=0.2).factor(7) == pytest.approx(0.2)
    assert Cosine(length=4).factor(1) == pytest.approx(0.5 * (1 + math.sqrt(0.5)))


def test_epochs_of_the_run_or_of_the_phase() -> None:
    """Warm-up 0 and 1, then teacher's filter 2, student 3, 4, 5, filter 6, student 7, ..."""
    phases = Phases(warm_up=2, cycle=4, teacher_share=0.25)
    run, own = Milestones(epochs=(5,)), Milestones(epochs=(5,), counts="phase")

    def drop(schedule: Milestones) -> list[bool]:
        return [factor_at(dict.fromkeys(Phase, schedule), phases, epoch) < 1 for epoch in range(12)]

    assert drop(run).index(True) == 5
    # The student's epochs are 3, 4, 5, 7, 8, 9: the sixth is epoch 9.
    assert drop(own).index(True) == 9
    assert drop(own)[10] is False  # the third of the teacher's filter


def test_linear_and_cosine_within_an_epoch_and_after_a_warm_up() -> None:
    assert [Linear(length=4, final=0.2).factor(epoch) for epoch in (0, 1.5, 4, 9)] == pytest.approx(
        [1.0, 0.7, 0.2, 0.2]
    )
    assert Cosine(length=4).factor(1.5) == pytest.approx(0.5 * (1 + math.cos(1.5 * math.pi / 4)))
    # Rises over an epoch and a half from .2 of 2; what is left of five epochs is the whole course.
    warm: dict[str, Any] = {"warm_up": 1.5, "warm_up_from": 0.2, "per": "step", "scale": 2.0}
    rise = [0.4, 2 * (0.2 + 0.8 * 0.5 / 1.5), 2.0]
    for schedule, later in (
        (Constant(**warm), [2.0, 2.0]),
        (Linear(length=5, **warm), [2 * (1 - 1 / 3.5), 2 * (1 - 2 / 3.5)]),
        (Cosine(length=5, **warm), [1 + math.cos(math.pi / 3.5), 1 + math.cos(2 * math.pi / 3.5)]),
        # Milestones are epochs of the run, and may lie within one.
        (Milestones(epochs=(2.75,), **warm), [2.0, 0.2]),
    ):
        assert [schedule.factor(epoch) for epoch in (0, 0.5, 1.5, 2.5, 3.5)] == pytest.approx(rise + later)


def test_a_schedule_of_steps_counts_those_of_its_phase() -> None:
    """Warm-up 0 and 1, then teacher's filter 2, student 3, 4, 5, filter 6, student 7, ..."""
    phases = Phases(warm_up=2, cycle=4, teacher_share=0.25)

    def at(epoch: int, over: float, **how: Any) -> float:
        return factor_at(dict.fromkeys(Phase, Linear(length=8, **how)), phases, epoch, over)

    assert at(4, 0.5) == pytest.approx(0.5)
    assert at(4, 0.5, per="step") == pytest.approx(1 - 4.5 / 8)
    assert at(4, 0.5, per="step", counts="phase") == pytest.approx(1 - 1.5 / 8)
    assert at(7, 0.25, per="step", counts="phase") == pytest.approx(1 - 3.25 / 8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(scale=0.0), "scale must be a finite number > 0"),
        (lambda: Constant(counts="steps"), "counts must be 'run' or 'phase', not 'steps'"),  # type: ignore[arg-type]
        (lambda: Milestones(epochs=(3, 2)), "epochs must be ascending, each once, not"),
        (lambda: Milestones(epochs=(0, 2)), "every epoch in epochs must be a whole number >= 1, not 0"),
        (lambda: Milestones(epochs=(1,), by=-1.0), "by must be a finite number > 0"),
        (lambda: Constant(warm_up=0.5), "warm_up = 0.5 ends within an epoch; pass per='step', or whole epochs"),
        (lambda: Constant(warm_up_from=1.5), r"warm_up_from must be a number in \[0, 1\]"),
        (lambda: Constant(per="batch"), "per must be 'epoch' or 'step', not 'batch'"),  # type: ignore[arg-type]
        (lambda: Milestones(epochs=(0.5,)), "every epoch in epochs must be a whole number"),
        (lambda: Linear(length=2, warm_up=2), "length = 2 must be more than the warm_up = 2 that is part of it"),
        (lambda: Cosine(length=0), "length must be a whole number >= 1"),
        (lambda: Cosine(length=2, final=1.5), r"final must be a number in \[0, 1\]"),
    ],
)
def test_bad_schedules_are_refused(make: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
