"""Samples that repeat: copies of one sample, values on a grid, symbols, and the entropy that caps the information."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pidkit.info import entropy
from pidkit.mi.samples import row_codes
from pidkit.types import FloatArray, IntArray

MOST_COPIES = 20
"""Rows that may share a value as copies of one sample; a value that more rows share is taken for a symbol."""

SYMBOL_SHARE = 0.1
"""Share of the rows from which a value that they share is taken for a symbol, however few they are."""

COPIED = 0.5
"""Share of the way from chance to certainty from which rows of one value agree so often that they are copies."""

TIED_SHARE = 0.05
"""Share of repeated rows from which a result says so."""


@dataclass(frozen=True)
class RepeatedValues:
    """What repeats in paired rows.

    Attributes
    ----------
    codes_a, codes_b : ndarray of int, shape (n,)
        Equal where the rows of a side are equal.
    """

    codes_a: IntArray
    codes_b: IntArray

    @property
    def n(self) -> int:
        """Pairs."""
        return self.codes_a.size

    def entropy_of(self, side: str) -> float | None:
        """Return H of side "a" or "b" in nats, None where no value repeats: it then says how many rows there are."""
        codes = self.codes_a if side == "a" else self.codes_b
        return None if codes.max() + 1 == codes.size else entropy(np.bincount(codes) / codes.size)

    @property
    def shares(self) -> dict[str, float]:
        """The share of distinct values of each side, and of copied pairs, as a result's diagnostics name them."""
        distinct = {
            f"distinct_share_{s}": float(c.max() + 1) / self.n
            for s, c in zip("ab", (self.codes_a, self.codes_b), strict=True)
        }
        return {**distinct, "copied_share": self.copied_share}

    @property
    def cap(self) -> tuple[str, float] | None:
        """The name and value of the smaller entropy of the sides that repeat: I(A; B) is no larger than either."""
        found = [(f"H({side.upper()})", self.entropy_of(side)) for side in "ab"]
        return min(((name, h) for name, h in found if h is not None), key=lambda one: one[1], default=None)

    @cached_property
    def groups(self) -> IntArray:
        """The group of every row that has to stay on one side of a split: rows that are copies of one another.

        They are those that share the value of the finer side, as long as it is no symbol. Groups of equal pairs would
        not do: of a value that has been seen with one label, a left-out row would always have the other.
        """
        finer = self.codes_a if self.codes_a.max() >= self.codes_b.max() else self.codes_b
        size = np.bincount(finer)[finer]
        symbol = (size > MOST_COPIES) | (size > SYMBOL_SHARE * self.n)
        alone = finer.max() + 1 + np.arange(self.n)
        return np.asarray(np.unique(np.where(symbol, alone, finer), return_inverse=True)[1], dtype=np.int64)

    @cached_property
    def copied_share(self) -> float:
        """The share of rows whose pair is a copy of another's; 0 where values repeat as those of a grid do.

        On a grid, two rows of one value on the finer side agree on the other as often as any two rows do; copies
        always. Where they do so more than half way between, all pairs that repeat are taken for copies.
        """
        if max(self.codes_a.max(), self.codes_b.max()) + 1 == self.n:  # one side never repeats
            return 0.0
        groups = self.groups
        same_value = _agreeing(np.bincount(groups))
        if same_value == 0.0:
            return 0.0
        together = np.column_stack([groups, self.codes_a, self.codes_b])
        pairs = np.unique(together, axis=0, return_counts=True)[1]
        coarser = min((self.codes_a, self.codes_b), key=lambda codes: int(codes.max()))
        chance = _agreeing(np.bincount(coarser)) / _agreeing(np.array([self.n]))
        if _agreeing(pairs) / same_value - chance <= COPIED * (1.0 - chance):
            return 0.0
        return 1.0 - float(pairs.size) / self.n


def _agreeing(sizes: IntArray) -> float:
    """Return how many pairs of rows lie in one of the groups of these sizes."""
    return float((sizes * (sizes - 1.0)).sum() / 2.0)


def repeats(a: FloatArray | IntArray, b: FloatArray | IntArray) -> RepeatedValues:
    """Return what repeats in rows a (n, d_a) and b (n, d_b), or in codes (n,).

    Examples
    --------
    >>> found = repeats(np.repeat(np.arange(50.0), 2)[:, None], np.repeat(np.arange(50.0), 2)[:, None])
    >>> found.copied_share, found.groups[:4].tolist()
    (0.5, [0, 0, 1, 1])
    """
    return RepeatedValues(*(_codes(side) for side in (a, b)))


def _codes(side: FloatArray | IntArray) -> IntArray:
    """Return the codes of rows; where the first column has no value twice, no row repeats and no other is read."""
    rows = side.reshape(len(side), -1)
    first = np.unique(rows[:, 0], return_inverse=True)
    if rows.shape[1] == 1 or first[0].size == len(rows):
        return np.asarray(first[1], dtype=np.int64).reshape(-1)
    return row_codes(rows)


def tie_warnings(codes: IntArray, name: str) -> tuple[str, ...]:
    """Return the warning that a side repeats its rows, which a density does not."""
    share = 1.0 - (codes.max() + 1) / codes.size
    if share <= TIED_SHARE:
        return ()
    return (
        f"ties: {100 * share:.0f} % of the rows of {name} repeat another, so it has no density; use 'gao' or codes",
    )
