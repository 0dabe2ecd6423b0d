"""Groups of rows that belong together: read, joined with copies, and what they do to a standard error."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pidkit.errors import InputError
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray

Groups = npt.ArrayLike | Iterable[Hashable]
"""The group of every row, whatever names it."""

FEWEST_GROUPS = 10
"""Groups of which a fifth, two, still has a scatter, which the standard error is made of."""


def read_groups(groups: Groups, n: int) -> IntArray:
    """Return the group of every row as ranks 0, 1, ....

    Raises
    ------
    InputError
        If there is not one group a row.
    """
    codes, _ = encode_labels(groups, n=None, name="groups")
    if codes.size != n:
        raise InputError(f"groups must name the group of every row; there are {codes.size} for {n} rows")
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def joined(groups: Groups | None, copies: IntArray) -> IntArray:
    """Return the groups of rows that have to stay in one fold: those named, and those of rows that are copies.

    Two rows are together if a chain of rows leads from one to the other, each link within one group or one set of
    copies.

    Parameters
    ----------
    groups : array_like of labels, shape (n,), or None
        As the user names them.
    copies : ndarray of int, shape (n,)
        Ranks 0, 1, ..., equal where rows are copies.

    Raises
    ------
    InputError
        If there is not one group a row, or so few are left that they cannot be split.

    Examples
    --------
    >>> joined("aabbc" * 4, np.arange(20)).max() + 1
    Traceback (most recent call last):
    pidkit.errors.InputError: groups leave 3 sets of rows that belong together, and folds need at least 10 of them; ...
    >>> joined(np.arange(20) // 2, np.minimum(np.arange(20), 18))[-3:].tolist()
    [8, 9, 9]
    """
    if groups is None:
        return copies
    members = read_groups(groups, copies.size)
    n_groups = int(members.max()) + 1
    size = n_groups + int(copies.max()) + 1
    links = coo_array((np.ones(copies.size), (members, n_groups + copies)), shape=(size, size))
    component = connected_components(links, directed=False)[1][members]
    _, first, found = np.unique(component, return_index=True, return_inverse=True)
    if first.size < FEWEST_GROUPS:
        raise InputError(
            f"groups leave {first.size} sets of rows that belong together, and folds need at least "
            f"{FEWEST_GROUPS} of them; name smaller groups (rows that are copies of one another join theirs)"
        )
    # Ranked as they first appear, so that what groups are called does not decide which split a seed draws.
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[found]


def standard_error(terms: FloatArray, groups: IntArray | None = None) -> float:
    """Return the standard error of the mean of terms (n,); those of one group may vary together.

    Examples
    --------
    >>> round(standard_error(np.array([0.0, 2.0])), 9)
    1.0
    """
    return math.sqrt(float(variance_of_mean(terms, groups)))


def variance_of_mean(scores: FloatArray, groups: IntArray | None = None) -> FloatArray:
    """Return the estimated variance of the mean over rows of each column; rows of one group may vary together.

    With G groups it is G / (G - 1) times the sum over groups of (sum of the deviations in the group)² / n².

    Parameters
    ----------
    scores : ndarray, shape (n, ...)
    groups : ndarray of int, shape (n,), optional
        Ranks 0, 1, ...; None: every row is a group of its own.

    References
    ----------
    Liang & Zeger, Longitudinal data analysis using generalized linear models, Biometrika 73, 1986.

    Examples
    --------
    >>> scores = np.array([0.0, 2.0, 1.0, 5.0])
    >>> bool(variance_of_mean(scores) == scores.var(ddof=1) / 4)
    True
    >>> twice = variance_of_mean(np.repeat(scores, 2), np.repeat(np.arange(4), 2))  # copies tell nothing new
    >>> bool(abs(twice - variance_of_mean(scores)) < 1e-12)
    True
    """
    if groups is None:
        return np.asarray(scores.var(0, ddof=1) / len(scores))
    away = (scores - scores.mean(0)).reshape(len(scores), -1)
    sums = np.stack([np.bincount(groups, weights=column) for column in away.T], axis=1)
    present = np.unique(groups).size
    return np.asarray(present / (present - 1) * (sums**2).sum(0) / len(scores) ** 2).reshape(scores.shape[1:])
