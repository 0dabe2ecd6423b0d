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

from pidkit.pid.solvers._kernels.arrays import Model, Newton, State, Tables
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.newton import add_solution, assemble, factor
from pidkit.pid.solvers._kernels.pairs import evaluate, fill, hessian_times, pair_means
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
"""The share of the way to a zero multiplier or slack that a step may go; it tends to 1 as the products do to 0."""

LEAST_LEFT = 1e-8
"""The share of a multiplier or slack that a step leaves at least: with less, rounding could turn its sign."""

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


@kernel()
def interior_point(
    p: Tables, state: State, model: Model, newton: Newton, tol: float, max_iter: int
) -> tuple[int, float]:
    """Improve the state in place until the estimated gap is at most `tol`; return iterations and the estimate.

    Parameters
    ----------
    p : Tables
        Pair marginals, y last; masses too small to matter raised to the size of dust.
    state : State
        Where to start, and on return the last iterate.
    model : Model
        Filled: what the last potentials say about each pair.
    newton : Newton
        Memory to work in, its variables numbered. With its pace an iteration can be cut into pieces.
    tol : float
        In nats.

    Returns
    -------
    iterations : int
    estimate : float
        sum w g + RESIDUAL_PRICE sum |residuals| + the price of feasible potentials, at the last iterate; the
        certificate has the last word.
    """
    system, side, step, sums, kappa, omega, mass1, pace = newton
    n_1, n_2, n_y = model.pi.shape
    n_pairs = 0
    for i in range(n_1):
        for j in range(n_2):
            n_pairs += state.active[i, j]
        mass1[i] = 0.0
        for y in range(n_y):
            mass1[i] += p.first[i, y]
    fill(step.g, 0.0)  # sums over all pairs count them as zero off the active ones
    fill(step.w, 0.0)
    room = Tables(side.b1, side.b2)
    pair_shares(p, state.active, omega, system.room1)

    estimate = np.inf
    for iteration in range(max_iter + 1):
        evaluate(state, model, sums, room)
        complementarity, price = measure_pairs(state, model.h, mass1, kappa, side.rg)
        if price > 0.0 and lower_idle_cells(p, state, model.h, IDLE_SHARE * complementarity / n_pairs, system.room1):
            evaluate(state, model, sums, room)
            complementarity, price = measure_pairs(state, model.h, mass1, kappa, side.rg)
        missing = residual(p.first, sums.first, side.r1) + residual(p.second, sums.second, side.r2)
        estimate = complementarity + RESIDUAL_PRICE * missing + price
        if estimate <= tol or not np.isfinite(estimate) or iteration == max_iter:
            return iteration, estimate
        pace[1] = pace[1] + 1.0 if estimate > 0.5 * pace[0] else 0.0
        pace[0] = min(pace[0], estimate)

        assemble(model.pi, state.w, kappa, system)
        factor(system)
        tau = complementarity / n_pairs
        fraction, step_w, step_g = 1.0, 1.0, 1.0
        for stage in range(2):
            if stage == 0:
                first_order_side(model.pi, state, side)
            else:
                centring = (complementarity_after(state, step, step_w, step_g) / complementarity) ** 3
                target = min(max(centring * tau, TAU_SHARE * tol / n_pairs), tau)
                share = (1.0 - target / tau) ** 2
                second_order_side(model.pi, state, side, step, omega, target, share)
                fraction = max(FRACTION_TO_BOUNDARY, 1.0 - max(tau, LEAST_LEFT))
            fill(step.joint, 0.0)
            fill(step.mu, 0.0)
            for trial in range(1 + stage):
                add_solution(system, side, step)
                if trial < stage:
                    hessian_times(model.pi, state.w, kappa, system.partner, step, sums)
                    left = what_is_left(side.b1, sums.first) + what_is_left(side.b2, sums.second)
                    if left <= max(LEFT_OF_TOL * tol, LEFT_OF_MISSING * missing):
                        break
                else:
                    pair_means(model.pi, system.partner, step)
            step_w, step_g = pair_steps(state, side, step, fraction)

        step_g = min(step_g, LARGEST_CHANGE / largest_change(model.pi, state, step))
        if pace[1] >= PATIENCE:
            step_w *= DAMPING
            step_g *= DAMPING
        move(state.w, step.w, step_w)
        move(state.g, step.g, step_g)
        move(state.lam, step.lam, step_g)
        move(state.mu, step.mu, step_g)
    return max_iter, estimate
