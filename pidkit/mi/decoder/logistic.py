"""The linear label decoder: scikit-learn's logistic regression, with the penalty of the lowest held-out loss."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from pidkit.mi.decoder.network import Perceptron
from pidkit.types import FloatArray, IntArray

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse penalties to choose from, tried in this order while the held-out loss falls."""

LOGISTIC_ITERATIONS = 500
"""Iterations of scikit-learn's solver at most for one penalty; each fit starts from the one before."""

UNCONVERGED = "the logistic regression stopped before it converged; reduce the columns of a"


def logistic(
    train: tuple[FloatArray, IntArray], stop: tuple[FloatArray, IntArray], n_classes: int
) -> tuple[Perceptron, tuple[str, ...]]:
    """Return the logistic regression with the lowest loss on `stop`, as a perceptron of one layer."""
    one_hot = np.eye(n_classes)[stop[1]]
    tried: list[tuple[float, Perceptron, tuple[str, ...]]] = []
    model = LogisticRegression(max_iter=LOGISTIC_ITERATIONS, warm_start=True)
    for c in PENALTIES:
        model.set_params(C=c)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(*train)
        slope, bias = model.coef_, model.intercept_
        if n_classes == 2:
            slope, bias = np.vstack([-0.5 * slope, 0.5 * slope]), np.array([-0.5 * bias[0], 0.5 * bias[0]])
        net = Perceptron((np.vstack([slope.T, bias]),), "softmax")
        tried.append((net.loss(stop[0], one_hot), net, (UNCONVERGED,) if caught else ()))
        if tried[-1][0] > 1.05 * min(loss for loss, _, _ in tried):
            break
    _, best, notes = min(tried, key=lambda one: one[0])
    return best, notes
