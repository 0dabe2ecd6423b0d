"""Climb to a good channel for the relaxed Griffith-Ho problem: softmax, exact gradients, augmented Lagrangian.

    minimise  -I(Q;Y) + sum_i penalty/2 max(0, I(Q;Y|X_i) - allowed_i + multiplier_i / penalty)^2

over logits of P(q | y, x1, x2) on the support. With w = P(q|o) and m_o the mass of outcome o, the derivatives are
    d I(Q;Y) / d w = m_o log( P(q|y) / P(q) ),      d I(Q;Y|X) / d w = m_o log( P(q|y,x) / P(q|x) ).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.special
from scipy.optimize import minimize

from pidkit.types import FloatArray

MULTIPLIER_UPDATES = 6
"""Updates of the multipliers, each after a full ascent. What the last one leaves violated is repaired by mixing with a
feasible channel, so that more rounds would only bring the mixture nearer."""

STEPS = 200
"""Quasi-Newton steps at most between two updates of the multipliers."""

FIRST_PENALTY = 10.0
"""The quadratic penalty of the first round, per nat squared; it doubles with every round."""

_TINY = 1e-300
"""A probability that underflowed to zero counts as this in a logarithm."""


def climb_channel(p: FloatArray, start: FloatArray, allowed: tuple[float, float]) -> tuple[FloatArray, int]:
    """Climb from a channel to one that nearly satisfies the tolerances and tells more about the target.

    Parameters
    ----------
    p : ndarray, shape (n_y, n_x1, n_x2)
    start : ndarray, shape (n_q, n_y, n_x1, n_x2)
        Positive.
    allowed : tuple of float
        Bounds of I(Q;Y|X1) and I(Q;Y|X2), in nats.

    Returns
    -------
    ndarray, shape (n_q, n_y, n_x1, n_x2)
        Nearly feasible: mix it with a feasible one.
    int
        Quasi-Newton steps taken.
    """
    support = np.nonzero(p)
    problem = _Penalised(p, support, len(start), allowed)
    logits = np.log(start[:, support[0], support[1], support[2]]).ravel()
    n_steps = 0
    for _ in range(MULTIPLIER_UPDATES):
        climb = minimize(problem.value_and_gradient, logits, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        logits, n_steps = climb.x, n_steps + int(climb.nit)
        problem.update(logits)
    channel = np.full((len(start), *p.shape), 1.0 / len(start))
    channel[:, support[0], support[1], support[2]] = problem.channel(logits)
    return channel, n_steps


class _Penalised:
    """The penalised objective of a channel given by its logits."""

    def __init__(
        self, p: FloatArray, support: tuple[npt.NDArray[np.intp], ...], n_q: int, allowed: tuple[float, float]
    ) -> None:
        y, x1, x2 = support
        self._mass, self._n_q, self._allowed = p[support], n_q, allowed
        n_y, n_x1, n_x2 = p.shape
        # Each information is sum m w log( P(q|fine) / P(q|coarse) ), grouped by these labels of the outcomes.
        nothing = np.zeros_like(y)
        pairs = ((y, nothing), (y * n_x1 + x1, x1), (y * n_x2 + x2, x2))
        sizes = ((n_y, 1), (n_y * n_x1, n_x1), (n_y * n_x2, n_x2))
        self._groups = [
            tuple(_Grouping(label, size, self._mass) for label, size in zip(*pair, strict=True))
            for pair in zip(pairs, sizes, strict=True)
        ]
        self._penalty = FIRST_PENALTY
        self._multipliers = np.zeros(2)

    def channel(self, logits: FloatArray) -> FloatArray:
        """Return P(q | outcome), shape (n_q, n_outcomes)."""
        return np.asarray(scipy.special.softmax(logits.reshape(self._n_q, -1), axis=0))

    def value_and_gradient(self, logits: FloatArray) -> tuple[float, FloatArray]:
        """Return the penalised objective and its derivative in the logits."""
        w = self.channel(logits)
        values, slopes = self._informations(w)
        pull = np.maximum(values[1:] - self._allowed + self._multipliers / self._penalty, 0.0) * self._penalty
        slope = -slopes[0] + pull[0] * slopes[1] + pull[1] * slopes[2]
        gradient = w * (slope - (w * slope).sum(0))
        return float(-values[0] + (pull**2).sum() / (2.0 * self._penalty)), gradient.ravel()

    def update(self, logits: FloatArray) -> None:
        """Move the multipliers by the violation and raise the penalty."""
        values, _ = self._informations(self.channel(logits))
        self._multipliers = np.maximum(self._multipliers + self._penalty * (values[1:] - self._allowed), 0.0)
        self._penalty *= 2.0

    def _informations(self, w: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Return I(Q;Y), I(Q;Y|X1), I(Q;Y|X2) and their derivatives in w."""
        slopes = [self._mass * (fine.log_average(w) - coarse.log_average(w)) for fine, coarse in self._groups]
        return np.array([(w * slope).sum() for slope in slopes]), slopes


class _Grouping:
    """Outcomes grouped by a label: the average of a channel over each group."""

    def __init__(self, label: npt.NDArray[np.intp], size: int, mass: FloatArray) -> None:
        self._label = label
        total = np.bincount(label, weights=mass, minlength=size)
        self._share = np.zeros((size, len(label)))
        self._share[label, np.arange(len(label))] = mass / total[label]

    def log_average(self, w: FloatArray) -> FloatArray:
        """Return log P(q | label of the outcome), shape (n_q, n_outcomes)."""
        average = w @ self._share.T
        return np.asarray(np.log(np.maximum(average, _TINY))[:, self._label])
