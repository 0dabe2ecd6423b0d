"""The primal-dual interior point of BROJA's dual, one call from a starting state to an estimated gap.

Minimise -sum P(y,x1) lam - sum P(y,x2) mu  subject to  h(x1,x2) = log sum_y exp(lam + mu) <= 0, with slack g > 0 and
multiplier w > 0 for every pair (x1, x2) that shares a y. Newton's method on

    P(y,x1) = sum_x2 w pi,   P(y,x2) = sum_x1 w pi,   g + h = 0,   w g = tau omega,    pi = exp(lam + mu - h),

with Mehrotra's predictor and a corrector that knows the curvature of all four equations, not of the last one alone. The
multipliers of the optimum are the coupling: Q[y] = w pi[y], so the sum of w g is the duality gap. What makes it reach
gaps of 1e-10 on degenerate and sparse joints, where a plain version stalls:

* the constraint is taken in its logarithmic form;
* tau never falls below what the tolerance needs, which keeps the Newton matrix as regular as it has to be, and where
  the optimum is a whole face a proximal term keeps the step from going anywhere along it (`newton.factor`);
* omega is the mass of the pair in the coupling that is independent given y: a pair that can never have more than 1e-15
  would need a slack of 1e9 nats for the same product as the others, and potentials to match;
* a marginal that is far off is corrected in its logarithm, so that a mass of 1e-12 is reached in a few steps and not in
  one for every factor of e;
* potentials of next to no mass, which hardly anything holds in place, are lowered where they break a constraint.

Arrays have y last.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.newton import add_solution, assemble, factor, fix_gauge, number_variables
from pidkit.pid.solvers._kernels.pairs import FAST, Array, evaluate, fill, hessian_times, pair_means
from pidkit.pid.solvers._kernels.steps import (
    complementarity_after,
    first_order_side,
    largest_change,
    lower_idle_cells,
    measure_pairs,
    move,
    pair_shares,
    pair_steps,
    residual,
    second_order_side,
    what_is_left,
)

FRACTION_TO_BOUNDARY = 0.99
TAU_SHARE = 0.3
"""Share of the tolerance that the complementarity sum of w g is aimed at."""
RESIDUAL_PRICE = 0.5
"""Nats of gap expected from one unit of missing mass when the candidate is rounded to a feasible coupling."""
LEFT_OF_TOL, LEFT_OF_MISSING = 0.1, 1e-4
"""A solve is refined if it leaves more mass missing than these shares of the tolerance and of what was missing."""
IDLE_SHARE = 0.01
"""Share of the gap that may be spent on making potentials feasible by what has hardly any mass."""
PATIENCE, DAMPING = 3, 0.8
"""Iterations in a row that may fail to halve the estimate before steps are shortened: full ones can run in circles."""
LARGEST_CHANGE = 3.0
"""Nats by which a step may change any log pi: the linear model of the exponentials says nothing beyond."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def interior_point(
    p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, tol: float, max_iter: int,
    pi: Array, h: Array,
) -> tuple[int, float]:  # fmt: skip
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
    pi, h : ndarray, shape (n_x1, n_x2, n_y) and (n_x1, n_x2)
        Those of the last iterate on return; pi must be 0 off the active pairs.

    Returns
    -------
    iterations : int
    estimate : float
        sum w g + RESIDUAL_PRICE sum |residuals| + the price of feasible potentials, at the last iterate; the
        certificate has the last word.
    """
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    n_pairs = 0
    for i in range(n_1):
        for j in range(n_2):
            n_pairs += active[i, j]
    support1, support2 = np.empty((n_1, n_y), np.uintp), np.empty((n_2, n_y), np.uintp)
    of_x1, of_x2, fixed = np.empty((2, n_1), np.uintp), np.empty((2, n_2), np.uintp), np.full(n_y, -1)
    count1, offset1, count2, offset2 = of_x1[0], of_x1[1], of_x2[0], of_x2[1]
    free1 = number_variables(p1, fixed, support1, count1, offset1)
    fix_gauge(p2, fixed)
    free2 = number_variables(p2, fixed, support2, count2, offset2)
    blocks, coupling, schur = np.empty((n_1, n_y, n_y)), np.empty((free1, free2)), np.empty((free2, free2))
    x1, x2, diagonal, mass1 = np.empty(free1), np.empty(free2), np.empty(max(n_y, free2)), np.zeros(n_1)
    for i in range(n_1):
        for y in range(n_y):
            mass1[i] += p1[i, y]
    # One block of memory for the arrays of each shape: a small problem would spend its time in allocating.
    of_pairs, of_lam, of_mu = np.zeros((7, n_1, n_2)), np.empty((4, n_1, n_y)), np.empty((4, n_2, n_y))
    kappa, rg, rc, dh, dg, dw, omega = (
        of_pairs[0], of_pairs[1], of_pairs[2], of_pairs[3], of_pairs[4], of_pairs[5], of_pairs[6],
    )  # fmt: skip
    pair_shares(p1, p2, active, omega)
    sum1, r1, b1, d1 = of_lam[0], of_lam[1], of_lam[2], of_lam[3]
    sum2, r2, b2, d2 = of_mu[0], of_mu[1], of_mu[2], of_mu[3]

    estimate, best, stuck = np.inf, np.inf, 0
    for iteration in range(max_iter + 1):
        evaluate(lam, mu, active, w, pi, h, sum1, sum2, b1, b2)
        complementarity, price = measure_pairs(active, w, g, h, mass1, kappa, rg)
        if price > 0.0 and lower_idle_cells(p1, p2, active, g, h, lam, mu, IDLE_SHARE * complementarity / n_pairs):
            evaluate(lam, mu, active, w, pi, h, sum1, sum2, b1, b2)
            complementarity, price = measure_pairs(active, w, g, h, mass1, kappa, rg)
        missing = residual(p1, sum1, r1) + residual(p2, sum2, r2)
        estimate = complementarity + RESIDUAL_PRICE * missing + price
        if estimate <= tol or not np.isfinite(estimate) or iteration == max_iter:
            return iteration, estimate
        stuck = stuck + 1 if estimate > 0.5 * best else 0
        best = min(best, estimate)

        assemble(
            pi, w, kappa, support1, count1, offset1, support2, count2, offset2, blocks, coupling, schur, x1, diagonal
        )
        factor(count1, offset1, blocks, coupling, schur, diagonal)
        tau = complementarity / n_pairs
        fraction, step_w, step_g = 1.0, 1.0, 1.0
        for stage in range(2):
            if stage == 0:
                first_order_side(pi, active, w, g, rg, rc, r1, r2, b1, b2)
            else:
                centring = (complementarity_after(w, g, dw, dg, step_w, step_g) / complementarity) ** 3
                target = min(max(centring * tau, TAU_SHARE * tol / n_pairs), tau)
                share = (1.0 - target / tau) ** 2
                second_order_side(pi, active, w, g, rg, rc, r1, r2, d1, d2, dh, dg, dw, target, omega, share, b1, b2)
                fraction = max(FRACTION_TO_BOUNDARY, 1.0 - tau)
            fill(d1, 0.0)
            fill(d2, 0.0)
            for trial in range(1 + stage):
                add_solution(
                    support1, count1, offset1, support2, count2, offset2, blocks, coupling, schur,
                    b1, b2, d1, d2, x1, x2,
                )  # fmt: skip
                if trial < stage:
                    hessian_times(pi, w, kappa, d1, d2, sum1, sum2, dh)
                    left = what_is_left(b1, sum1) + what_is_left(b2, sum2)
                    if left <= max(LEFT_OF_TOL * tol, LEFT_OF_MISSING * missing):
                        break
                else:
                    pair_means(pi, d1, d2, dh)
            step_w, step_g = pair_steps(active, w, g, rg, rc, dh, dg, dw, fraction)

        step_g = min(step_g, LARGEST_CHANGE / largest_change(pi, active, g, d1, d2, dh))
        if stuck >= PATIENCE:
            step_w *= DAMPING
            step_g *= DAMPING
        move(w, dw, step_w)
        move(g, dg, step_g)
        move(lam, d1, step_g)
        move(mu, d2, step_g)
    return max_iter, estimate
