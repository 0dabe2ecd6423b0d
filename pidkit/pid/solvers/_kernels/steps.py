"""What one Newton step needs beside its linear system: its right-hand sides, how far it may go, and small repairs.

The four equations are those of `iteration`; `arrays.Side` names what each of them lacks, `arrays.Step` what a step
changes. Entries off the active pairs mean nothing and are left alone.
"""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Mask, Matrix, Side, State, Step, Tables, Tensor, Vector
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.pairs import copy
from pidkit.pid.solvers._kernels.starts import pair_masses

FAR = 0.5
"""A marginal cell that is off by more than this share of itself is corrected in its logarithm."""

LARGEST_BEND = 1.0
"""Nats at which a change of log pi is cut in second-order terms: beyond, its square tells nothing of curvature."""

LEAST_SHARE = 1e-14
"""The least weight of a pair when the complementarity is shared out over the pairs."""

LARGEST_EXCESS = 1.0
"""Nats of violation up to which `lower_idle_cells` repairs a constraint; a larger one is not for cells of no mass."""


@kernel()
def pair_shares(p: Tables, active: Mask, omega: Matrix, inverse: Vector) -> None:
    """Fill omega with the mass of every active pair in the coupling X1 - Y - X2, relative to its mean over the pairs.

    omega = sum_y P(y,x1) P(y,x2) / P(y), LEAST_SHARE at least; 0 off the active pairs.
    """
    pair_masses(p, inverse, omega)
    total, n_pairs = 0.0, 0
    for i in range(omega.shape[0]):
        for j in range(omega.shape[1]):
            omega[i, j] = max(omega[i, j], LEAST_SHARE) if active[i, j] else 0.0
            total += omega[i, j]
            n_pairs += active[i, j]
    for i in range(omega.shape[0]):
        for j in range(omega.shape[1]):
            omega[i, j] *= n_pairs / total


@kernel()
def residual(p: Matrix, have: Matrix, out: Matrix) -> float:
    """Fill what one pair marginal lacks; return sum |p - have|, the mass that is missing or too much.

    Near the solution that is p - have. A cell that is far off gets have log(p / have) instead, which is the Newton
    step for log have = log p: it reaches a mass of 1e-12 in a few steps and not in one for every factor of e.
    """
    missing = 0.0
    for i in range(p.shape[0]):
        for y in range(p.shape[1]):
            gap = p[i, y] - have[i, y]
            missing += abs(gap)
            if have[i, y] > 0.0 and p[i, y] > 0.0 and abs(gap) > FAR * have[i, y]:
                gap = have[i, y] * np.log(p[i, y] / have[i, y])
            out[i, y] = gap
    return missing


@kernel()
def measure_pairs(state: State, h: Matrix, mass1: Vector, kappa: Matrix, rg: Matrix) -> tuple[float, float]:
    """Raise every slack g to at least -h, which the potentials leave; fill kappa = w (1/g - 1) and rg = -(g + h).

    Returns
    -------
    complementarity : float
        sum w g; NaN where rounding has made a multiplier negative or left no slack, of which nothing can be proved.
    price : float
        sum_x1 P(x1) max(h, 0): what it costs the dual objective to lower the potentials until all constraints hold.
    """
    active, _, _, w, g = state
    complementarity, price = 0.0, 0.0
    for i in range(g.shape[0]):
        worst = 0.0
        for j in range(g.shape[1]):
            if active[i, j]:
                slack = max(g[i, j], -h[i, j])
                if not (w[i, j] >= 0.0 and slack > 0.0):
                    complementarity = np.nan
                g[i, j] = slack
                complementarity += w[i, j] * slack
                kappa[i, j] = w[i, j] * (1.0 / slack - 1.0)
                rg[i, j] = -(slack + h[i, j])
                worst = max(worst, h[i, j])
        price += worst * mass1[i]
    return complementarity, price


@kernel()
def first_order_side(pi: Tensor, state: State, side: Side) -> None:
    """Fill rc, b1 and b2 of the predictor, the step towards w g = 0 with the marginals and the slacks right."""
    active, _, _, w, g = state
    r1, r2, rg, rc, b1, b2 = side
    n_1, n_2, n_y = pi.shape
    copy(r1, b1)
    copy(r2, b2)
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                rc[i, j] = -w[i, j] * g[i, j]
                change = (rc[i, j] - w[i, j] * rg[i, j]) / g[i, j]
                for y in range(n_y):
                    b1[i, y] -= pi[i, j, y] * change
                    b2[j, y] -= pi[i, j, y] * change


