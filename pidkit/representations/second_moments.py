"""Directions of layers of many more rows than features, from second moments to which every training row counts.

The label scores and the loud directions of `wide_layers` are functions of X'X and X'Y as much as of the products of
the rows with each other: (X'X + r I)^-1 X'Y = X'(XX' + r I)^-1 Y. The moments are sums over rows, so that a layer of
any length is read in pieces, and those without some rows are differences. Rows are dealt into cells of which every
training set is made up; a cell's label scores come from the regression on the other cells of its set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, cho_factor, cho_solve, eigh

from pidkit.representations.training_cells import Cells
from pidkit.representations.wide_layers import LOUD, PROJECTION_RIDGES, SILENT
from pidkit.types import AnyArray, FloatArray, IntArray

MIRRORED = 512
"""Rows that are mirrored at a time."""


class Projection(NamedTuple):
    """Columns of standardised rows: products with `weights`, less `offset`; the first are label scores.

    Attributes
    ----------
    weights : ndarray, shape (d, k)
    offset : ndarray, shape (k,)
    left_out : tuple of (rows, weights, offset)
        Rows, in order, whose label scores come from other weights (d, n_classes), to which they were not fitted.
    known : tuple of (rows, scores), optional
        Rows, in order, whose label scores are known already.
    """

    weights: AnyArray
    offset: FloatArray
    left_out: tuple[tuple[IntArray, AnyArray, FloatArray], ...] = ()
    known: tuple[IntArray, FloatArray] | None = None


@dataclass
class SecondMoments:
    """Sums over rows: their number, the rows, and their products; and the number and the sum of those of each class."""

    n: float
    total: FloatArray
    products: AnyArray
    counts: FloatArray
    of_classes: FloatArray

    def __add__(self, other: SecondMoments) -> SecondMoments:
        """Return the moments of both sets of rows."""
        return SecondMoments(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    def __sub__(self, other: SecondMoments) -> SecondMoments:
        """Return the moments of the rows without some of them."""
        return SecondMoments(*(getattr(self, name) - getattr(other, name) for name in vars(self)))

    def covariance(self) -> FloatArray:
        """Return X'X of the centred rows, in float64."""
        mean = self.total / self.n
        return np.asarray(self.products - self.n * np.outer(mean, mean), dtype=np.float64)

    def regression(self, covariance: FloatArray, ridge: float) -> _Scores:
        """Return the ridge regression on the indicators of the classes; the covariance is overwritten."""
        mean = self.total / self.n
        covariance.flat[:: len(covariance) + 1] += ridge
        factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, (self.of_classes - np.outer(self.counts, mean)).T, check_finite=False)
        return _Scores(weights, mean, self.counts / self.n)


