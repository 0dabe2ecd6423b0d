"""Splits for cross-fitting that keep classes spread and groups together, and parts of too many rows."""

from __future__ import annotations

import numpy as np

from pidkit.errors import InputError
from pidkit.mi.splits import ThreeWaySplit, check_class_sizes, three_way_splits
from pidkit.types import IntArray


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
    if groups is None:
        check_class_sizes(labels, folds)
        return three_way_splits(labels.size, rng, folds=folds, labels=labels)
    n_groups = np.unique(groups).size
    if n_groups < 2 * folds:
        raise InputError(
            f"groups holds {n_groups} groups, fewer than two a fold; pass fewer folds than {folds}, or finer groups"
        )
    return three_way_splits(labels.size, rng, folds=folds, labels=labels, groups=groups)


def deal(labels: IntArray, n_parts: int, groups: IntArray | None = None) -> IntArray:
    """Return the part, 0 to n_parts - 1, of every row: whole groups, those of one class (of their first row) evenly.

    Examples
    --------
    >>> deal(np.array([0, 0, 1, 1, 0, 0]), 2)
    array([0, 1, 0, 1, 0, 1])
    >>> deal(np.array([0, 0, 1, 1]), 2, np.array([0, 0, 1, 1]))
    array([0, 0, 1, 1])
    """
    rows = np.arange(labels.size) if groups is None else groups
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    part = np.empty(first.size, dtype=np.int64)
    part[np.argsort(labels[first], kind="stable")] = np.arange(first.size) % n_parts
    return part[group]


def some_rows(n: int, most: int, rng: np.random.Generator) -> IntArray:
    """Return the rows 0 to n - 1, or `most` of them at random, in order."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))
