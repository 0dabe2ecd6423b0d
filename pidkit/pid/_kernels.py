"""The compiled primal-dual interior point of BROJA's dual: one problem, one call.

Minimise -sum P(y,x1) lam - sum P(y,x2) mu  subject to  h(x1,x2) = log sum_y exp(lam + mu) <= 0, with slack g > 0 and
multiplier w > 0 for every pair (x1, x2) that shares a y. Newton's method on

    P(y,x1) = sum_x2 w pi,   P(y,x2) = sum_x1 w pi,   g + h = 0,   w g = tau,      pi = exp(lam + mu - h),

with Mehrotra's predictor and corrector. The multipliers of the optimum are the coupling: Q[y] = w pi[y], so the sum
of w g is the duality gap. Two things make it reach gaps of 1e-10 on degenerate and sparse joints, where a plain
version stalls: the constraint is taken in its logarithmic form, and tau never falls below what the tolerance needs,
which keeps the Newton matrix as regular as it has to be. Arrays have y last: lam[x1, y], mu[x2, y].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pidkit.pid._newton import assemble, factor, solve

FRACTION_TO_BOUNDARY = 0.99
TAU_SHARE = 0.1
"""Share of the tolerance that the complementarity sum of w g is aimed at."""
RESIDUAL_PRICE = 8.0
"""Nats of gap expected from one unit of missing mass when the candidate is rounded to a feasible coupling."""
REFINEMENTS = 2
LARGEST_CHANGE = 3.0
"""Nats by which a step may change any log pi: the linear model of the exponentials says nothing beyond."""

_FAST = {"reassoc", "contract", "arcp", "nsz"}
Array = Any


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def evaluate(lam: Array, mu: Array, active: Array, w: Array, pi: Array, h: Array, sum1: Array, sum2: Array) -> None:
    """Fill pi (softmax over y), h (log-sum-exp; 0 off the active pairs) and the pair marginals of w pi."""
    n_1, n_y = lam.shape
    n_2 = mu.shape[0]
    a, b = np.exp(lam), np.exp(mu)
    sum1[:] = 0.0
    sum2[:] = 0.0
    for i in range(n_1):
        for j in range(n_2):
            h[i, j] = 0.0
            if not active[i, j]:
                continue
            total = 0.0
            for y in range(n_y):
                pi[i, j, y] = a[i, y] * b[j, y]
                total += pi[i, j, y]
            if 1e-200 < total < 1e200:
                h[i, j] = np.log(total)
            else:  # the exponentials left the range of a double: take the largest exponent out first
                top = -np.inf
                for y in range(n_y):
                    top = max(top, lam[i, y] + mu[j, y])
                total = 0.0
                for y in range(n_y):
                    pi[i, j, y] = np.exp(lam[i, y] + mu[j, y] - top)
                    total += pi[i, j, y]
                h[i, j] = np.log(total) + top
            for y in range(n_y):
                pi[i, j, y] /= total
                sum1[i, y] += w[i, j] * pi[i, j, y]
                sum2[j, y] += w[i, j] * pi[i, j, y]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _hessian_times(pi: Array, w: Array, kappa: Array, d1: Array, d2: Array, out1: Array, out2: Array) -> None:
    """Compute H (d1, d2) without the matrix."""
    n_1, n_2, n_y = pi.shape
    out1[:] = 0.0
    out2[:] = 0.0
    for i in range(n_1):
        for j in range(n_2):
            if w[i, j] == 0.0:
                continue
            mean = 0.0
            for y in range(n_y):
                mean += pi[i, j, y] * (d1[i, y] + d2[j, y])
            mean *= kappa[i, j]
            for y in range(n_y):
                term = pi[i, j, y] * (w[i, j] * (d1[i, y] + d2[j, y]) + mean)
                out1[i, y] += term
                out2[j, y] += term


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _pair_means(pi: Array, d1: Array, d2: Array, out: Array) -> None:
    """Compute the change of h: sum_y pi (d1 + d2) for every pair."""
    n_1, n_2, n_y = pi.shape
    for i in range(n_1):
        for j in range(n_2):
            total = 0.0
            for y in range(n_y):
                total += pi[i, j, y] * (d1[i, y] + d2[j, y])
            out[i, j] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _gather(full: Array, support: Array, count: Array, offset: Array, flat: Array) -> None:
    """Copy full[x, y] on the support into a flat vector."""
    for i in range(count.size):
        for k in range(count[i]):
            flat[offset[i] + k] = full[i, support[i, k]]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _step_to_boundary(x: Array, dx: Array, active: Array, fraction: float) -> float:
    """Return the largest step in (0, 1] that keeps x + step dx >= (1 - fraction) x on the active pairs."""
    step = 1.0
    n_1, n_2 = x.shape
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j] and dx[i, j] < 0.0:
                step = min(step, -fraction * x[i, j] / dx[i, j])
    return step


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _largest_change(pi: Array, active: Array, d1: Array, d2: Array, dh: Array) -> float:
    """Return the largest |change of log pi| that a full step predicts, at least 1e-300."""
    n_1, n_2, n_y = pi.shape
    largest = 1e-300
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                for y in range(n_y):
                    if pi[i, j, y] > 0.0:
                        largest = max(largest, abs(d1[i, y] + d2[j, y] - dh[i, j]))
    return largest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def interior_point(
    p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, tol: float, max_iter: int
) -> tuple[int, float]:
    """Iterate (lam, mu, w, g) in place until the estimated gap is below `tol`; return iterations and the estimate.

    Parameters
    ----------
    p1, p2 : ndarray, shape (n_x1, n_y) and (n_x2, n_y)
        Pair marginals, y last, every row with mass.
    active : ndarray of bool, shape (n_x1, n_x2)
        The pairs with a common y; w and g count only there.
    lam, mu : ndarray
        Potentials, -inf off the supports of p1 and p2.
    w, g : ndarray, shape (n_x1, n_x2)
        Positive multipliers and slacks; w is 0 and g is 1 off the active pairs.

    Returns
    -------
    iterations : int
    estimate : float
        sum w g + RESIDUAL_PRICE sum |residuals| at the last iterate; the certificate has the last word.
    """
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    n_pairs = active.sum()
    support1 = np.zeros((n_1, n_y), np.int64)
    count1 = np.zeros(n_1, np.int64)
    offset1 = np.zeros(n_1, np.int64)
    n_free1 = 0
    for i in range(n_1):
        offset1[i] = n_free1
        for y in range(n_y):
            if p1[i, y] > 0.0:
                support1[i, count1[i]] = y
                count1[i] += 1
        n_free1 += count1[i]
    # The gauge of each y is fixed at the mu with the most mass: the best conditioned choice.
    index2 = -np.ones((n_2, n_y), np.int64)
    n_free2 = 0
    for j in range(n_2):
        for y in range(n_y):
            if p2[j, y] > 0.0 and np.argmax(p2[:, y]) != j:
                index2[j, y] = n_free2
                n_free2 += 1

    blocks = np.zeros((n_1, n_y, n_y))
    coupling = np.zeros((n_free1, n_free2))
    schur = np.zeros((n_free2, n_free2))
    pi = np.zeros((n_1, n_2, n_y))
    h, kappa, rg, rc = np.zeros((4, n_1, n_2))
    dh, dg, dw, trial = np.zeros((4, n_1, n_2))
    r1, d1, hd1, sum1 = np.zeros((4, n_1, n_y))
    r2, d2, hd2, sum2 = np.zeros((4, n_2, n_y))
    x1, x2 = np.zeros(n_free1), np.zeros(n_free2)

    estimate = np.inf
    for iteration in range(max_iter + 1):
        evaluate(lam, mu, active, w, pi, h, sum1, sum2)
        complementarity = 0.0
        for i in range(n_1):
            for j in range(n_2):
                if active[i, j]:
                    # A slack below what the potentials really leave is raised to it: that only helps.
                    g[i, j] = max(g[i, j], -h[i, j])
                    complementarity += w[i, j] * g[i, j]
        r1[:] = p1 - sum1
        r2[:] = p2 - sum2
        missing = np.abs(r1).sum() + np.abs(r2).sum()
        infeasible = 0.0
        for i in range(n_1):
            worst = 0.0
            for j in range(n_2):
                worst = max(worst, h[i, j])
            infeasible += worst * p1[i].sum()
        estimate = complementarity + RESIDUAL_PRICE * missing + infeasible
        if estimate <= tol or not np.isfinite(estimate) or iteration == max_iter:
            return iteration, estimate

        tau = complementarity / n_pairs
        for i in range(n_1):
            for j in range(n_2):
                if active[i, j]:
                    kappa[i, j] = w[i, j] * (1.0 / g[i, j] - 1.0)
                    rg[i, j] = -(g[i, j] + h[i, j])
        assemble(pi, w, kappa, support1, count1, offset1, index2, blocks, coupling, schur)
        factor(count1, offset1, blocks, coupling, schur)

        target = 0.0
        for stage in range(2):
            # Newton on w g = target; the corrector adds the product of the predictor's steps.
            for i in range(n_1):
                for j in range(n_2):
                    if active[i, j]:
                        second = dw[i, j] * dg[i, j] if stage == 1 else 0.0
                        rc[i, j] = target - w[i, j] * g[i, j] - second
                        trial[i, j] = (rc[i, j] - w[i, j] * rg[i, j]) / g[i, j]
            sum1[:] = r1
            sum2[:] = r2
            for i in range(n_1):
                for j in range(n_2):
                    if active[i, j]:
                        for y in range(n_y):
                            sum1[i, y] -= pi[i, j, y] * trial[i, j]
                            sum2[j, y] -= pi[i, j, y] * trial[i, j]
            d1[:] = 0.0
            d2[:] = 0.0
            hd1[:] = sum1
            hd2[:] = sum2
            for _ in range(REFINEMENTS):
                _gather(hd1, support1, count1, offset1, x1)
                for j in range(n_2):
                    for y in range(n_y):
                        if index2[j, y] >= 0:
                            x2[index2[j, y]] = hd2[j, y]
                solve(count1, offset1, blocks, coupling, schur, x1, x2)
                for i in range(n_1):
                    for k in range(count1[i]):
                        d1[i, support1[i, k]] += x1[offset1[i] + k]
                for j in range(n_2):
                    for y in range(n_y):
                        if index2[j, y] >= 0:
                            d2[j, y] += x2[index2[j, y]]
                _hessian_times(pi, w, kappa, d1, d2, hd1, hd2)
                hd1[:] = sum1 - hd1
                hd2[:] = sum2 - hd2
            _pair_means(pi, d1, d2, dh)
            for i in range(n_1):
                for j in range(n_2):
                    if active[i, j]:
                        dg[i, j] = rg[i, j] - dh[i, j]
                        dw[i, j] = (rc[i, j] - w[i, j] * dg[i, j]) / g[i, j]
            if stage == 0:
                step_w = _step_to_boundary(w, dw, active, 1.0)
                step_g = _step_to_boundary(g, dg, active, 1.0)
                after = 0.0
                for i in range(n_1):
                    for j in range(n_2):
                        if active[i, j]:
                            after += (w[i, j] + step_w * dw[i, j]) * (g[i, j] + step_g * dg[i, j])
                centring = (after / complementarity) ** 3
                target = min(max(centring * tau, TAU_SHARE * tol / n_pairs), tau)

        fraction = max(FRACTION_TO_BOUNDARY, 1.0 - tau)
        step_w = _step_to_boundary(w, dw, active, fraction)
        step_g = _step_to_boundary(g, dg, active, fraction)
        step_g = min(step_g, LARGEST_CHANGE / _largest_change(pi, active, d1, d2, dh))
        for i in range(n_1):
            for j in range(n_2):
                if active[i, j]:
                    w[i, j] += step_w * dw[i, j]
                    g[i, j] += step_g * dg[i, j]
        for i in range(n_1):
            for k in range(count1[i]):
                y = support1[i, k]
                lam[i, y] += step_g * d1[i, y]
        for j in range(n_2):
            for y in range(n_y):
                if index2[j, y] >= 0:
                    mu[j, y] += step_g * d2[j, y]
    return max_iter, estimate