class _Scores(NamedTuple):
    """The scores (z - mean) weights + frequencies - those of all training rows, of standardised rows z."""

    weights: FloatArray
    mean: FloatArray
    frequencies: FloatArray

    def offset(self, frequencies: FloatArray) -> FloatArray:
        """Return what is taken from the products with the weights."""
        return np.asarray(self.mean @ self.weights - self.frequencies + frequencies)

    def on(self, seen: SecondMoments, frequencies: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return three sums over rows: scores times indicators (less their frequencies), scores, and their squares."""
        offset = self.offset(frequencies)
        plain = seen.total @ self.weights
        sums = plain - seen.n * offset
        of_own = (seen.of_classes * self.weights.T).sum(1) - seen.counts * offset
        squares = (self.weights * (seen.products @ self.weights)).sum(0) - 2.0 * offset * plain + seen.n * offset**2
        return float((of_own - frequencies * sums).sum()), sums, squares


def moments_of(
    pieces: Iterable[tuple[slice, AnyArray]], rows: IntArray, cells: Cells, labels: IntArray, n_classes: int, d: int
) -> list[SecondMoments]:
    """Return the moments of every cell, from pieces of standardised `rows` in float32 and where in them they are."""
    found = [
        SecondMoments(0.0, np.zeros(d), np.zeros((d, d), np.float32), np.zeros(n_classes), np.zeros((n_classes, d)))
        for _ in range(cells.n_cells)
    ]
    for own, piece in pieces:
        here = labels[rows[own]]
        for of_row in cells.of_row:
            of_piece = of_row[rows[own]]
            for cell in np.unique(of_piece[of_piece >= 0]):
                among = np.flatnonzero(of_piece == cell)
                block, one = piece[among], found[cell]
                indicators = np.eye(n_classes, dtype=np.float32)[:, here[among]]
                one.n += among.size
                one.total += block.sum(0, dtype=np.float64)
                one.counts += indicators.sum(1)
                one.of_classes += indicators @ block
                add_products(one.products, block.T)
    for one in found:
        mirror(one.products)
    return found


def add_products(total: AnyArray, rows: AnyArray) -> None:
    """Add the products of rows with each other, in float32, to the lower triangle of an array, in place."""
    # BLAS takes arrays column by column, and so the transpose.
    blas.ssyrk(1.0, rows.T, beta=1.0, c=total.T, trans=True, overwrite_c=True)


def mirror(total: AnyArray) -> None:
    """Write the lower triangle of an array over its upper one, in place."""
    for begin in range(0, len(total), MIRRORED):
        end = begin + MIRRORED
        corner = total[begin:end, begin:end]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        total[begin:end, end:] = total[end:, begin:end].T


def projection_of(moments: Sequence[SecondMoments], rows: Sequence[IntArray]) -> Projection:
    """Return the projection of one training set, given the moments and the rows of its cells.

    The penalty is that of the largest correlation of the scores with the indicators, each half of the cells being
    scored by the regression of the other half; penalties are tried from the largest on while it grows.
    """
    whole = _sum(moments)
    frequencies, n_classes = whole.counts / whole.n, whole.counts.size
    d = whole.total.size
    covariance = whole.covariance()
    largest = min(LOUD, d)
    values, vectors = eigh(covariance, subset_by_index=[d - largest, d - 1], check_finite=False)
    if not values[-1] > 0.0:
        nothing = np.zeros((d, n_classes))
        return Projection(nothing.astype(np.float32), np.zeros(n_classes))
    ridge = _penalty(moments, float(covariance.trace()) / whole.n, SILENT * float(values[-1]))
    scores = whole.regression(covariance, ridge)
    left_out = [_without(whole, own, ridge) for own in moments]
    _, sums, squares = _together(left_out, moments, frequencies)
    size = np.sqrt(np.maximum(squares / whole.n - (sums / whole.n) ** 2, 0.0))
    size[size == 0.0] = 1.0
    kept = np.arange(largest)[::-1]
    kept = kept[values[kept] > SILENT * values[-1]]
    loud = vectors[:, kept] * np.sqrt(whole.n / values[kept])
    return Projection(
        np.hstack([scores.weights / size, loud]).astype(np.float32),
        np.concatenate([scores.offset(frequencies) / size, scores.mean @ loud]),
        tuple(
            (own, (one.weights / size).astype(np.float32), one.offset(frequencies) / size)
            for own, one in zip(rows, left_out, strict=True)
        ),
    )


def _penalty(moments: Sequence[SecondMoments], unit: float, least: float) -> float:
    """Return the best of PROJECTION_RIDGES times `unit`, none below `least`."""
    halves = _sum(moments[::2]), _sum(moments[1::2])
    frequencies = (halves[0].counts + halves[1].counts) / (halves[0].n + halves[1].n)
    n, best, chosen = halves[0].n + halves[1].n, -np.inf, least
    for ridge in dict.fromkeys(max(least, unit * share) for share in PROJECTION_RIDGES[::-1]):
        fitted = [half.regression(half.covariance(), ridge * half.n / n) for half in halves]
        told, _, squares = _together(fitted, halves[::-1], frequencies)
        fit = told / max(float(np.sqrt(max(squares.sum(), 0.0))), np.finfo(float).tiny)
        if fit <= best:
            break
        best, chosen = fit, ridge
    return chosen


def _without(whole: SecondMoments, some: SecondMoments, ridge: float) -> _Scores:
    """Return the regression on all rows but some, with a penalty that is as much smaller: weights of the same size."""
    others = whole - some
    return others.regression(others.covariance(), ridge * others.n / whole.n)


def _together(
    scores: Sequence[_Scores], moments: Sequence[SecondMoments], frequencies: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return the sums of `_Scores.on` over several sets of rows, each with scores of its own."""
    told, sums, squares = zip(
        *(one.on(seen, frequencies) for one, seen in zip(scores, moments, strict=True)), strict=True
    )
    return float(np.sum(told)), np.sum(sums, axis=0), np.sum(squares, axis=0)


def _sum(moments: Sequence[SecondMoments]) -> SecondMoments:
    """Return the moments of all rows, the products in float64."""
    first, *rest = moments
    found = SecondMoments(first.n, first.total, first.products.astype(np.float64), first.counts, first.of_classes)
    for one in rest:
        found = found + one
    return found
