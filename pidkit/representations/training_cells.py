"""Sets of rows of which the training sets of all folds are made up, so that each row is added up once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pidkit.types import IntArray

PARTS_TRIED = (4, 2)
"""Into how many parts rows are dealt beside their training sets: the first number whose moments have room."""

PARTS_DRAWN_BY = 7_046_029_254
"""The seed of the parts. No small number: labels that were shuffled by the same one would be dealt by class."""


class Cells(NamedTuple):
    """Sets of rows of which training sets are made up.

    Attributes
    ----------
    of_row : tuple of ndarray of int, shape (n,)
        The cell of every row, -1 for none. There is one array where cells are disjoint, else one for each training set.
    members : tuple of ndarray of int
        The cells of every training set.
    """

    of_row: tuple[IntArray, ...]
    members: tuple[IntArray, ...]

    @property
    def n_cells(self) -> int:
        """How many there are."""
        return 1 + max(int(own.max()) for own in self.members)

    def rows_of(self, number: int) -> list[IntArray]:
        """Return the rows of every cell of a training set."""
        of_row = self.of_row[number if len(self.of_row) > 1 else 0]
        return [np.flatnonzero(of_row == cell) for cell in self.members[number]]


def cells_of(trains: Sequence[IntArray], n: int, groups: IntArray | None, parts: int) -> Cells:
    """Return cells of n rows for these training sets, whole groups in one cell.

    Training sets that leave out folds are made up of few sets of rows that are in the same ones; those of any others
    get cells of their own. Which part a row is dealt to depends on no label.

    Examples
    --------
    >>> trains = [np.arange(4, 12), np.r_[0:4, 8:12], np.arange(8)]
    >>> cells = cells_of(trains, 12, None, 2)
    >>> cells.n_cells, len(cells.of_row), [np.sort(np.concatenate(cells.rows_of(k))).size for k in range(3)]
    (6, 1, [8, 8, 8])
    """
    _, group = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    part = np.random.default_rng(PARTS_DRAWN_BY).permutation(int(group.max()) + 1)[group] % parts
    inside = np.zeros((len(trains), n), dtype=bool)
    for own, train in zip(inside, trains, strict=True):
        own[train] = True
    patterns, kind = np.unique(inside, axis=1, return_inverse=True)
    if patterns.any(0).sum() <= len(trains):
        taken = np.cumsum(patterns.any(0)) - 1
        of_row = np.where(inside.any(0), parts * taken[kind.ravel()] + part, -1)
        numbers = [taken[own] for own in patterns]
        members = [(parts * own[:, None] + np.arange(parts)).ravel() for own in numbers]
        return Cells((of_row,), tuple(members))
    return Cells(
        tuple(np.where(own, parts * k + part, -1) for k, own in enumerate(inside)),
        tuple(parts * k + np.arange(parts) for k in range(len(trains))),
    )
