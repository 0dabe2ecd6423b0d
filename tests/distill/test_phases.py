"""The schedule of RID's Algorithm 1, with the counts of the paper's settings, and what is refused."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.distill import Phase, Phases


def counts(phases: Phases, epochs: int) -> Counter[Phase]:
    return Counter(phases.at(epoch) for epoch in range(epochs))


@pytest.mark.parametrize(
    ("n_w", "q", "r", "epochs", "teacher", "student"),
    [
        # CIFAR-10: 270 epochs after warm-up are 9 cycles of 30, ceil(30 / 4) = 8 of each for the filter: 72 and 198.
        (30, 30, 1 / 4, 300, 72, 198),
        # CIFAR-100: 245 = 49 cycles of 5, 1 of each: 49 and 196.
        (5, 5, 1 / 5, 250, 49, 196),
        # ImageNet -> CUB: 230 = 11 cycles of 20 and 10 epochs; 4 of each: 12 * 4 = 48 and 182.
        (20, 20, 1 / 5, 250, 48, 182),
    ],
)
def test_the_papers_settings(n_w: int, q: int, r: float, epochs: int, teacher: int, student: int) -> None:
    found = counts(Phases(warm_up=n_w, cycle=q, teacher_share=r), epochs)
    assert found == {Phase.WARM_UP: n_w, Phase.TEACHER_FILTER: teacher, Phase.STUDENT: student}


def test_the_printed_test_of_the_cycle_would_give_nearly_everything_to_the_teachers_filter() -> None:
    """Epoch i after warm-up with round(i / q) < q r: 30 / 4 = 7.5, so all i with i / 30 < 7.5, 225 of 270 epochs."""
    q, r = 30, 1 / 4
    printed = sum(round(i / q) < q * r for i in range(270))
    assert printed == 225
    assert counts(Phases(warm_up=0, cycle=q, teacher_share=r), 270)[Phase.TEACHER_FILTER] == 72


def test_rounding_does_not_add_an_epoch() -> None:
    """0.7 * 10 = 7.000000000000001 in floating point, whose ceiling is 8; meant are 7."""
    assert counts(Phases(cycle=10, teacher_share=0.7), 10)[Phase.TEACHER_FILTER] == 7
    assert counts(Phases(cycle=3, teacher_share=1 / 3), 3)[Phase.TEACHER_FILTER] == 1


def test_by_default_every_epoch_is_the_students() -> None:
    assert counts(Phases(), 10) == {Phase.STUDENT: 10}


def test_no_share_for_the_teachers_filter_leaves_warm_up_and_student() -> None:
    assert counts(Phases(warm_up=2, cycle=7), 20) == {Phase.WARM_UP: 2, Phase.STUDENT: 18}


@given(warm_up=st.integers(0, 20), cycle=st.integers(1, 40), tenths=st.integers(0, 9), n_cycles=st.integers(1, 4))
def test_every_cycle_begins_with_the_teachers_filter(warm_up: int, cycle: int, tenths: int, n_cycles: int) -> None:
    n_teacher = -(-tenths * cycle // 10)  # ceil(r q) in whole numbers
    if n_teacher == cycle:
        with pytest.raises(InputError, match="leaves the student no epoch; make the cycle longer"):
            Phases(warm_up=warm_up, cycle=cycle, teacher_share=tenths / 10)
        return
    phases = Phases(warm_up=warm_up, cycle=cycle, teacher_share=tenths / 10)
    one = [Phase.TEACHER_FILTER] * n_teacher + [Phase.STUDENT] * (cycle - n_teacher)
    expected = [Phase.WARM_UP] * warm_up + one * n_cycles
    assert [phases.at(epoch) for epoch in range(len(expected))] == expected


def test_advance_walks_through_the_schedule() -> None:
    phases = Phases(warm_up=1, cycle=2, teacher_share=0.5)
    assert phases.current is Phase.WARM_UP
    assert [phases.advance() for _ in range(3)] == [Phase.TEACHER_FILTER, Phase.STUDENT, Phase.TEACHER_FILTER]
    assert phases.epoch == 3
    assert repr(phases) == "Phases(warm_up=1, cycle=2, teacher_share=0.5), epoch 3: teacher-filter"


def test_the_state_goes_through_json_and_back() -> None:
    phases = Phases(warm_up=1, cycle=3, teacher_share=1 / 3)
    phases.advance()
    phases.advance()
    again = Phases(warm_up=1, cycle=3, teacher_share=1 / 3)
    again.load_state_dict(json.loads(json.dumps(phases.state_dict())))
    assert (again.epoch, again.current) == (phases.epoch, phases.current)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"warm_up": 1, "cycle": 1, "teacher_share": 0.0, "epoch": 3}, "make Phases with the saved settings"),
        ({"epoch": 3}, "make Phases with the saved settings"),
        ({"warm_up": 0, "cycle": 1, "teacher_share": 0.0, "epoch": -1}, "the saved epoch must be a whole number"),
        ({"warm_up": 0, "cycle": 1, "teacher_share": 0.0, "epoch": 1.5}, "the saved epoch must be a whole number"),
    ],
)
def test_other_states_are_refused(state: dict[str, float], message: str) -> None:
    phases = Phases()
    with pytest.raises(InputError, match=message):
        phases.load_state_dict(state)
    assert phases.epoch == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"warm_up": -1}, "warm_up must be a whole number >= 0, not"),
        ({"warm_up": 1.0}, "warm_up must be a whole number >= 0, not"),
        ({"warm_up": True}, "warm_up must be a whole number >= 0, not"),
        ({"cycle": 0}, "cycle must be a whole number >= 1, not 0"),
        ({"teacher_share": 1.0}, r"teacher_share must be a number in \[0, 1\), not 1.0"),
        ({"teacher_share": -0.1}, "teacher_share must be a number in"),
        ({"teacher_share": float("nan")}, "teacher_share must be a number in"),
        ({"cycle": 1, "teacher_share": 0.25}, "leaves the student no epoch"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Phases(**options)


@pytest.mark.parametrize("epoch", [-1, 1.0, True, None])
def test_bad_epochs_are_refused(epoch: bool | float | None) -> None:
    with pytest.raises(InputError, match="epoch must be a whole number >= 0"):
        Phases().at(epoch)  # type: ignore[arg-type]
