"""Temperatures of softened answers by epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable

from pidkit.arguments import real_number, whole_number

Schedule = Callable[[int], float]
"""A function from an epoch, counted from 0, to the temperature in it."""


def linear_schedule(start: float, stop: float, n_epochs: int) -> Schedule:
    """Return a schedule that goes from `start` in epoch 0 to `stop` in epoch n_epochs - 1 and stays there.

    A temperature usually goes from high to low: first the relations between all classes, then the likely ones.

    Raises
    ------
    InputError
        If a temperature is not positive and finite, or `n_epochs` is below 2.

    Examples
    --------
    >>> schedule = linear_schedule(8.0, 2.0, n_epochs=4)
    >>> [schedule(epoch) for epoch in range(6)]
    [8.0, 6.0, 4.0, 2.0, 2.0, 2.0]
    """
    last = whole_number("n_epochs", n_epochs, least=2, remedy="for one temperature pass a number") - 1
    ends = real_number("start", start, above=0.0), real_number("stop", stop, above=0.0)
    return functools.partial(_linear, *ends, last)


def _linear(start: float, stop: float, last: int, epoch: int) -> float:
    """Return the value of an epoch; a function of the module, so that schedules can be pickled."""
    done = min(max(epoch, 0), last)
    return (start * (last - done) + stop * done) / last
