"""The primal-dual interior point of BROJA's dual, one call from a starting state to an estimated gap.

Minimise -sum P(y,x1) lam - sum P(y,x2) mu  subject to  h(x1,x2) = log sum_y exp(lam + mu) <= 0, with slack g > 0 and
multiplier w > 0 for every pair (x1, x2) that shares a y. Newton's method on

    P(y,x1) = sum_x2 w pi,   P(y,x2) = sum_x1 w pi,   g + h = 0,   w g = tau,      pi = exp(lam + mu - h),

with Mehrotra's predictor and corrector. The multipliers of the optimum are the coupling: Q[y] = w pi[y], so the sum
of w g is the duality gap. What makes it reach gaps of 1e-10 on degenerate and sparse joints, where a plain version
stalls: the constraint is taken in its logarithmic form; tau never falls below what the tolerance needs, which keeps
the Newton matrix as regular as it has to be; and a marginal that is far off is corrected in its logarithm, so that a
mass of 1e-12 is reached in a few steps and not in one for every factor of e. Arrays have y last.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid._kernels.newton import assemble, factor, solve
from pidkit.pid._kernels.pairs import (
    FAST,
    Array,
    copy,
    evaluate,
    fill,
    hessian_times,
    pair_means,
    subtract_pairs,
)
from pidkit.pid._kernels.steps import (
    infeasibility,
    largest_change,
    move,
    raise_slacks,
    residual,
    step_to_boundary,
)

FRACTION_TO_BOUNDARY = 0.99
TAU_SHARE = 0.3
"""Share of the tolerance that the complementarity sum of w g is aimed at."""
RESIDUAL_PRICE = 8.0
"""Nats of gap expected from one unit of missing mass when the candidate is rounded to a feasible coupling."""
REFINEMENTS = 2
PATIENCE, DAMPING = 3, 0.8
"""Iterations in a row that may fail to halve the estimate before steps are shortened: full ones can run in circles."""
LARGEST_CHANGE = 3.0
"""Nats by which a step may change any log pi: the linear model of the exponentials says nothing beyond."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _number_variables(
    p1: Array, p2: Array, support1: Array, count1: Array, offset1: Array, index2: Array
) -> tuple[int, int]:
    """Number the free variables: lam on the support of p1, mu on that of p2 but one a y; return how many of each.

    The gauge of each y is fixed at the mu with the most mass: the best conditioned choice.
    """
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    n_free1 = 0
    for i in range(n_1):
        offset1[i] = n_free1
        count1[i] = 0
        for y in range(n_y):
            if p1[i, y] > 0.0:
                support1[i, count1[i]] = y
                count1[i] += 1
        n_free1 += count1[i]
    n_free2 = 0
    for j in range(n_2):
        for y in range(n_y):
            index2[j, y] = -1
    for y in range(n_y):
        heaviest = 0
        for j in range(n_2):
            if p2[j, y] > p2[heaviest, y]:
                heaviest = j
        index2[heaviest, y] = -2
    for j in range(n_2):
        for y in range(n_y):
            if p2[j, y] > 0.0 and index2[j, y] == -1:
                index2[j, y] = n_free2
                n_free2 += 1
    return n_free1, n_free2


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _solve_refined(
    support1: Array, count1: Array, offset1: Array, index2: Array, blocks: Array, coupling: Array, schur: Array,
    pi: Array, w: Array, kappa: Array, b1: Array, b2: Array, d1: Array, d2: Array, left1: Array, left2: Array,
    x1: Array, x2: Array, passes: int,
) -> None:  # fmt: skip
    """Solve H (d1, d2) = (b1, b2), with one step of iterative refinement on the matrix-free residual."""
    fill(d1, 0.0)
    fill(d2, 0.0)
    for stage in range(passes):
        if stage > 0:
            hessian_times(pi, w, kappa, d1, d2, left1, left2)
        for i in range(d1.shape[0]):
            for k in range(count1[i]):
                y = support1[i, k]
                x1[offset1[i] + k] = b1[i, y] - left1[i, y] if stage > 0 else b1[i, y]
        for j in range(d2.shape[0]):
            for y in range(d2.shape[1]):
                if index2[j, y] >= 0:
                    x2[index2[j, y]] = b2[j, y] - left2[j, y] if stage > 0 else b2[j, y]
        solve(count1, offset1, blocks, coupling, schur, x1, x2)
        for i in range(d1.shape[0]):
            for k in range(count1[i]):
                d1[i, support1[i, k]] += x1[offset1[i] + k]
        for j in range(d2.shape[0]):
            for y in range(d2.shape[1]):
                if index2[j, y] >= 0:
                    d2[j, y] += x2[index2[j, y]]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
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
    n_pairs = 0
    for i in range(n_1):
        for j in range(n_2):
            n_pairs += active[i, j]
    support1, index2 = np.empty((n_1, n_y), np.int64), np.empty((n_2, n_y), np.int64)
    count1, offset1 = np.empty(n_1, np.int64), np.empty(n_1, np.int64)
    n_free1, n_free2 = _number_variables(p1, p2, support1, count1, offset1, index2)
    blocks, coupling, schur = np.empty((n_1, n_y, n_y)), np.empty((n_free1, n_free2)), np.empty((n_free2, n_free2))
    x1, x2, diagonal = np.empty(n_free1), np.empty(n_free2), np.empty(max(n_y, n_free2))
    pi = np.zeros((n_1, n_2, n_y))
    h, kappa, rg, rc = np.zeros((n_1, n_2)), np.zeros((n_1, n_2)), np.zeros((n_1, n_2)), np.zeros((n_1, n_2))
    dh, dg, dw, trial = np.zeros((n_1, n_2)), np.zeros((n_1, n_2)), np.zeros((n_1, n_2)), np.zeros((n_1, n_2))
    sum1, r1, b1, d1 = np.empty((n_1, n_y)), np.empty((n_1, n_y)), np.empty((n_1, n_y)), np.empty((n_1, n_y))
    sum2, r2, b2, d2 = np.empty((n_2, n_y)), np.empty((n_2, n_y)), np.empty((n_2, n_y)), np.empty((n_2, n_y))

    estimate, best, stuck = np.inf, np.inf, 0
    for iteration in range(max_iter + 1):
        evaluate(lam, mu, active, w, pi, h, sum1, sum2)
        complementarity = raise_slacks(active, w, g, h)
        missing = residual(p1, sum1, r1) + residual(p2, sum2, r2)
        estimate = complementarity + RESIDUAL_PRICE * missing + infeasibility(p1, h)
        if estimate <= tol or not np.isfinite(estimate) or iteration == max_iter:
            return iteration, estimate
        stuck = stuck + 1 if estimate > 0.5 * best else 0
        best = min(best, estimate)

        tau = complementarity / n_pairs
        for i in range(n_1):
            for j in range(n_2):
                if active[i, j]:
                    kappa[i, j] = w[i, j] * (1.0 / g[i, j] - 1.0)
                    rg[i, j] = -(g[i, j] + h[i, j])
        assemble(pi, w, kappa, support1, count1, offset1, index2, blocks, coupling, schur)
        factor(count1, offset1, blocks, coupling, schur, diagonal)

        target = 0.0
        for stage in range(2):
            # Newton on w g = target; the corrector adds the product of the predictor's steps.
            for i in range(n_1):
                for j in range(n_2):
                    if active[i, j]:
                        second = dw[i, j] * dg[i, j] if stage >= 1 else 0.0
                        rc[i, j] = target - w[i, j] * g[i, j] - second
                        trial[i, j] = (rc[i, j] - w[i, j] * rg[i, j]) / g[i, j]
            copy(r1, b1)
            copy(r2, b2)
            subtract_pairs(pi, trial, b1, b2)
            _solve_refined(
                support1, count1, offset1, index2, blocks, coupling, schur,
                pi, w, kappa, b1, b2, d1, d2, sum1, sum2, x1, x2, 1 if stage == 0 else REFINEMENTS,
            )  # fmt: skip
            pair_means(pi, d1, d2, dh)
            for i in range(n_1):
                for j in range(n_2):
                    if active[i, j]:
                        dg[i, j] = rg[i, j] - dh[i, j]
                        dw[i, j] = (rc[i, j] - w[i, j] * dg[i, j]) / g[i, j]
            if stage == 0:
                step_w = step_to_boundary(w, dw, active, 1.0)
                step_g = step_to_boundary(g, dg, active, 1.0)
                after = 0.0
                for i in range(n_1):
                    for j in range(n_2):
                        if active[i, j]:
                            after += (w[i, j] + step_w * dw[i, j]) * (g[i, j] + step_g * dg[i, j])
                centring = (after / complementarity) ** 3
                target = min(max(centring * tau, TAU_SHARE * tol / n_pairs), tau)

        fraction = max(FRACTION_TO_BOUNDARY, 1.0 - tau)
        step_w = step_to_boundary(w, dw, active, fraction)
        step_g = step_to_boundary(g, dg, active, fraction)
        step_g = min(step_g, LARGEST_CHANGE / largest_change(pi, active, g, d1, d2, dh))
        if stuck >= PATIENCE:
            step_w *= DAMPING
            step_g *= DAMPING
        move(w, dw, step_w)
        move(g, dg, step_g)
        move(lam, d1, step_g)
        move(mu, d2, step_g)
    return max_iter, estimate
