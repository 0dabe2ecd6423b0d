"""Learning rates over the epochs, by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from pidkit import InputError
from pidkit.distill import Phase, Phases
from pidkit.distill.training import Constant, Cosine, Milestones
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(scale=0.0), "scale must be a finite number > 0"),
        (lambda: Constant(counts="steps"), "counts must be 'run' or 'phase', not 'steps'"),  # type: ignore[arg-type]
        (lambda: Milestones(epochs=(3, 2)), "epochs must be ascending, each once, not"),
        (lambda: Milestones(epochs=(0, 2)), "every epoch in epochs must be a whole number >= 1, not 0"),
        (lambda: Milestones(epochs=(1,), by=-1.0), "by must be a finite number > 0"),
        (lambda: Cosine(length=0), "length must be a whole number >= 1"),
        (lambda: Cosine(length=2, final=1.5), r"final must be a number in \[0, 1\]"),
    ],
)
def test_bad_schedules_are_refused(make: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
