"""The linear label decoder: logistic regression shrunk towards discriminant analysis, as held-out rows prefer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.optimize import minimize
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from pidkit.mi.decoder.discriminant import Moments, choose_discriminant
from pidkit.mi.decoder.log_loss import log_loss
from pidkit.mi.decoder.network import Perceptron
from pidkit.types import FloatArray, IntArray

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse penalties c to choose from, tried in this order while the held-out loss falls; c = 0 precedes them."""

LOGISTIC_ITERATIONS = 500
"""Iterations of L-BFGS for one penalty, however many steps the budget allows; each fit starts from the one before."""

CHOICE_ROWS = 5000
"""Training rows up to which the penalty is chosen with all of them; of more, an even selection of as many is taken.

An inverse penalty is the variance of a prior on the weights, so that the best one hardly depends on the rows."""

GRADIENT_TOL, LOSS_TOL = 1e-5, 1e-8
"""Where L-BFGS stops: the largest entry of the preconditioned gradient, and the relative fall of the mean loss."""

WORSE = 1.05
"""Penalties are tried until the held-out loss is this many times the lowest."""

CURVATURE_ROWS, LEAST_VARIANCE = 1000, 1e-3
"""The preconditioner takes the mean variance of a class's indicator, q (1 - q), from about so many rows, and at least
this value where the classes are told apart perfectly."""

UNCONVERGED = "the logistic regression stopped before it converged; reduce the columns of a"


def logistic(
    train: tuple[FloatArray, IntArray],
    stop: tuple[FloatArray, IntArray],
    n_classes: int,
    max_steps: int = LOGISTIC_ITERATIONS,
) -> tuple[Perceptron, tuple[str, ...]]:
    """Return the logistic regression with the lowest loss on `stop`, as a perceptron of one layer.

    Each minimises sum -log q(y | a) + |W - W0|² / (2 c) over weights and biases, W0 being the weights of discriminant
    analysis, whose ridge and factor `stop` has chosen; c = 0 is discriminant analysis itself. Where classes are about
    normal, W0 is far more accurate than what an unpenalised regression finds, since the likelihood of the rows counts
    and not only that of the labels; where they are not, a large c leaves the labels to decide; and where rows tell
    nothing, the factor is 0 and this is ridge regression.

    Parameters
    ----------
    train, stop : tuple of ndarray (n, d) and ndarray of int (n,)
        Standardised rows and their classes.
    n_classes : int
    max_steps : int
        Iterations of L-BFGS for one penalty, LOGISTIC_ITERATIONS at most.

    Returns
    -------
    Perceptron
    tuple of str
        The warning that it has not converged, or nothing.
    """
    # The products are small and many: the threads of a BLAS would spend most of their time waiting for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        rows, labels = train
        most = min(max_steps, LOGISTIC_ITERATIONS)
        if rows.shape[1] <= len(rows):
            return _choose(train, stop, n_classes, most)
        # Penalties that are the same in all directions leave the weights in the span of the rows.
        basis = qr(rows.T, mode="economic", check_finite=False)[0]
        net, notes = _choose((rows @ basis, labels), (stop[0] @ basis, stop[1]), n_classes, most)
    weights = np.vstack([basis @ net.weights[0][:-1], net.weights[0][-1:]])
    return Perceptron((weights,), "softmax"), notes


