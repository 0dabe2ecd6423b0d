"""What an estimator returns where there is nothing to find: the pairs broken up by permutation, and the p-value."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from pidkit.errors import InputError
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import Groups
from pidkit.types import IntArray

SHOW_PROGRESS_AFTER = 2.0
"""Seconds after which a line shows how many permutations are done."""

EQUAL = 1e-12
"""Nats within which a permutation's value counts as large as the sample's."""


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


def without_doubts(estimator: Any) -> Callable[..., MIEstimate]:
    """Return the estimate method without what looks for doubts in its result, which a replicate does not need."""
    bare = estimator.without_trials() if hasattr(estimator, "without_trials") else estimator
    plain = inspect.unwrap(type(bare).estimate)
    return lambda *samples, **options: plain(bare, *samples, **options)


def kept_in_folds(estimator: Any, called: str, groups: Groups | None, *, n_null: int) -> dict[str, Any]:
    """Return the keyword that hands `groups` to the folds of an estimator that has some, else none.

    Raises
    ------
    InputError
        If the groups would do nothing: there are neither folds nor permutations.
    """
    if groups is None:
        return {}
    if "groups" in inspect.signature(estimator.estimate).parameters:
        return {"groups": list(groups) if isinstance(groups, Iterator) else groups}
    if not n_null:
        raise InputError(
            f"groups: {called} has no folds to keep them in, and without permutations nothing trades places; pass "
            "n_null, such as 200, or take an estimator that is trained"
        )
    return {}


def chosen(side: Any, rows: IntArray) -> Any:
    """Return the rows of a side, which may be a list or an array of any library."""
    return side[rows] if hasattr(side, "dtype") else [list(side)[row] for row in rows]