@kernel()
def second_order_side(
    pi: Tensor, state: State, side: Side, predicted: Step, omega: Matrix, target: float, share: float
) -> None:
    """Fill rc, rg, b1 and b2 of the corrector, which aims at w g = target omega and corrects the predictor's error.

    With z the change of log pi that the predictor brings, it leaves out to second order dw dg in w g, half the variance
    of z in h, and dw pi z + w pi (z^2 - var z) / 2 in the marginals. Of all three only `share` is taken: where the step
    will be far shorter than the predictor, its curvature is noise, enough to keep an iteration from settling.
    """
    active, _, _, w, g = state
    r1, r2, rg, rc, b1, b2 = side
    d1, d2, _, dh, dg, dw = predicted
    n_1, n_2, n_y = pi.shape
    copy(r1, b1)
    copy(r2, b2)
    for i in range(n_1):
        for j in range(n_2):
            if not active[i, j]:
                continue
            mean, weight, weight_change = dh[i, j], w[i, j], dw[i, j]
            variance = 0.0
            for y in range(n_y):
                z = max(-LARGEST_BEND, min(LARGEST_BEND, d1[i, y] + d2[j, y] - mean))
                variance += pi[i, j, y] * z * z
            variance *= share
            rg[i, j] -= 0.5 * variance
            rc[i, j] = target * omega[i, j] - weight * g[i, j] - share * weight_change * dg[i, j]
            change = (rc[i, j] - weight * rg[i, j]) / g[i, j] - 0.5 * weight * variance
            for y in range(n_y):
                z = max(-LARGEST_BEND, min(LARGEST_BEND, d1[i, y] + d2[j, y] - mean))
                term = pi[i, j, y] * (change + share * z * (weight_change + 0.5 * weight * z))
                b1[i, y] -= term
                b2[j, y] -= term


@kernel()
def pair_steps(state: State, side: Side, step: Step, fraction: float) -> tuple[float, float]:
    """Fill the changes of g and w that belong to step.h; return how much of them may be taken.

    Returns
    -------
    step_w, step_g : float
        The largest steps in (0, 1] after which every w and every g keeps at least the share 1 - fraction of itself.
    """
    active, _, _, w, g = state
    step_w, step_g = 1.0, 1.0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            if active[i, j]:
                dg = side.rg[i, j] - step.h[i, j]
                dw = (side.rc[i, j] - w[i, j] * dg) / g[i, j]
                step.g[i, j] = dg
                step.w[i, j] = dw
                if step_g * dg < -fraction * g[i, j]:
                    step_g = -fraction * g[i, j] / dg
                if step_w * dw < -fraction * w[i, j]:
                    step_w = -fraction * w[i, j] / dw
    return step_w, step_g


@kernel()
def complementarity_after(state: State, step: Step, step_w: float, step_g: float) -> float:
    """Return sum w g after steps of different lengths; w and its change are 0 off the active pairs."""
    total = 0.0
    for i in range(state.w.shape[0]):
        for j in range(state.w.shape[1]):
            total += (state.w[i, j] + step_w * step.w[i, j]) * (state.g[i, j] + step_g * step.g[i, j])
    return total


@kernel()
def largest_change(pi: Tensor, state: State, step: Step) -> float:
    """Return the largest |change of log pi|, or of h relative to 1 + g, that a full step brings; 1e-300 at least."""
    n_1, n_2, n_y = pi.shape
    largest = 1e-300
    for i in range(n_1):
        for j in range(n_2):
            if state.active[i, j]:
                mean = step.h[i, j]
                largest = max(largest, abs(mean) / (1.0 + state.g[i, j]))
                for y in range(n_y):
                    if pi[i, j, y] > 0.0:
                        largest = max(largest, abs(step.lam[i, y] + step.mu[j, y] - mean))
    return largest


@kernel()
def move(x: Matrix, change: Matrix, step: float) -> None:
    """Add `step` times the change to x."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] += step * change[i, k]


@kernel()
def what_is_left(b: Matrix, done: Matrix) -> float:
    """Replace a right-hand side b by b - done, what a solve has left of it; return the sum of its magnitudes."""
    total = 0.0
    for i in range(b.shape[0]):
        for y in range(b.shape[1]):
            left = b[i, y] - done[i, y]
            b[i, y] = left
            total += abs(left)
    return total


@kernel()
def lower_idle_cells(p: Tables, state: State, h: Matrix, price: float, pi: Vector) -> bool:
    """Repair violated dual constraints (h > 0) by potentials whose cells carry almost no probability.

    For each violated pair (x1, x2) and each y, decrease whichever of lam[x1, y] and mu[x2, y] belongs to the smaller
    marginal mass, until h = -g. A cell is used only if this lowers the dual objective by at most `price` times its
    share pi[y] of the pair. The multipliers of such pairs are below what a Newton step resolves: it bends their
    conditionals by nats, and breaks their constraints as often as it mends them, although next to nothing depends on
    them. Pairs that this cannot mend are left as they are.

    Returns
    -------
    lowered : bool
        Whether any potential was lowered; h and pi are then those of the potentials before.
    """
    active, lam, mu, _, g = state
    n_y = lam.shape[1]
    lowered = False
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            if not active[i, j] or h[i, j] <= 0.0:
                continue
            total = 0.0  # afresh: potentials of this pair may have been lowered for another
            for y in range(n_y):
                pi[y] = np.exp(lam[i, y] + mu[j, y])
                total += pi[y]
            excess = np.log(total) + g[i, j]
            if not 0.0 < excess <= LARGEST_EXCESS:
                continue
            idle = 0.0
            for y in range(n_y):
                pi[y] /= total
                if min(p.first[i, y], p.second[j, y]) * excess > price * pi[y]:
                    pi[y] = 0.0
                idle += pi[y]
            needed = -np.expm1(-excess)
            if needed > 0.5 * idle:
                continue
            change = -np.log1p(-needed / idle)
            for y in range(n_y):
                if pi[y] > 0.0 and p.first[i, y] < p.second[j, y]:
                    lam[i, y] -= change
                elif pi[y] > 0.0:
                    mu[j, y] -= change
            lowered = True
    return lowered
