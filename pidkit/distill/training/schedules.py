"""Schedules of the learning rates over epochs or steps, with a warm-up, for all phases or for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from pidkit.arguments import check_count, items_of, keep_checked, one_of, real_number
from pidkit.distill.phases import Phase, Phases
from pidkit.errors import InputError

Counts = Literal["run", "phase"]
"""Whether a schedule counts the epochs of the whole run, or those of one phase."""

Per = Literal["epoch", "step"]
"""How often a rate changes."""


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The learning rate times `scale`, after a warm-up.

    Attributes
    ----------
    scale : float
        Positive; lets one phase run slower or faster than another.
    counts : "run" or "phase"
        What an epoch's number is: that of the run, from 0, as the papers' milestones count; or the number of epochs of
        the same phase before it.
    per : "epoch" or "step"
        When the rate changes: at the start of each epoch, or before each step of the optimiser, of which step k of n is
        k / n of an epoch later.
    warm_up : float
        The epochs over which the rate rises in a line, from `warm_up_from` of it to all. Part of an epoch needs
        per="step".
    warm_up_from : float
        0 <= warm_up_from <= 1.

    Source: the warm-up is that of Goyal et al., "Accurate, large minibatch SGD", arXiv 1706.02677, section 2.2.

    Examples
    --------
    >>> rise = Constant(warm_up=2, warm_up_from=0.2, per="step")
    >>> [round(rise.factor(epoch), 3) for epoch in (0, 0.5, 1, 1.5, 2, 3)]
    [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    """

    scale: float = 1.0
    counts: Counts = "run"
    per: Per = "epoch"
    warm_up: float = 0.0
    warm_up_from: float = 0.1

    def __post_init__(self) -> None:
        """Check the numbers."""
        warm_up = real_number("warm_up", self.warm_up, least=0.0)
        keep_checked(
            self,
            scale=real_number("scale", self.scale, above=0.0),
            counts=one_of("counts", self.counts, get_args(Counts)),
            per=one_of("per", self.per, get_args(Per)),
            warm_up=warm_up,
            warm_up_from=real_number("warm_up_from", self.warm_up_from, least=0.0, most=1.0),
        )
        if self.per == "epoch" and warm_up != int(warm_up):
            raise InputError(f"warm_up = {warm_up:g} ends within an epoch; pass per='step', or whole epochs")

    def factor(self, epoch: float) -> float:
        """Return what the learning rate is multiplied by at a time in epochs, in parts of one with per="step"."""
        epoch = real_number("epoch", epoch, least=0.0)
        if epoch >= self.warm_up:
            return self.scale * self._course(epoch)
        return self.scale * (self.warm_up_from + (1.0 - self.warm_up_from) * epoch / self.warm_up)

    def _course(self, epoch: float) -> float:
        """Return the factor after the warm-up, without the scale."""
        return 1.0

    def _done(self, epoch: float, length: int) -> float:
        """Return how much of the way from the end of the warm-up to epoch `length` is done."""
        return (min(epoch, length) - self.warm_up) / (length - self.warm_up)

    def _checked_length(self, length: object) -> int:
        """Return the length if it is longer than the warm-up."""
        checked = check_count("length", length)
        if checked <= self.warm_up:
            raise InputError(f"length = {checked} must be more than the warm_up = {self.warm_up:g} that is part of it")
        return checked


@dataclass(frozen=True, kw_only=True)
class Milestones(Constant):
    """The learning rate times scale * by^(milestones reached), after a warm-up.

    Attributes
    ----------
    epochs : tuple of int
        The epochs at whose start the rate drops, ascending; with per="step" they may be real numbers, 2.5 in the middle
        of epoch 2.
    by : float
        The factor.

    Examples
    --------
    >>> [round(Milestones(epochs=(2, 3), by=0.2).factor(epoch), 3) for epoch in range(5)]
    [1.0, 1.0, 0.2, 0.04, 0.04]
    """

    epochs: tuple[float, ...]
    by: float = 0.1

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        epochs = tuple(self._checked_epoch(epoch) for epoch in items_of("epochs", self.epochs))
        if list(epochs) != sorted(set(epochs)):
            raise InputError(f"epochs must be ascending, each once, not {epochs!r}; sort them")
        keep_checked(self, epochs=epochs, by=real_number("by", self.by, above=0.0))

    def _checked_epoch(self, epoch: object) -> float:
        name = "every epoch in epochs"
        return check_count(name, epoch) if self.per == "epoch" else real_number(name, epoch, above=0.0)

    def _course(self, epoch: float) -> float:
        """Return the powers of the factor."""
        return float(self.by ** sum(epoch >= milestone for milestone in self.epochs))


@dataclass(frozen=True, kw_only=True)
class Linear(Constant):
    """The learning rate times scale * (1 - (1 - final) t), t from 0 at the end of the warm-up to 1 at epoch `length`.

    Attributes
    ----------
    length : int
        Epochs until the rate is `final` of what it was, those of the warm-up among them.
    final : float
        0 <= final <= 1.

    Examples
    --------
    >>> [round(Linear(length=4).factor(epoch), 3) for epoch in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    length: int
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        final = real_number("final", self.final, least=0.0, most=1.0)
        keep_checked(self, length=self._checked_length(self.length), final=final)

    def _course(self, epoch: float) -> float:
        """Return the line."""
        return 1.0 - (1.0 - self.final) * self._done(epoch, self.length)


@dataclass(frozen=True, kw_only=True)
class Cosine(Linear):
    """The learning rate times scale * (final + (1 - final) (1 + cos(pi t)) / 2), t as in `Linear`.

    Attributes
    ----------
    length, final
        As of `Linear`.

    Source: Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts.

    Examples
    --------
    >>> [round(Cosine(length=4).factor(epoch), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def _course(self, epoch: float) -> float:
        """Return the half wave."""
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * self._done(epoch, self.length)))


def factor_at(schedules: dict[Phase, Constant], phases: Phases, epoch: int, over: float = 0.0) -> float:
    """Return what learning rates are multiplied by in an epoch of a run: by the schedule of the epoch's phase.

    Parameters
    ----------
    schedules : dict of Phase to Constant
    phases : Phases
    epoch : int
    over : float
        The share of the epoch that is over, 0 <= over < 1, for schedules of steps.
    """
    phase = phases.at(epoch)
    schedule = schedules[phase]
    if schedule.counts == "phase":
        epoch = sum(phases.at(before) is phase for before in range(epoch))
    return schedule.factor(epoch + over if schedule.per == "step" else epoch)
