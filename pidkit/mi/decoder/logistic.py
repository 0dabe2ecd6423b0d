"""The linear label decoder: multinomial logistic regression, its penalty chosen by held-out cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from pidkit.mi.decoder.network import Perceptron
from pidkit.types import FloatArray, IntArray

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse penalties to choose from, tried in this order while the held-out loss falls."""

LOGISTIC_ITERATIONS = 500
"""Iterations of L-BFGS at most for one penalty; each fit starts from the one before."""

CHOICE_ROWS = 5000
"""Training rows up to which the penalty is chosen with all of them; of more, an even selection of as many is taken.

An inverse penalty is the variance of a prior on the weights, so that the best one hardly depends on the rows."""

GRADIENT_TOL, LOSS_TOL = 1e-5, 1e-8
"""Where L-BFGS stops: the largest entry of the preconditioned gradient, and the relative fall of the mean loss."""

UNCONVERGED = "the logistic regression stopped before it converged; reduce the columns of a"


def logistic(
    train: tuple[FloatArray, IntArray], stop: tuple[FloatArray, IntArray], n_classes: int
) -> tuple[Perceptron, tuple[str, ...]]:
    """Return the logistic regression with the lowest loss on `stop`, as a perceptron of one layer.

    Each minimises sum -log q(y | a) + |W|² / (2 c) over weights and biases, as scikit-learn's LogisticRegression(C=c)
    does, which for two classes penalises the difference of the two weight vectors.

    Parameters
    ----------
    train, stop : tuple of ndarray (n, d) and ndarray of int (n,)
        Standardised rows and their classes.
    n_classes : int

    Returns
    -------
    Perceptron
    tuple of str
        The warning that it has not converged, or nothing.
    """
    few = train
    if len(train[1]) > CHOICE_ROWS:
        chosen = np.linspace(0, len(train[1]) - 1, CHOICE_ROWS).astype(np.int64)
        few = train[0][chosen], train[1][chosen]
    one_hot = np.eye(n_classes)[stop[1]]
    # The products are small and many: the threads of a BLAS would spend most of their time waiting for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        problem = _Problem.of(*few, n_classes)
        start = np.zeros((train[0].shape[1] + 1, n_classes))
        tried: list[tuple[float, float, FloatArray, bool]] = []
        for c in PENALTIES:
            start, converged = problem.minimise(c, start)
            tried.append((Perceptron((start,), "softmax").loss(stop[0], one_hot), c, start, converged))
            if tried[-1][0] > 1.05 * min(loss for loss, _, _, _ in tried):
                break
        _, c, weights, converged = min(tried, key=lambda one: one[0])
        if few is not train:
            weights, converged = _Problem.of(*train, n_classes, problem.curvature).minimise(c, weights)
    return Perceptron((weights,), "softmax"), () if converged else (UNCONVERGED,)


@dataclass(frozen=True)
class _Problem:
    """The rows of a logistic regression, and what its preconditioner is made of.

    Attributes
    ----------
    x : ndarray, shape (n, d + 1)
        Rows, with a column of ones.
    one_hot : ndarray, shape (n, C)
    curvature : ndarray, shape (d + 1, d + 1)
        x'x / n times the mean variance of a class's indicator: about that of the mean loss at zero weights.
    """

    x: FloatArray
    one_hot: FloatArray
    curvature: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, labels: IntArray, n_classes: int, curvature: FloatArray | None = None) -> _Problem:
        """Return the problem of rows and their classes; `curvature` may be that of a part of them."""
        x = np.hstack([rows, np.ones((len(rows), 1))])
        if curvature is None:
            p = np.bincount(labels, minlength=n_classes) / labels.size
            curvature = x.T @ x * (float((p * (1.0 - p)).mean()) / len(x))
        return cls(x, np.eye(n_classes)[labels], curvature)

    def minimise(self, c: float, start: FloatArray) -> tuple[FloatArray, bool]:
        """Return the weights at inverse penalty `c`, and whether L-BFGS converged.

        L-BFGS sees V with W = L^-T V, where L L' is about the curvature. Directions of any loudness then take equally
        many iterations, some tens; in W itself a nuisance that is 20 times louder than the signal takes hundreds.
        """
        n, n_classes = self.one_hot.shape
        penalty = np.full((len(start), 1), (2.0 if n_classes == 2 else 1.0) / (c * n))
        penalty[-1] = 0.0
        factor = cholesky(self.curvature + np.diag(penalty[:, 0]), lower=True)

        def loss_and_slope(flat: FloatArray) -> tuple[float, FloatArray]:
            weights = solve_triangular(factor, flat.reshape(start.shape), lower=True, trans="T")
            log_q = log_softmax(self.x @ weights, axis=1)
            loss = -float((self.one_hot * log_q).sum()) / n + 0.5 * float((penalty * weights**2).sum())
            slope = self.x.T @ (np.exp(log_q) - self.one_hot) / n + penalty * weights
            return loss, solve_triangular(factor, slope, lower=True).ravel()

        found = minimize(
            loss_and_slope,
            (factor.T @ start).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": LOGISTIC_ITERATIONS,
                "maxfun": 2 * LOGISTIC_ITERATIONS,
                "gtol": GRADIENT_TOL,
                "ftol": LOSS_TOL,
                "maxcor": 20,
            },
        )
        weights = solve_triangular(factor, found.x.reshape(start.shape), lower=True, trans="T")
        return np.asarray(weights), bool(found.status != 1)
