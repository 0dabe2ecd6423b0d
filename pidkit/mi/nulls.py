"""What an estimator returns where there is nothing to find: the pairs broken up by permutation, and the p-value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from pidkit.errors import InputError
from pidkit.mi.result import MIEstimate
from pidkit.types import IntArray

SHOW_PROGRESS_AFTER = 2.0
"""Seconds after which a line shows how many permutations are done."""

EQUAL = 1e-12
"""Nats within which a permutation's value counts as large as the sample's."""

NEAR = 5
"""Samples nearest in the condition among which a sample of a conditional null may find the one it takes."""


def with_null(
    found: MIEstimate, replicate: Callable[[np.random.Generator], MIEstimate], n_null: int, draws: np.random.Generator
) -> MIEstimate:
    """Return the estimate with the values of `n_null` replicates without information, and its p-value.

    p = (1 + replicates at least as large as the value) / (1 + n_null): Davison & Hinkley, Bootstrap Methods and their
    Application, 1997, section 4.2.
    """
    rounds = tqdm(range(n_null), desc=f"null of {found.estimator}", delay=SHOW_PROGRESS_AFTER, leave=False)
    null = tuple(replicate(draws).to(found.unit).value for _ in rounds)
    p_value = (1 + sum(value >= found.value - EQUAL for value in null)) / (1 + n_null)
    return dataclasses.replace(found, null=null, p_value=p_value)


def without_doubts(estimator: object) -> Callable[..., MIEstimate]:
    """Return the estimate method without what looks for doubts in its result, which a replicate does not need."""
    plain = inspect.unwrap(type(estimator).estimate)  # type: ignore[attr-defined]
    return lambda *samples, **options: plain(estimator, *samples, **options)


def permuted(n: int, groups: IntArray | None, rng: np.random.Generator) -> IntArray:
    """Return the row that takes the place of each of n rows; groups trade places as wholes, with those of their size.

    Raises
    ------
    InputError
        If no two groups are of one size.

    Examples
    --------
    >>> permuted(6, np.array([0, 0, 1, 1, 2, 2]), np.random.default_rng(2))
    array([4, 5, 0, 1, 2, 3])
    """
    if groups is None:
        return np.asarray(rng.permutation(n), dtype=np.int64)
    order, sizes = np.argsort(groups, kind="stable"), np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    if np.unique(sizes).size == sizes.size:
        raise InputError("groups are all of different sizes, so that none can trade places; cut them to a few sizes")
    taken = np.empty(n, dtype=np.int64)
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        rows = order[starts[alike][:, None] + np.arange(size)]
        taken[rows] = rows[rng.permutation(alike.size)]
    return taken


def permuted_given(near: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the row that takes the place of each row, one of those `near` (n, k) it that none has taken yet.

    Where all are taken one of them is taken again, as Runge does.

    References
    ----------
    Runge, Conditional independence testing based on a nearest-neighbor estimator of conditional mutual information,
    AISTATS 2018, algorithm 1.
    """
    taken, used = np.empty(len(near), dtype=np.int64), np.zeros(len(near), dtype=np.bool_)
    for row in rng.permutation(len(near)):
        choices = rng.permutation(near[row])
        free = choices[~used[choices]]
        taken[row] = free[0] if free.size else choices[0]
        used[taken[row]] = True
    return taken


def chosen(side: Any, rows: IntArray) -> Any:
    """Return the rows of a side, which may be a list or an array of any library."""
    return side[rows] if hasattr(side, "dtype") else [list(side)[row] for row in rows]
