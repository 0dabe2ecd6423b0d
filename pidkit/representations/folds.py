"""Splits for cross-fitting that keep classes spread and groups together, and parts of too many rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.mi.splits import ThreeWaySplit, check_class_sizes, three_way_splits
from pidkit.symbols import encode_labels
from pidkit.types import IntArray


def read_groups(groups: npt.ArrayLike | Iterable[Hashable], n: int) -> IntArray:
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


def cross_fitting_splits(
    labels: IntArray, folds: int, groups: IntArray | None, rng: np.random.Generator
) -> list[ThreeWaySplit]:
    """Return one split a fold: its rows are `value`; of the others a quarter is `stop`, the rest `train`.

    Without groups they are those of `three_way_splits`. With groups, whole groups are dealt, those of one class (that
    of their first row) spread evenly.

    Raises
    ------
    InputError
        If there are fewer groups than two a fold, or a class is missing from the rows that a fold is fitted to.

    Examples
    --------
    >>> labels, groups = np.arange(40) % 2, np.arange(40) // 4
    >>> split = cross_fitting_splits(labels, 5, groups, np.random.default_rng(0))[0]
    >>> np.unique(groups[split.value]).size, np.intersect1d(groups[split.value], groups[split.train]).size
    (2, 0)
    """
    n_classes = int(labels.max()) + 1
    if groups is None:
        check_class_sizes(labels, folds)
        return three_way_splits(labels.size, rng, folds=folds, labels=labels)
    members, first = np.unique(groups, return_index=True)
    if members.size < 2 * folds:
        raise InputError(
            f"groups holds {members.size} groups, fewer than two a fold; pass fewer folds than {folds}, or finer groups"
        )
    of_groups = three_way_splits(members.size, rng, folds=folds, labels=labels[first])
    splits = [
        ThreeWaySplit(*(np.flatnonzero(np.isin(groups, part)) for part in (one.train, one.stop, one.value)))
        for one in of_groups
    ]
    for split in splits:
        missing = np.flatnonzero(np.bincount(labels[split.train], minlength=n_classes) == 0)
        if missing.size:
            raise InputError(
                f"groups leave no row of class {missing[0]} to fit a decoder to: its rows lie in too few groups; "
                "merge the class or pass fewer folds"
            )
    return splits


def some_rows(n: int, most: int, rng: np.random.Generator) -> IntArray:
    """Return the rows 0 to n - 1, or `most` of them at random, in order."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))
