"""Schedules of the learning rates over the epochs: constant, milestones or cosine, for all phases or for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from pidkit.arguments import check_count, items_of, keep_checked, one_of, real_number, whole_number
from pidkit.distill.phases import Phase, Phases
from pidkit.errors import InputError

Counts = Literal["run", "phase"]
"""Whether a schedule counts the epochs of the whole run, or those of one phase."""


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The learning rate times `scale`, in every epoch.

    Attributes
    ----------
    scale : float
        Positive; lets one phase run slower or faster than another.
    counts : "run" or "phase"
        What an epoch's number is: that of the run, from 0, as the papers' milestones count; or the number of epochs of
        the same phase before it.
    """

    scale: float = 1.0
    counts: Counts = "run"

    def __post_init__(self) -> None:
        """Check the numbers."""
        scale = real_number("scale", self.scale, above=0.0)
        keep_checked(self, scale=scale, counts=one_of("counts", self.counts, get_args(Counts)))

    def factor(self, epoch: int) -> float:
        """Return what the learning rate is multiplied by in an epoch."""
        whole_number("epoch", epoch)
        return self.scale


@dataclass(frozen=True, kw_only=True)
class Milestones(Constant):
    """The learning rate times scale * factor^(milestones reached).

    Attributes
    ----------
    epochs : tuple of int
        The epochs at whose start the rate drops, ascending.
    by : float
        The factor.

    Examples
    --------
    >>> [round(Milestones(epochs=(2, 3), by=0.2).factor(epoch), 3) for epoch in range(5)]
    [1.0, 1.0, 0.2, 0.04, 0.04]
    """

    epochs: tuple[int, ...]
    by: float = 0.1

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        epochs = tuple(check_count("every epoch in epochs", epoch) for epoch in items_of("epochs", self.epochs))
        if list(epochs) != sorted(set(epochs)):
            raise InputError(f"epochs must be ascending, each once, not {epochs!r}; sort them")
        keep_checked(self, epochs=epochs, by=real_number("by", self.by, above=0.0))

    def factor(self, epoch: int) -> float:
        """Return what the learning rate is multiplied by in an epoch."""
        epoch = whole_number("epoch", epoch)
        return self.scale * self.by ** sum(epoch >= milestone for milestone in self.epochs)


@dataclass(frozen=True, kw_only=True)
class Cosine(Constant):
    """The learning rate times scale * (final + (1 - final) (1 + cos(pi t / length)) / 2), t the epoch, at most length.

    Attributes
    ----------
    length : int
        Epochs until the rate is `final` of what it was.
    final : float
        0 <= final <= 1.

    Source: Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts.

    Examples
    --------
    >>> [round(Cosine(length=4).factor(epoch), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    length: int
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        final = real_number("final", self.final, least=0.0, most=1.0)
        keep_checked(self, length=check_count("length", self.length), final=final)

    def factor(self, epoch: int) -> float:
        """Return what the learning rate is multiplied by in an epoch."""
        done = min(whole_number("epoch", epoch), self.length) / self.length
        return self.scale * (self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * done)))


def factor_at(schedules: dict[Phase, Constant], phases: Phases, epoch: int) -> float:
    """Return what learning rates are multiplied by in an epoch of a run: by the schedule of the epoch's phase."""
    phase = phases.at(epoch)
    schedule = schedules[phase]
    if schedule.counts == "phase":
        return schedule.factor(sum(phases.at(before) is phase for before in range(epoch)))
    return schedule.factor(epoch)
