"""Linear discriminant analysis with a ridge: the weights that a logistic regression is shrunk towards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar

from pidkit.mi.decoder.log_loss import log_loss
from pidkit.types import FloatArray, IntArray

DISCRIMINANT_RIDGES = (0.01, 0.1, 1.0, 10.0)
"""What is added to the covariance within classes, as shares of its mean eigenvalue; tried while the loss falls."""

LEAST_WITHIN = 1e-6
"""The mean eigenvalue of the covariance within classes counts as at least this share of that of all rows, so that the
weights of classes that are told apart without any scatter stay finite."""

LARGEST_FACTOR = 4.0
"""Weights are multiplied by a number from 0, where rows tell nothing, to this times 1 + ridge: the ridge alone makes
weights smaller by 1 + ridge where all eigenvalues are equal."""


@dataclass(frozen=True)
class Moments:
    """What discriminant analysis needs of the rows.

    Attributes
    ----------
    means : ndarray, shape (C, d)
    within : ndarray, shape (d, d)
        The covariance within classes.
    eigenvalue : float
        The mean of its eigenvalues, but for those that are zero because there are fewer rows than columns.
    log_prior : ndarray, shape (C,)
        Logarithms of the frequencies of the classes, each counted half a row more.
    """

    means: FloatArray
    within: FloatArray
    eigenvalue: float
    log_prior: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, labels: IntArray, n_classes: int) -> Moments:
        """Return the moments of rows (n, d) and their classes."""
        counts = np.bincount(labels, minlength=n_classes).astype(np.float64)
        means = np.eye(n_classes)[:, labels] @ rows / np.maximum(counts, 1.0)[:, None]
        total = rows.T @ rows / len(rows)
        within = total - (means.T * counts) @ means / len(rows)
        least = max(LEAST_WITHIN * float(total.trace()), np.finfo(float).tiny)
        eigenvalue = max(float(within.trace()), least) / min(rows.shape)
        return cls(means, within, eigenvalue, np.log((counts + 0.5) / (counts + 0.5).sum()))

    def weights(self, ridge: float, factor: float = 1.0) -> FloatArray:
        """Return the weights (d + 1, C) of x' S⁻¹ m - m' S⁻¹ m / 2, times `factor`, and + log p(y) in the last row.

        S is the covariance within classes with `ridge` times `eigenvalue` added to the diagonal.
        """
        shrunk = self.within.copy()
        shrunk.flat[:: len(shrunk) + 1] += ridge * self.eigenvalue
        slope = cho_solve(cho_factor(shrunk, lower=True, overwrite_a=True), self.means.T)
        bias = -0.5 * (self.means.T * slope).sum(0)
        return np.vstack([factor * slope, factor * bias + self.log_prior])


def choose_discriminant(moments: Moments, stop: tuple[FloatArray, IntArray]) -> tuple[float, float]:
    """Return the ridge and the factor with the lowest log loss on the rows of `stop`.

    The factor is a temperature: few rows and classes that are not normal make the discriminants too sure of themselves.

    References
    ----------
    Friedman, Regularized discriminant analysis, JASA 84, 1989; Efron, The efficiency of logistic regression compared to
    normal discriminant analysis, JASA 70, 1975.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(2000) % 2
    >>> rows = labels[:, None] + rng.normal(size=(2000, 3))
    >>> moments = Moments.of(rows[:1000], labels[:1000], 2)
    >>> ridge, factor = choose_discriminant(moments, (rows[1000:], labels[1000:]))
    >>> bool(0.7 < factor < 1.3)
    True
    """
    rows, labels = stop
    best, chosen = np.inf, (DISCRIMINANT_RIDGES[0], 1.0)
    for ridge in DISCRIMINANT_RIDGES:
        weights = moments.weights(ridge)
        logits = weights[:-1].T @ rows.T + (weights[-1] - moments.log_prior)[:, None]

        def loss(factor: float, logits: FloatArray = logits) -> float:
            return log_loss(factor * logits + moments.log_prior[:, None], labels)[0]

        found = minimize_scalar(
            loss, bounds=(0.0, LARGEST_FACTOR * (1.0 + ridge)), method="bounded", options={"xatol": 1e-3}
        )
        if found.fun >= best:
            break
        best, chosen = float(found.fun), (ridge, float(found.x))
    return chosen