def _choose(
    train: tuple[FloatArray, IntArray], stop: tuple[FloatArray, IntArray], n_classes: int, most: int
) -> tuple[Perceptron, tuple[str, ...]]:
    """Return the regression that `stop` prefers, of no more columns than rows, and the warning."""
    few = train
    if len(train[1]) > CHOICE_ROWS:
        chosen = np.linspace(0, len(train[1]) - 1, CHOICE_ROWS).astype(np.int64)
        few = train[0][chosen], train[1][chosen]
    one_hot = np.eye(n_classes)[stop[1]]

    def fitted(weights: FloatArray, c: float, *, converged: bool = True) -> _Fit:
        return _Fit(Perceptron((weights,), "softmax").loss(stop[0], one_hot), c, weights, converged)

    def discriminant(part: tuple[FloatArray, IntArray]) -> FloatArray:
        moments = Moments.of(*part, n_classes)
        return moments.weights(*choose_discriminant(moments, stop))

    centre = discriminant(few)
    problem = _Problem.of(*few)
    tried = [fitted(centre, 0.0)]
    for c in PENALTIES:
        weights, converged = problem.minimise(c, centre, tried[-1].weights, most)
        tried.append(fitted(weights, c, converged=converged))
        if tried[-1].loss > WORSE * min(tried).loss:
            break
    best = min(tried)
    if few is not train:
        centre = discriminant(train)
        again = [fitted(centre, 0.0)]
        if best.c:
            weights, converged = _Problem.of(*train, problem.curvature).minimise(best.c, centre, best.weights, most)
            again.append(fitted(weights, best.c, converged=converged))
        best = min(again)
    return Perceptron((best.weights,), "softmax"), () if best.converged else (UNCONVERGED,)


class _Fit(NamedTuple):
    """A regression that was tried: its loss on the rows of `stop`, its inverse penalty, weights, and convergence."""

    loss: float
    c: float
    weights: FloatArray
    converged: bool


@dataclass(frozen=True)
class _Problem:
    """The rows of a logistic regression, and what its preconditioner is made of.

    Attributes
    ----------
    x : ndarray, shape (n, d + 1)
        Rows, with a column of ones.
    labels : ndarray of int, shape (n,)
    curvature : ndarray, shape (d + 1, d + 1)
        x'x / n.
    """

    x: FloatArray
    labels: IntArray
    curvature: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, labels: IntArray, curvature: FloatArray | None = None) -> _Problem:
        """Return the problem of rows and their classes; `curvature` may be that of a part of them."""
        x = np.hstack([rows, np.ones((len(rows), 1))])
        if curvature is None:
            curvature = x.T @ x / len(x)
        return cls(x, labels, curvature)

    def minimise(self, c: float, centre: FloatArray, start: FloatArray, most: int) -> tuple[FloatArray, bool]:
        """Return the weights of least mean loss + |W - centre|² / (2 c n), and whether L-BFGS converged.

        L-BFGS sees V with W = L^-T V, where L L' is about the curvature. Directions of any loudness then take equally
        many iterations, some tens; in W itself a nuisance that is 20 times louder than the signal takes hundreds.
        """
        n, n_classes = self.labels.size, start.shape[1]
        penalty = np.full((len(start), 1), (2.0 if n_classes == 2 else 1.0) / (c * n))
        penalty[-1] = 0.0
        q = softmax(self.x[:: max(1, n // CURVATURE_ROWS)] @ start, axis=1)
        variance = max(float((q * (1.0 - q)).mean()), LEAST_VARIANCE)
        factor = cholesky(variance * self.curvature + np.diag(penalty[:, 0]), lower=True)
        # scipy 1.13 holds what it minimised in a cycle, until garbage is collected: the rows must not be a part of it.
        labels, held = self.labels, [self.x]

        def loss_and_slope(flat: FloatArray) -> tuple[float, FloatArray]:
            weights = solve_triangular(factor, flat.reshape(start.shape), lower=True, trans="T")
            (x,) = held
            loss, off = log_loss(weights.T @ x.T, labels)
            away = weights - centre
            loss += 0.5 * float((penalty * away**2).sum())
            slope = (off @ x).T / n + penalty * away
            return loss, solve_triangular(factor, slope, lower=True).ravel()

        found = minimize(
            loss_and_slope,
            (factor.T @ start).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": most,
                "maxfun": 2 * most,
                "gtol": GRADIENT_TOL,
                "ftol": LOSS_TOL,
                "maxcor": 20,
            },
        )
        held.clear()
        weights = solve_triangular(factor, found.x.reshape(start.shape), lower=True, trans="T")
        return np.asarray(weights), bool(found.status != 1)
