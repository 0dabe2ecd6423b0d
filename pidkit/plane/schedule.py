"""Steps at which to measure: networks change most in the first steps, so they are spaced evenly on a log scale."""

from __future__ import annotations

import numpy as np

from pidkit.arguments import flag, whole_number


def log_spaced_steps(last: int, *, n: int = 20, first: int = 1, start: bool = True) -> tuple[int, ...]:
    """Return at most `n` whole steps from `first` to `last`, evenly spaced on a logarithmic scale, each once.

    Parameters
    ----------
    last : int
        The last step, always included.
    n : int
        How many to aim for; fewer come back where neighbours round to one step.
    first : int
        The first step of the scale.
    start : bool
        Whether step 0, before any training, comes first.

    Raises
    ------
    InputError
        If one is no whole number, `first` is below 1, `last` is below `first`, or `n` is below 2.

    Examples
    --------
    >>> log_spaced_steps(100, n=5)
    (0, 1, 3, 10, 32, 100)
    """
    first, n = whole_number("first", first, least=1), whole_number("n", n, least=2)
    last = whole_number("last", last, least=first)
    flag("start", start)
    steps = np.unique(np.round(np.geomspace(first, last, n)).astype(np.int64))
    return (*((0,) if start else ()), *(int(step) for step in steps))
