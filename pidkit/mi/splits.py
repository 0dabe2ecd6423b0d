"""Splits in three: rows to train on, rows that decide when to stop, and rows that the estimate is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.arguments import whole_number
from pidkit.errors import InputError
from pidkit.types import IntArray

CROSS_FIT_BELOW = 2000
"""Samples below which every row gives the value once (cross-fitting), because a fifth of fewer would be too noisy."""

FOLDS = 5
"""Folds of a cross-fit, and parts of a single split: a fifth gives the value, a quarter of the rest stops training."""


@dataclass(frozen=True)
class ThreeWaySplit:
    """Three disjoint sets of row numbers: to train on, to stop the training by, and to take the value from."""

    train: IntArray
    stop: IntArray
    value: IntArray


def check_folds(folds: object) -> int | None:
    """Return None, 1 (a single three-way split) or how many folds there are, else raise InputError."""
    remedy = "1 is a single three-way split, and None leaves it to the number of samples"
    return None if folds is None else whole_number("folds", folds, least=1, remedy=remedy)


def three_way_splits(
    n: int,
    rng: np.random.Generator,
    *,
    folds: int | None = None,
    labels: IntArray | None = None,
    groups: IntArray | None = None,
) -> list[ThreeWaySplit]:
    """Split n rows in three, once or in turns.

    folds = 1 is one split of 60, 20 and 20 %. With more folds (cross-fitting) each fold gives the value once, and a
    quarter of the others says when to stop. None takes one split from 2000 rows on, and five folds below.
    With `labels`, every class is spread evenly over the parts. With `groups` (ranks 0, 1, ... a row), whole groups are
    dealt, those of one class (that of their first row) spread evenly.

    Raises
    ------
    InputError
        If `folds` is more than there are rows, or a class is missing from the rows that groups leave to train on.

    Examples
    --------
    >>> splits = three_way_splits(100, np.random.default_rng(0))
    >>> len(splits), [part.size for part in (splits[0].train, splits[0].stop, splits[0].value)]
    (5, [60, 20, 20])
    """
    n_folds = (1 if n >= CROSS_FIT_BELOW else FOLDS) if folds is None else folds
    whole_number("folds", n_folds, least=1, most=n, limit="the number of samples")
    if groups is not None and groups.max() + 1 < n:
        return _of_groups(groups, rng, n_folds, labels)
    order = rng.permutation(n)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    n_parts = FOLDS if n_folds == 1 else n_folds
    turns = 1 if n_folds == 1 else n_folds
    # Rows are dealt out like cards: neighbours in the order, which are of one class, go to different parts.
    part = np.empty(n, dtype=np.int64)
    part[order] = np.arange(n) % n_parts
    splits = []
    for turn in range(turns):
        value = np.flatnonzero(part == turn)
        rest = order[part[order] != turn]
        stops = np.arange(rest.size) % 4 == turn % 4
        splits.append(ThreeWaySplit(np.sort(rest[~stops]), np.sort(rest[stops]), value))
    return splits


def _of_groups(groups: IntArray, rng: np.random.Generator, folds: int, labels: IntArray | None) -> list[ThreeWaySplit]:
    """Return the splits of the rows that splits of their groups make."""
    members, first = np.unique(groups, return_index=True)
    of_groups = three_way_splits(members.size, rng, folds=folds, labels=None if labels is None else labels[first])
    splits = [
        ThreeWaySplit(*(np.flatnonzero(np.isin(groups, part)) for part in (one.train, one.stop, one.value)))
        for one in of_groups
    ]
    if labels is None:
        return splits
    for split in splits:
        missing = np.setdiff1d(labels, labels[split.train])
        if missing.size:
            raise InputError(
                f"groups leave no row of class {missing[0]} to fit a decoder to: its rows lie in too few groups; "
                "merge the class or pass fewer folds (rows that are copies of one another are one group)"
            )
    return splits


def check_class_sizes(labels: IntArray, n_parts: int) -> None:
    """Raise InputError where a class has too few samples to be in every part."""
    sizes = np.bincount(labels)
    if sizes.min() < n_parts:
        raise InputError(
            f"b has a class with {int(sizes.min())} samples; a split needs at least {n_parts} of each: "
            "merge or drop small classes, or give more samples"
        )
