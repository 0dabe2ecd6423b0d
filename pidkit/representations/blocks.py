"""Rows that are drawn together: resamples and permutations of whole groups, such as copies or views of one sample."""

from __future__ import annotations

import numpy as np

from pidkit.types import IntArray


class Blocks:
    """The groups of rows, each of which is drawn as a whole; without groups every row is one by itself.

    Copies of a sample say nothing new. Where their rows are drawn one by one, resamples scatter too little and
    permutations tear copies apart, so that chance seems rarer than it is.

    Parameters
    ----------
    n : int
        Number of rows.
    groups : ndarray of int, shape (n,), optional
        Ranks 0, 1, ... without gaps.

    References
    ----------
    Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (hierarchical data).

    Examples
    --------
    >>> blocks = Blocks(6, np.array([0, 0, 1, 1, 2, 2]))
    >>> blocks.resample(np.random.default_rng(0)).reshape(3, 2).tolist()
    [[4, 5], [2, 3], [2, 3]]
    """

    def __init__(self, n: int, groups: IntArray | None = None) -> None:
        """Sort the rows by their groups."""
        self.groups = np.arange(n) if groups is None else groups
        self._order = np.argsort(self.groups, kind="stable")
        self.size = np.bincount(self.groups)
        self._start = np.cumsum(self.size) - self.size

    def resample(self, rng: np.random.Generator) -> IntArray:
        """Return the rows of as many groups as there are, drawn with replacement."""
        donors = rng.integers(self.size.size, size=self.size.size)
        size = self.size[donors]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        return np.asarray(self._order[np.repeat(self._start[donors], size) + within])

    def permutation(self, rng: np.random.Generator) -> IntArray:
        """Return for every row the row that takes its place where whole groups change places."""
        return self._donated(rng.permutation(self.size.size))

    def within(self, labels: IntArray, rng: np.random.Generator) -> IntArray:
        """Return for every row a row of its label, the rows of one group and label from one group, with replacement."""
        codes = self.groups * (int(labels.max()) + 1) + labels
        parts = Blocks(labels.size, np.unique(codes, return_inverse=True)[1].astype(np.int64))
        label = labels[parts._order[parts._start]]
        by_label = np.argsort(label, kind="stable")
        count = np.bincount(label)
        first = np.cumsum(count) - count
        drawn = first[label] + np.floor(rng.random(label.size) * count[label]).astype(np.int64)
        return parts._donated(by_label[drawn])

    def _donated(self, donors: IntArray) -> IntArray:
        """Return for every row one of the group that its own group is given, in turn where sizes differ."""
        rows = np.empty_like(self._order)
        within = np.arange(rows.size) - np.repeat(self._start, self.size)
        of_donor = within % np.repeat(self.size[donors], self.size)
        rows[self._order] = self._order[np.repeat(self._start[donors], self.size) + of_donor]
        return rows
