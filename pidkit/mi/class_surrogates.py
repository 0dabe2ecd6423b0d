"""Surrogates of rows and their labels: Gaussian classes of one covariance, of known information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from pidkit.mi.canonical import shared_correlations
from pidkit.mi.surrogates import lowered
from pidkit.types import FloatArray, IntArray


@dataclass(frozen=True)
class ClassSurrogates:
    """The law of Gaussian classes that have the same means, as far as sampling did not make them, and covariance.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
    means : ndarray, shape (n_classes, m)
        Of the classes' canonical variates.
    spread : ndarray, shape (m,)
        Standard deviation of a variate within a class.
    to_columns : ndarray, shape (r, d)
        From canonical variates to columns.
    """

    labels: IntArray
    means: FloatArray
    spread: FloatArray
    to_columns: FloatArray

    def draw(self, rng: np.random.Generator) -> tuple[FloatArray, float]:
        """Draw rows for the labels, and return with them the mean of log p(row | label) / p(row), in nats.

        The labels stay as they are, so that the mean is the information of these rows up to sampling error.
        """
        n, m = self.labels.size, self.spread.size
        variates = rng.standard_normal((n, len(self.to_columns)))
        variates[:, :m] = self.means[self.labels] + self.spread * variates[:, :m]
        away = (variates[:, None, :m] - self.means) / self.spread
        heights = -0.5 * (away**2).sum(axis=2)
        frequency = np.bincount(self.labels, minlength=len(self.means)) / n
        mixed = logsumexp(heights, axis=1, b=frequency)
        information = float((heights[np.arange(n), self.labels] - mixed).mean())
        return variates @ self.to_columns, information


def fit_class_surrogates(rows: FloatArray, labels: IntArray) -> ClassSurrogates:
    """Fit the law to rows (n, d) and labels 0..k-1.

    The canonical correlations with the indicators of the classes are lowered by what sampling alone adds to them.

    Raises
    ------
    InputError
        If there are no more samples than columns and classes, or the columns tell the classes exactly.
    """
    indicators = (labels[:, None] == np.arange(labels.max())).astype(np.float64)
    shared = shared_correlations(rows, indicators)
    pairs = -0.5 * np.log1p(-(shared.rho**2))
    rho = np.sqrt(-np.expm1(-2.0 * lowered(pairs, max(float(pairs.sum()) - shared.bias, 0.0))))
    n, m = labels.size, rho.size
    _, first = np.unique(labels, return_index=True)
    variates = np.sqrt(n) * (shared.left_b[first] @ shared.rotation_b)[:, :m]
    return ClassSurrogates(
        labels=labels,
        means=rho * variates,
        spread=np.sqrt(1.0 - rho**2),
        to_columns=shared.rotation_a.T @ (shared.loadings_a / np.sqrt(n)),
    )
