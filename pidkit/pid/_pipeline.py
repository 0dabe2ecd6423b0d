"""One problem from marginals to certified bounds in one compiled call, and many of them in a loop without the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pidkit.pid._bounds import lower_bound, upper_bound
from pidkit.pid._kernels import evaluate, interior_point

COLD_SLACK = 0.1
"""Nats by which the first potentials keep clear of their constraints."""

ROUNDS = 4
"""How often the iteration may be asked for a tenth of its tolerance because the certificate wanted more."""

_FAST = {"reassoc", "contract", "arcp", "nsz"}
Array = Any


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def cold_start(p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array) -> None:
    """Fill the state that a solve starts from, and the pairs that share a y.

    lam = log P(y|x1) / 2 and mu = log P(y|x2) / 2: their constraint is the Bhattacharyya coefficient of the two
    conditionals, at most one. w is the pair mass of the coupling with X1 - Y - X2, a member of Delta_P.
    """
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    p_y = np.zeros(n_y)
    for i in range(n_1):
        mass = p1[i].sum()
        for y in range(n_y):
            p_y[y] += p1[i, y]
            lam[i, y] = 0.5 * (np.log(p1[i, y] / mass) - COLD_SLACK) if p1[i, y] > 0.0 else -np.inf
    for j in range(n_2):
        mass = p2[j].sum()
        for y in range(n_y):
            mu[j, y] = 0.5 * (np.log(p2[j, y] / mass) - COLD_SLACK) if p2[j, y] > 0.0 else -np.inf
    a, b = np.exp(lam), np.exp(mu)
    for i in range(n_1):
        for j in range(n_2):
            active[i, j] = False
            w[i, j] = 0.0
            g[i, j] = 1.0
            total = 0.0
            for y in range(n_y):
                if p1[i, y] > 0.0 and p2[j, y] > 0.0:
                    active[i, j] = True
                    w[i, j] += p1[i, y] / p_y[y] * p2[j, y]
                    total += a[i, y] * b[j, y]
            if active[i, j]:
                g[i, j] = -np.log(total)


CONVERGED, MAX_ITER, STALLED = 0, 1, 2


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def solve_certified(
    p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, tol: float, max_iter: int,
    low_lam: Array, low_mu: Array, log_a: Array, log_b: Array, r: Array, c: Array, log_weights: Array,
) -> tuple[int, int, float, float, float]:  # fmt: skip
    """Iterate from (lam, mu, w, g), in place, until the certified gap is at most `tol`.

    Returns the iterations, the status, the lower and the upper bound of F*, and the marginal residual. low_lam and
    low_mu prove the lower bound; exp(log_a + log_weights + log_b) + r c / sum r is the coupling of the upper one.
    """
    n_1, n_2 = w.shape
    pi, h = np.zeros((n_1, n_2, p1.shape[1])), np.zeros((n_1, n_2))
    sum1, sum2 = np.empty_like(p1), np.empty_like(p2)
    used, inner = 0, tol
    lower, upper, residual = -np.inf, np.inf, np.inf
    status = STALLED
    for _ in range(ROUNDS):
        done, estimate = interior_point(p1, p2, active, lam, mu, w, g, inner, max_iter - used)
        used += done
        lost = not np.isfinite(estimate)
        if lost:  # nothing sound is left of the iterate: certify the start instead of returning NaN
            cold_start(p1, p2, active, lam, mu, w, g)
        evaluate(lam, mu, active, w, pi, h, sum1, sum2)
        low_lam[:] = lam
        low_mu[:] = mu
        lower = lower_bound(p1, p2, active, h, low_lam, low_mu)
        upper, residual = upper_bound(p1, p2, active, w, pi, h, lam, mu, log_a, log_b, r, c)
        for i in range(n_1):
            for j in range(n_2):
                log_weights[i, j] = np.log(w[i, j]) - h[i, j]
        if upper - lower <= tol:
            return used, CONVERGED, lower, upper, residual
        if lost:
            return used, STALLED, lower, upper, residual
        if used >= max_iter:
            status = MAX_ITER
            break
        inner *= 0.1
    return used, status, lower, upper, residual
