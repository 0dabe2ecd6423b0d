"""What one Newton step needs beside its linear system: residuals, right-hand sides, steps, and how far they may go.

Arrays have y last. b1 and b2 are right-hand sides of the two marginals; rg = -(g + h) is that of the slacks and rc that
of w g; dh, dg, dw are the changes of h, g and w that a step (d1, d2) of the potentials brings, to first order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.pairs import FAST, Array, copy

FAR = 0.5
"""A marginal off by more than this share of itself is corrected in its logarithm."""

LARGEST_BEND = 1.0
"""Nats of change of a log pi beyond which its square says nothing about the curvature."""

LEAST_SHARE = 1e-14
"""The smallest mass that a pair counts with when the complementarity is shared out."""

LARGEST_EXCESS = 1.0
"""Nats by which a constraint may be broken for a few potentials of little mass to be lowered and mend it."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pair_shares(p1: Array, p2: Array, active: Array, omega: Array) -> None:
    """Fill omega with sum_y P(y,x1) P(y,x2) / P(y), LEAST_SHARE at least, over its mean; 0 off the active pairs."""
    n_y = p1.shape[1]
    inverse = np.zeros(n_y)
    for i in range(p1.shape[0]):
        for y in range(n_y):
            inverse[y] += p1[i, y]
    for y in range(n_y):
        inverse[y] = 1.0 / inverse[y] if inverse[y] > 0.0 else 0.0
    total, n_pairs = 0.0, 0
    for i in range(p1.shape[0]):
        for j in range(p2.shape[0]):
            omega[i, j] = 0.0
            if active[i, j]:
                for y in range(n_y):
                    omega[i, j] += p1[i, y] * p2[j, y] * inverse[y]
                omega[i, j] = max(omega[i, j], LEAST_SHARE)
                total += omega[i, j]
                n_pairs += 1
    for i in range(p1.shape[0]):
        for j in range(p2.shape[0]):
            omega[i, j] *= n_pairs / total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def residual(p: Array, have: Array, out: Array) -> float:
    """Fill the right-hand side for one pair marginal; return sum |p - have|.

    p - have near the solution; far from it have log(p / have), which is the Newton step for log have = log p.
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def measure_pairs(
    active: Array, w: Array, g: Array, h: Array, mass1: Array, kappa: Array, rg: Array
) -> tuple[float, float]:
    """Raise every slack to what the potentials really leave, which only helps; fill kappa = w (1/g - 1) and rg.

    Returns sum w g and the price of making the potentials feasible, sum_x1 P(x1) max(h, 0).
    """
    complementarity, price = 0.0, 0.0
    for i in range(g.shape[0]):
        worst = 0.0
        for j in range(g.shape[1]):
            if active[i, j]:
                g[i, j] = max(g[i, j], -h[i, j])
                complementarity += w[i, j] * g[i, j]
                kappa[i, j] = w[i, j] * (1.0 / g[i, j] - 1.0)
                rg[i, j] = -(g[i, j] + h[i, j])
                worst = max(worst, h[i, j])
        price += worst * mass1[i]
    return complementarity, price


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def first_order_side(
    pi: Array, active: Array, w: Array, g: Array, rg: Array, rc: Array, r1: Array, r2: Array, b1: Array, b2: Array
) -> None:
    """Fill rc, b1 and b2 of the predictor: the marginals right, the slacks right, w g = 0."""
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def second_order_side(
    pi: Array, active: Array, w: Array, g: Array, rg: Array, rc: Array, r1: Array, r2: Array,
    d1: Array, d2: Array, dh: Array, dg: Array, dw: Array, target: float, omega: Array, share: float,
    b1: Array, b2: Array,
) -> None:  # fmt: skip
    """Fill rc, rg, b1 and b2 of the corrector: w g = target omega, and what the predictor left out to second order.

    With z the change of log pi, that is dw dg in w g, half the variance of z in h, and dw pi z +
    w pi (z^2 - var z) / 2 in the marginals. Of all three only `share` is taken: the predictor aims at w g = 0, and
    where the step will be far shorter its curvature is noise, enough to keep an iteration from settling.
    """
    n_1, n_2, n_y = pi.shape
    copy(r1, b1)
    copy(r2, b2)
    for i in range(n_1):
        for j in range(n_2):
            if not active[i, j]:
                continue
            variance = 0.0
            for y in range(n_y):
                z = max(-LARGEST_BEND, min(LARGEST_BEND, d1[i, y] + d2[j, y] - dh[i, j]))
                variance += pi[i, j, y] * z * z
            variance *= share
            rg[i, j] -= 0.5 * variance
            rc[i, j] = target * omega[i, j] - w[i, j] * g[i, j] - share * dw[i, j] * dg[i, j]
            change = (rc[i, j] - w[i, j] * rg[i, j]) / g[i, j] - 0.5 * w[i, j] * variance
            for y in range(n_y):
                z = max(-LARGEST_BEND, min(LARGEST_BEND, d1[i, y] + d2[j, y] - dh[i, j]))
                term = pi[i, j, y] * (change + share * z * (dw[i, j] + 0.5 * w[i, j] * z))
                b1[i, y] -= term
                b2[j, y] -= term


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pair_steps(
    active: Array, w: Array, g: Array, rg: Array, rc: Array, dh: Array, dg: Array, dw: Array, fraction: float
) -> tuple[float, float]:
    """Fill dg and dw; return the largest steps in (0, 1] of w and of g that leave (1 - fraction) of each positive."""
    step_w, step_g = 1.0, 1.0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            if active[i, j]:
                dg[i, j] = rg[i, j] - dh[i, j]
                dw[i, j] = (rc[i, j] - w[i, j] * dg[i, j]) / g[i, j]
                if step_g * dg[i, j] < -fraction * g[i, j]:
                    step_g = -fraction * g[i, j] / dg[i, j]
                if step_w * dw[i, j] < -fraction * w[i, j]:
                    step_w = -fraction * w[i, j] / dw[i, j]
    return step_w, step_g


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def complementarity_after(w: Array, g: Array, dw: Array, dg: Array, step_w: float, step_g: float) -> float:
    """Return sum w g after steps of different lengths; w and dw are 0 off the active pairs."""
    total = 0.0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            total += (w[i, j] + step_w * dw[i, j]) * (g[i, j] + step_g * dg[i, j])
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def largest_change(pi: Array, active: Array, g: Array, d1: Array, d2: Array, dh: Array) -> float:
    """Return the largest |change of log pi|, or of h relative to 1 + g, that a full step predicts, at least 1e-300."""
    n_1, n_2, n_y = pi.shape
    largest = 1e-300
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                largest = max(largest, abs(dh[i, j]) / (1.0 + g[i, j]))
                for y in range(n_y):
                    if pi[i, j, y] > 0.0:
                        largest = max(largest, abs(d1[i, y] + d2[j, y] - dh[i, j]))
    return largest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def move(x: Array, dx: Array, step: float) -> None:
    """Add step dx to x."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] += step * dx[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def what_is_left(b: Array, done: Array) -> float:
    """Replace b by b - done; return the sum of its magnitudes."""
    total = 0.0
    for i in range(b.shape[0]):
        for y in range(b.shape[1]):
            b[i, y] -= done[i, y]
            total += abs(b[i, y])
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def lower_idle_cells(
    p1: Array, p2: Array, active: Array, g: Array, h: Array, lam: Array, mu: Array, price: float
) -> bool:
    """Lower potentials of little mass where h > 0, so far that g + h = 0; return whether any was lowered.

    Of each y the potential with less mass, where lowering it as far as the constraint is broken costs at most `price`
    for its share pi[y] of the pair. The multipliers of such pairs are below what the Newton step resolves: it bends
    their conditionals by nats and breaks their constraints as often as it mends them, although next to nothing
    depends on them. Pairs that this cannot mend are left as they are.
    """
    n_y = lam.shape[1]
    pi, lowered = np.empty(n_y), False
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
                if min(p1[i, y], p2[j, y]) * excess > price * pi[y]:
                    pi[y] = 0.0
                idle += pi[y]
            needed = -np.expm1(-excess)
            if needed > 0.5 * idle:
                continue
            change = -np.log1p(-needed / idle)
            for y in range(n_y):
                if pi[y] > 0.0 and p1[i, y] < p2[j, y]:
                    lam[i, y] -= change
                elif pi[y] > 0.0:
                    mu[j, y] -= change
            lowered = True
    return lowered
