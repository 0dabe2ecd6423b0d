"""Frozen dataclasses whose fields are arguments: what was passed is replaced by what the check returned."""

from __future__ import annotations


def keep_checked(frozen: object, **checked: object) -> None:
    """Set fields of a frozen dataclass to their checked values, in its `__post_init__` and nowhere else.

    A field then holds a plain int where a numpy integer was passed, so that equal arguments make equal objects and
    equal JSON.

    Examples
    --------
    >>> import dataclasses
    >>> from pidkit.arguments import check_count
    >>> @dataclasses.dataclass(frozen=True)
    ... class Bins:
    ...     n_bins: int = 10
    ...     def __post_init__(self):
    ...         keep_checked(self, n_bins=check_count("n_bins", self.n_bins))
    >>> import numpy as np
    >>> Bins(np.int64(3))
    Bins(n_bins=3)
    """
    for name, value in checked.items():
        object.__setattr__(frozen, name, value)
