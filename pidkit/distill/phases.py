"""Phases of distillation: an epoch warms up the filters, refines the teacher's filters, or trains the student."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pidkit.arguments import check_count, real_number, whole_number
from pidkit.errors import InputError


class Phase(enum.Enum):
    """The part of the system that an epoch trains.

    WARM_UP: filters and heads on the labels, both networks frozen (RID's warm-up, TED's first stage).
    TEACHER_FILTER: the teacher's filters alone, student and its filters frozen (RID, eq. 11).
    STUDENT: the student and its filters, the teacher's filters frozen (RID, eq. 12 and 13; the only phase of most
    objectives).
    """

    WARM_UP = "warm-up"
    TEACHER_FILTER = "teacher-filter"
    STUDENT = "student"


class Phases:
    """The phase of every epoch: n_w epochs of warm-up, then cycles of q, the first ceil(r q) for the teacher's filter.

    Parameters
    ----------
    warm_up : int
        n_w, epochs of warm-up.
    cycle : int
        q, epochs of a cycle.
    teacher_share : float
        r, share of a cycle for the teacher's filter, 0 <= r < 1.

    Attributes
    ----------
    epoch : int
        The epoch that is running, from 0; `advance` moves on.

    Raises
    ------
    InputError
        If a number is out of its range, or a cycle would leave no epoch to the student.

    Notes
    -----
    The paper prints the test of the cycle as round(i / q) < q r, with which almost the whole run would go to the
    teacher's filter; what is meant, and done here, is i mod q < q r.

    Source: Dissanayake et al., AISTATS 2025, Algorithm 1.

    Examples
    --------
    >>> [phase.value for phase in map(Phases(warm_up=1, cycle=4, teacher_share=0.25).at, range(6))]
    ['warm-up', 'teacher-filter', 'student', 'student', 'student', 'teacher-filter']
    """

    def __init__(self, *, warm_up: int = 0, cycle: int = 1, teacher_share: float = 0.0) -> None:
        """Check the numbers; the run starts at epoch 0."""
        self.warm_up, self.cycle = whole_number("warm_up", warm_up), check_count("cycle", cycle)
        self.teacher_share = real_number("teacher_share", teacher_share, least=0.0, below=1.0)
        # As a fraction: in floating point .7 * 10 is a little over 7, and its ceiling 8.
        self._n_teacher = math.ceil(Fraction(self.teacher_share).limit_denominator(10**6) * self.cycle)
        if self._n_teacher == self.cycle:
            raise InputError(
                f"teacher_share = {teacher_share} of cycle = {cycle} leaves the student no epoch; make the cycle longer"
            )
        self.epoch = 0

    def at(self, epoch: int) -> Phase:
        """Return the phase of an epoch, counted from 0."""
        epoch = whole_number("epoch", epoch)
        if epoch < self.warm_up:
            return Phase.WARM_UP
        in_cycle = (epoch - self.warm_up) % self.cycle
        return Phase.TEACHER_FILTER if in_cycle < self._n_teacher else Phase.STUDENT

    @property
    def current(self) -> Phase:
        """Return the phase of the running epoch."""
        return self.at(self.epoch)

    def advance(self) -> Phase:
        """Move on to the next epoch and return its phase."""
        self.epoch += 1
        return self.current

    def state_dict(self) -> dict[str, Any]:
        """Return the settings and the running epoch as plain numbers."""
        return {
            "warm_up": self.warm_up,
            "cycle": self.cycle,
            "teacher_share": self.teacher_share,
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved epoch.

        Raises
        ------
        InputError
            If the state is of phases with other settings: the run would not be the same.
        """
        own = self.state_dict()
        if set(state) != set(own) or any(state[key] != own[key] for key in own if key != "epoch"):
            raise InputError(
                f"the saved phases are {dict(state)}, these are {own}; make Phases with the saved settings"
            )
        self.epoch = whole_number("the saved epoch", state["epoch"])

    def __repr__(self) -> str:
        """Show the settings and the running epoch."""
        settings = f"warm_up={self.warm_up}, cycle={self.cycle}, teacher_share={self.teacher_share:g}"
        return f"Phases({settings}), epoch {self.epoch}: {self.current.value}"
