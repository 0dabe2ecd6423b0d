"""Rows that are drawn together: resamples and permutations of whole groups, such as copies or views of one sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.types import IntArray

ALL_DIFFERENT = "groups are all of different sizes, so that none can trade places; cut them to a few sizes"
"""What is wrong where groups can only trade with those of their size."""


class Blocks:
    """The groups of rows, each of which is drawn as a whole; without groups every row is one by itself.

    Copies of a sample say nothing new. Where their rows are drawn one by one, resamples scatter too little and
    permutations tear copies apart, so that chance seems rarer than it is.

    Two rules say which group gives its rows to which. `exchange` lets groups trade places with those of their size
    alone: every row is taken once, so that a p-value is exact, but groups of a size of their own stay. `permutation`
    lets all groups trade, whose rows are taken in turn where sizes differ: it serves nulls that have to leave no pair
    of rows as it was, whatever the sizes, and is the same where there is one size.

    Parameters
    ----------
    n : int
        Number of rows.
    groups : ndarray of int, shape (n,), optional
        Ranks 0, 1, ... without gaps.
    by : array_like, shape (n,), optional
        What the rows of a group are ordered by, before the first row of one group takes the place of the first of
        another; unless given, their places in the sample.

    References
    ----------
    Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (hierarchical data).

    Examples
    --------
    >>> blocks = Blocks(6, np.array([0, 0, 1, 1, 2, 2]))
    >>> blocks.resample(np.random.default_rng(0)).reshape(3, 2).tolist()
    [[4, 5], [2, 3], [2, 3]]
    """

    def __init__(self, n: int, groups: IntArray | None = None, *, by: npt.NDArray[np.generic] | None = None) -> None:
        """Sort the rows by their groups."""
        self.groups = np.arange(n) if groups is None else groups
        self._order = np.lexsort((np.arange(n) if by is None else by, self.groups))
        self.size = np.bincount(self.groups)
        self._start = np.cumsum(self.size) - self.size

    def of_size(self, size: int) -> tuple[IntArray, IntArray]:
        """Return the groups of so many rows, shape (m,), and their rows in order, shape (m, size)."""
        alike = np.flatnonzero(self.size == size)
        return alike, self._order[self._start[alike][:, None] + np.arange(size)]

    def resample(self, rng: np.random.Generator) -> IntArray:
        """Return the rows of as many groups as there are, drawn with replacement."""
        donors = rng.integers(self.size.size, size=self.size.size)
        size = self.size[donors]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        return np.asarray(self._order[np.repeat(self._start[donors], size) + within])

    def permutation(self, rng: np.random.Generator) -> IntArray:
        """Return for every row the row that takes its place where whole groups change places."""
        return self.donated(rng.permutation(self.size.size))

    def exchange(self, rng: np.random.Generator, kinds: IntArray | None = None) -> IntArray:
        """Return for every row the row that takes its place where groups trade with those of their size, or kind.

        Parameters
        ----------
        rng : numpy.random.Generator
        kinds : ndarray of int, shape (groups,), optional
            Of every group; groups of one kind have one size.

        Raises
        ------
        InputError
            If no two groups are of one size, so that none can trade.

        Examples
        --------
        >>> Blocks(6, np.array([0, 0, 1, 1, 2, 2])).exchange(np.random.default_rng(2)).tolist()
        [4, 5, 0, 1, 2, 3]
        """
        kinds = self.size if kinds is None else kinds
        present, members = np.unique(kinds, return_inverse=True)
        if present.size == kinds.size:
            raise InputError(ALL_DIFFERENT)
        donors = np.empty(kinds.size, dtype=np.int64)
        in_order, counts = np.argsort(members, kind="stable"), np.bincount(members)
        for alike in np.split(in_order, np.cumsum(counts)[:-1]):
            donors[alike] = alike[rng.permutation(alike.size)]
        return self.donated(donors)

    def within(self, labels: IntArray, rng: np.random.Generator) -> IntArray:
        """Return for every row a row of its label, the rows of one group and label from one group, with replacement."""
        codes = self.groups * (int(labels.max()) + 1) + labels
        parts = Blocks(labels.size, np.unique(codes, return_inverse=True)[1].astype(np.int64))
        label = labels[parts._order[parts._start]]
        by_label = np.argsort(label, kind="stable")
        count = np.bincount(label)
        first = np.cumsum(count) - count
        drawn = first[label] + np.floor(rng.random(label.size) * count[label]).astype(np.int64)
        return parts.donated(by_label[drawn])

    def donated(self, donors: IntArray) -> IntArray:
        """Return for every row one of the group that its own group is given, in turn where sizes differ."""
        rows = np.empty_like(self._order)
        within = np.arange(rows.size) - np.repeat(self._start, self.size)
        of_donor = within % np.repeat(self.size[donors], self.size)
        rows[self._order] = self._order[np.repeat(self._start[donors], self.size) + of_donor]
        return rows
