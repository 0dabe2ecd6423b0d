"""What decoders would read if they learned from endless rows, judged by what half of the rows taught them.

A decoder of p parameters that was fitted to n rows loses p / 2n nats, to first order, against the best of its kind, and
with half of the rows twice that. So its limit is as far above what all rows read as that is above what half of them
read. One whose loss falls with a power a of the rows misses 1 / (2 ** a - 1) times as much as half of the rows brought:
see `learning_exponent`, which is 1 for linear decoders and a worst case for others. What one layer's decoder misses can
seem unique to the other layer: an atom is called above chance where it is larger than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pidkit.mi.row_groups import variance_of_mean
from pidkit.mi.splits import ThreeWaySplit
from pidkit.pid.result import ATOMS
from pidkit.representations.decoded import DecodedScores
from pidkit.representations.estimate import one_sided
from pidkit.representations.folds import deal
from pidkit.representations.held_out import INFORMATIONS, OF_ATOMS
from pidkit.types import FloatArray, IntArray

FEWEST_HALVED = 8
"""Rows that are halved; of fewer, such as those that choose a penalty, all are kept."""

SCORED_ROWS = 2_000
"""Rows that the union is scored for at most, where decoders have seen half of the rows."""

MISSED = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]], dtype=np.float64)
"""For each atom, what of I1, I2, U and I12 makes it too large where decoders miss it: the union for redundancy and
synergy, and for a unique atom the other layer's information."""


def halved(
    splits: Sequence[ThreeWaySplit], labels: IntArray, groups: IntArray | None, rng: np.random.Generator
) -> list[ThreeWaySplit]:
    """Return the splits with half of the rows of `train` and of `stop`, evenly of every class, whole groups together.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> split = ThreeWaySplit(np.arange(60), np.arange(60, 80), np.arange(80, 100))
    >>> (half,) = halved([split], np.arange(100) % 2, None, rng)
    >>> half.train.size, half.stop.size, half.value.size
    (30, 10, 20)
    """
    return [
        ThreeWaySplit(_half(one.train, labels, groups, rng), _half(one.stop, labels, groups, rng), one.value)
        for one in splits
    ]


def _half(rows: IntArray, labels: IntArray, groups: IntArray | None, rng: np.random.Generator) -> IntArray:
    """Return half of some rows; a class that would be lost keeps all of its rows."""
    if rows.size < FEWEST_HALVED:
        return rows
    drawn = rng.permutation(rows)
    kept = deal(labels[drawn], 2, None if groups is None else groups[drawn]) == 0
    lost = np.isin(labels[drawn], np.setdiff1d(labels[drawn], labels[drawn][kept]))
    return np.sort(drawn[kept | lost])


@dataclass(frozen=True)
class LearningCurve:
    """The scores of decoders that were fitted to all rows of the other folds, and to half of them. In nats.

    Attributes
    ----------
    whole, half : DecodedScores
        Of the same rows in the same order.
    exponents : tuple of float
        The learning exponents of the decoders of x1, of x2 and of both.
    constant : bool
        Whether a layer is constant, so that both together tell what the other one does, at every limit.
    """

    whole: DecodedScores
    half: DecodedScores
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0)
    constant: bool = False

    def _slowness(self) -> FloatArray:
        """Return how many times what half of the rows brought I1, I2, U and I12 miss; U as the slower of the layers."""
        first, second, both = self.exponents
        return np.asarray(1.0 / (2.0 ** np.array([first, second, min(first, second), both]) - 1.0))

    def missed(self) -> FloatArray:
        """Return by how much I1, I2, U and I12 fall short of their limits, by what the second half of the rows brought.

        For exponents below 1 it is the most that they might, and so may exceed what the label leaves.
        """
        _, gains = self._rows
        return np.asarray(np.maximum(gains.mean(0), 0.0) * self._slowness())

    def limits(self, entropy_y: float) -> list[FloatArray]:
        """Return I1, I2, U and I12 of endless rows, with the union's own limit and with the union as it was read.

        Where both layers are equally good, what their decoders miss looks unique and keeps the union from following
        its learning curve: its limit lies between the two. Decoders that may learn more slowly than 1 / n may miss
        nothing as well, and one layer's more than the other's: then the limits with one layer as it was read follow.
        """
        read, _ = self.whole.informations()
        at_limit = np.minimum(read + self.missed(), entropy_y)
        ends = [(at_limit[0], at_limit[1], at_limit[2]), (at_limit[0], at_limit[1], read[2])]
        if min(self.exponents) < 1.0 and not self.constant:
            ends += [(at_limit[0], read[1], read[2]), (read[0], at_limit[1], read[2])]
        unions = [max(first, second, union) for first, second, union in ends]
        return [
            np.array([first, second, union, union if self.constant else max(at_limit[3], union)])
            for (first, second, _), union in zip(ends, unions, strict=True)
        ]

    def standard_errors(self) -> dict[str, float]:
        """Return the standard errors of the limits of every information and atom, at least those of the values."""
        combined = np.vstack([np.eye(4), OF_ATOMS])
        _, errors = self._mean(combined, combined)
        plain = self.whole.standard_errors()
        return {name: max(plain[name], error) for name, error in zip((*INFORMATIONS, *ATOMS), errors, strict=True)}

    def p_values(self) -> dict[str, float]:
        """Return the p-value of every atom, that it is nothing or what decoders miss.

        The larger is taken of two: of the held-out mean against zero, and of the same less what is missed. What
        decoders miss makes no redundancy (a garbling lowers it): its test takes the market's learning alone, as 1 / n.
        """
        missed = MISSED * self._slowness()
        missed[0] = MISSED[0]
        tests = [self._mean(OF_ATOMS, of_gains) for of_gains in (np.zeros((4, 4)), -missed)]
        return {name: max(one_sided(mean[k], error[k]) for mean, error in tests) for k, name in enumerate(ATOMS)}

    @cached_property
    def _rows(self) -> tuple[FloatArray, FloatArray]:
        """The scores of every row for I1, I2, U and I12, and what the second half of the rows added to them."""
        rows, half = (scores.of_rows[0] for scores in (self.whole, self.half))
        return rows, rows - half

    def _mean(self, of_rows: FloatArray, of_gains: FloatArray) -> tuple[list[float], list[float]]:
        """Return means over rows of combinations of the informations and of their gains, and their standard errors."""
        rows, gains = self._rows
        columns = rows @ of_rows.T + gains @ of_gains.T
        variance = variance_of_mean(columns, self.whole.groups)
        for scores, weights in ((self.whole, of_rows + of_gains), (self.half, -of_gains)):
            _, extra = scores.of_rows
            variance = variance + weights[:, 2] ** 2 * (extra + (2.0 * scores.union_tol) ** 2)
        return columns.mean(0).tolist(), np.sqrt(variance).tolist()
