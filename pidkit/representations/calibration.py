"""Calibration: make posteriors mean what they say, by a map of their logarithms fitted to rows with labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from pidkit.mi.decoder.log_loss import log_loss
from pidkit.mi.decoder.network import with_uniform
from pidkit.representations.folds import deal
from pidkit.types import FloatArray, IntArray

CALIBRATION_PENALTIES = (0.3, 0.03, 0.003)
"""Of the squared off-diagonal entries and biases of the map, against the mean log loss."""

PARTS = 2
"""Parts of the rows, each of which scores what was fitted to the others, to choose between the maps."""

CALIBRATION_ITERATIONS = 200

UNSEEN = 0.5
"""What a class counts for before a row of it is seen (Krichevsky & Trofimov 1981)."""


@dataclass(frozen=True)
class Calibration:
    """The map q -> softmax(matrix log q + bias).

    Attributes
    ----------
    matrix : ndarray, shape (C, C)
    bias : ndarray, shape (C,)
    """

    matrix: FloatArray
    bias: FloatArray

    def apply(self, q: FloatArray) -> FloatArray:
        """Return calibrated posteriors, shape (n, C), none of them zero."""
        return with_uniform(softmax(np.log(q) @ self.matrix.T + self.bias, axis=1))


def fit_calibration(q: FloatArray, labels: IntArray, groups: IntArray | None = None) -> Calibration:
    """Fit the calibration of posteriors q (n, C), none of them zero, to labels (n,).

    The candidates are the frequencies of the classes, matrix = 0, for posteriors that tell nothing; one temperature,
    matrix = t I; and matrix scaling with a penalty on what is not a temperature. The candidate with the lowest log loss
    on rows that it was not fitted to is fitted to all rows. Rows of one group are on one side of that comparison.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML 2017 (temperature); Kull et al.,
    Beyond temperature scaling, NeurIPS 2019 (Dirichlet calibration, off-diagonal and intercept regularisation).

    Examples
    --------
    >>> labels = np.arange(1000) % 2
    >>> shown = np.where(np.random.default_rng(0).random(1000) < 0.8, labels, 1 - labels)  # right in 80 %
    >>> q = np.where(np.eye(2)[shown] > 0, 0.99, 0.01)  # but sure in 99 %
    >>> bool(abs(fit_calibration(q, labels).apply(q).max() - 0.8) < 0.03)
    True
    """
    logs = np.log(np.ascontiguousarray(q.T))
    logs -= logs.mean(0)
    part = deal(labels, PARTS, groups)
    losses = np.zeros(2 + len(CALIBRATION_PENALTIES))
    for held_out in range(PARTS):
        fitted = _path(logs[:, part != held_out], labels[part != held_out])
        for number, one in enumerate(fitted):
            losses[number] += _loss(one, logs[:, part == held_out], labels[part == held_out])
    return _path(logs, labels, last=int(np.argmin(losses)))[-1]


def _path(logs: FloatArray, labels: IntArray, last: int = 1 + len(CALIBRATION_PENALTIES)) -> list[Calibration]:
    """Return the candidates from the stiffest on, up to number `last`; log posteriors are (C, n) here and below."""
    n_classes = len(logs)
    shares = np.bincount(labels, minlength=n_classes) + UNSEEN
    fitted = [Calibration(np.zeros((n_classes, n_classes)), np.log(shares / shares.sum()))]
    if last > 0:
        fitted.append(Calibration(_temperature(logs, labels) * np.eye(n_classes), np.zeros(n_classes)))
    for penalty in CALIBRATION_PENALTIES[: max(last - 1, 0)]:
        fitted.append(_matrix(logs, labels, penalty, fitted[-1]))
    return fitted


def _temperature(logs: FloatArray, labels: IntArray) -> float:
    """Return the factor t of the log posteriors with the lowest log loss, (log t)^2 / 2 being added to their sum.

    Without it a few rows that are all told apart would have no finite t.
    """

    def loss_and_slope(log_t: FloatArray) -> tuple[float, FloatArray]:
        t = np.exp(log_t[0])
        loss, off = log_loss(t * logs, labels)
        stiffness = log_t[0] / labels.size
        slope = t * float(np.vdot(off, logs)) / labels.size
        return loss + 0.5 * stiffness * log_t[0], np.array([slope + stiffness])

    found = minimize(loss_and_slope, np.zeros(1), jac=True, method="L-BFGS-B", bounds=[(-4.0, 4.0)])
    return float(np.exp(found.x[0]))


def _matrix(logs: FloatArray, labels: IntArray, penalty: float, start: Calibration) -> Calibration:
    """Return matrix scaling with a penalty on off-diagonal entries, on biases, and on how diagonal entries differ."""
    n_classes, n = logs.shape
    mean_diagonal = np.eye(n_classes) / n_classes

    def loss_and_slope(flat: FloatArray) -> tuple[float, FloatArray]:
        table = flat.reshape(n_classes, n_classes + 1)
        loss, off = log_loss(table[:, :-1] @ logs + table[:, -1:], labels)
        away = table.copy()
        away[:, :-1] -= np.trace(table) * mean_diagonal
        slope = np.hstack([off @ logs.T, off.sum(1)[:, None]]) / n + penalty * away
        return loss + 0.5 * penalty * float((away**2).sum()), slope.ravel()

    begin = np.hstack([start.matrix, start.bias[:, None]]).ravel()
    found = minimize(
        loss_and_slope, begin, jac=True, method="L-BFGS-B", options={"maxiter": CALIBRATION_ITERATIONS, "ftol": 1e-8}
    )
    table = found.x.reshape(n_classes, n_classes + 1)
    return Calibration(table[:, :-1], table[:, -1])


def _loss(calibration: Calibration, logs: FloatArray, labels: IntArray) -> float:
    """Return the mean log loss of rows."""
    return log_loss(calibration.matrix @ logs + calibration.bias[:, None], labels)[0]
