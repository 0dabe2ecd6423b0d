"""One problem from marginals to certified bounds in one compiled call, and many of them in a loop without the GIL."""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.bounds import c_transform, lower_bound, upper_bound
from pidkit.pid.solvers._kernels.iteration import interior_point
from pidkit.pid.solvers._kernels.pairs import FAST, Array, copy, evaluate
from pidkit.pid.solvers.problem import CONTRADICTION, CONVERGED, OUT_OF_ITERATIONS, STALLED

DUST_SHARE = 1e-3
"""Share of the tolerance that all masses too small to matter may have together; each counts as that much while
iterating, because smaller ones only spoil the arithmetic. The certificate is of the true masses."""

COLD_SLACK = 0.01
"""Nats by which the first potentials keep clear of their constraints."""

ROUNDS, STRICTER = 8, 0.4
"""How often the iteration may be asked for more because the certificate was not content, and how much more."""

DIRECT_ITERATIONS = 100
"""Newton steps after which a solve starts again by continuation; it takes 5 to 20, seldom 50."""

FIRST_SHARE, SHARE_FACTOR, LAST_SHARE = 1e-3, 0.1, 1e-2
"""Continuation: the mass spread evenly at first, its factor from stage to stage, and the last one as a part of tol."""

STAGE_TOL = 1.0
"""What a stage of the continuation is solved to, as a multiple of the mass that it spreads evenly."""

STAGE_ITERATIONS = 25
"""Newton steps that one stage may take: one that fails is no reason not to try the next."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def smallest_mass(p1: Array, p2: Array, tol: float) -> float:
    """Return what every mass counts as at least while iterating towards `tol`."""
    return float(DUST_SHARE * tol / (p1.size + p2.size))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def cold_start(p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, dust: float) -> None:
    """Fill the state that a solve starts from, and the pairs that share a y.

    The coupling with X1 - Y - X2 is in Delta_P, and its conditionals are the softmax over y of log P(y,x1) +
    log P(y,x2) - log P(y): with those potentials all marginals are right from the start. What is then taken from
    lam[., x1] and mu[., x2] to clear the constraints changes no conditional. Masses count as `dust` at least.
    """
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    p_y = np.zeros(n_y)
    for i in range(n_1):
        for y in range(n_y):
            p_y[y] += p1[i, y]
            lam[i, y] = np.log(max(p1[i, y], dust)) if p1[i, y] > 0.0 else -np.inf
    for j in range(n_2):
        for y in range(n_y):
            mu[j, y] = np.log(max(p2[j, y], dust) / max(p_y[y], dust)) if p2[j, y] > 0.0 else -np.inf
    for i in range(n_1):
        for j in range(n_2):
            active[i, j] = False
            w[i, j] = 0.0
            for y in range(n_y):
                if p1[i, y] > 0.0 and p2[j, y] > 0.0:
                    active[i, j] = True
                    w[i, j] += max(p1[i, y], dust) / max(p_y[y], dust) * max(p2[j, y], dust)
            g[i, j] = np.log(w[i, j]) if active[i, j] else 0.0
    by_rows, by_columns = (np.empty(n_1), np.empty(n_2)), (np.empty(n_1), np.empty(n_2))
    c_transform(g, active, by_rows[0], by_rows[1])
    c_transform(g.T, active.T, by_columns[1], by_columns[0])
    for i in range(n_1):
        by_rows[0][i] = 0.5 * (by_rows[0][i] + by_columns[0][i]) + COLD_SLACK
        for y in range(n_y):
            lam[i, y] -= by_rows[0][i]
    for j in range(n_2):
        by_rows[1][j] = 0.5 * (by_rows[1][j] + by_columns[1][j])
        for y in range(n_y):
            mu[j, y] -= by_rows[1][j]
    for i in range(n_1):
        for j in range(n_2):
            g[i, j] = by_rows[0][i] + by_rows[1][j] - g[i, j] if active[i, j] else 1.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _raise_dust(p: Array, dust: float, out: Array) -> None:
    """Fill out = max(p, dust) on the support of p."""
    for i in range(p.shape[0]):
        for y in range(p.shape[1]):
            out[i, y] = max(p[i, y], dust) if p[i, y] > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve_certified(
    p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, tol: float, max_iter: int,
    low_lam: Array, low_mu: Array, log_a: Array, log_b: Array, r: Array, c: Array, log_weights: Array,
    log_scale: Array, bounds: Array,
) -> tuple[int, int]:  # fmt: skip
    """Iterate from (lam, mu, w, g), in place, until the certified gap is at most `tol`; return iterations and status.

    bounds holds the best lower and upper bound of F* so far, and the marginal residual of the latter's coupling:
    -inf, inf and inf to begin with. low_lam and low_mu prove the lower bound;
    exp(log_a + log_weights + log_b) + r c / sum r is the coupling of the upper one. They may be of different iterates;
    log_scale is log w - h of the last.
    """
    n_1, n_2 = w.shape
    pi, h = np.zeros((n_1, n_2, p1.shape[1])), np.zeros((n_1, n_2))
    of_lam, of_mu = np.empty((4, *p1.shape)), np.empty((4, *p2.shape))
    solid1, solid2 = of_lam[0], of_mu[0]
    dust = smallest_mass(p1, p2, tol)
    _raise_dust(p1, dust, solid1)
    _raise_dust(p2, dust, solid2)
    used, inner = 0, tol
    for _ in range(ROUNDS):
        done, estimate = interior_point(solid1, solid2, active, lam, mu, w, g, inner, max_iter - used, pi, h)
        used += done
        lost = not np.isfinite(estimate)
        if lost:  # nothing sound is left of the iterate: certify the start instead of returning NaN
            cold_start(p1, p2, active, lam, mu, w, g, dust)
            evaluate(lam, mu, active, w, pi, h, of_lam[1], of_mu[1], of_lam[2], of_mu[2])
        copy(lam, of_lam[1])
        copy(mu, of_mu[1])
        lower = lower_bound(p1, p2, active, h, of_lam[1], of_mu[1])
        # Bounds that contradict each other by more than rounding prove nothing: the latest are kept then.
        afresh = bounds[1] - lower < -CONTRADICTION
        if lower > bounds[0] or afresh:
            bounds[0] = lower
            copy(of_lam[1], low_lam)
            copy(of_mu[1], low_mu)
        upper, residual = upper_bound(p1, p2, active, w, pi, h, lam, mu, of_lam[1], of_mu[1], of_lam[2], of_mu[2])
        for i in range(n_1):
            for j in range(n_2):
                log_scale[i, j] = np.log(w[i, j]) - h[i, j]
        if upper < bounds[1] or afresh:
            bounds[1], bounds[2] = upper, residual
            copy(log_scale, log_weights)
            copy(of_lam[1], log_a)
            copy(of_mu[1], log_b)
            copy(of_lam[2], r)
            copy(of_mu[2], c)
        if -CONTRADICTION <= bounds[1] - bounds[0] <= tol:
            return used, CONVERGED
        if lost:
            break
        if used >= max_iter:
            return used, OUT_OF_ITERATIONS
        inner = STRICTER * min(inner, estimate)
    return used, STALLED


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def exponentiate(log_a: Array, log_b: Array, log_weights: Array, largest: float) -> None:
    """Turn the logarithms of the factors of a coupling into the factors, in place.

    A potential may be far from zero where hardly any mass is: the largest of each symbol is taken out of the
    exponents and put into the weights, so that nothing overflows and nothing that counts underflows. Logarithms of
    weights are cut at `largest`.
    """
    top1, top2 = np.empty(log_a.shape[0]), np.empty(log_b.shape[0])
    for logs, top in ((log_a, top1), (log_b, top2)):
        for i in range(logs.shape[0]):
            top[i] = logs[i, 0]
            for y in range(logs.shape[1]):
                top[i] = max(top[i], logs[i, y])
            for y in range(logs.shape[1]):
                logs[i, y] = np.exp(logs[i, y] - top[i])
    for i in range(log_weights.shape[0]):
        for j in range(log_weights.shape[1]):
            log_weights[i, j] = np.exp(min(log_weights[i, j] + top1[i] + top2[j], largest))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _spread(p: Array, share: float, out: Array) -> None:
    """Fill (1 - share) p + share q, q with every y equally likely and spread evenly over its support in p."""
    for y in range(p.shape[1]):
        n = 0
        for i in range(p.shape[0]):
            n += p[i, y] > 0.0
        for i in range(p.shape[0]):
            even = 1.0 / (n * p.shape[1]) if p[i, y] > 0.0 else 0.0
            out[i, y] = (1.0 - share) * p[i, y] + share * even


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def continue_from_even(
    p1: Array, p2: Array, active: Array, lam: Array, mu: Array, w: Array, g: Array, tol: float, max_iter: int
) -> int:
    """Bring the state near the optimum by way of easier problems; return the iterations used.

    Masses over many orders of magnitude can send Newton's method astray. Where a share of the mass is spread evenly
    none is very small, both marginals keep a common P(y), and the problem stays feasible. The share shrinks from
    stage to stage, each starting where the last one ended.
    """
    near1, near2 = np.empty(p1.shape), np.empty(p2.shape)
    pi, h = np.zeros((p1.shape[0], p2.shape[0], p1.shape[1])), np.empty((p1.shape[0], p2.shape[0]))
    share, used = FIRST_SHARE, 0
    while used < max_iter and share >= LAST_SHARE * tol:
        _spread(p1, share, near1)
        _spread(p2, share, near2)
        if used == 0:
            cold_start(near1, near2, active, lam, mu, w, g, 0.0)
        stage_tol = max(STAGE_TOL * share, 0.5 * tol)
        allowed = min(STAGE_ITERATIONS, max_iter - used)
        done, estimate = interior_point(near1, near2, active, lam, mu, w, g, stage_tol, allowed, pi, h)
        used += max(done, 1)
        if not np.isfinite(estimate):
            break
        share *= SHARE_FACTOR
    return used


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve_many(
    p1: Array, p2: Array, tol: float, max_iter: int, first: int, last: int,
    lam: Array, mu: Array, weights: Array,
    lower: Array, upper: Array, residual: Array, iterations: Array, status: Array,
) -> None:  # fmt: skip
    """Solve the problems first..last-1 of a batch from cold starts, as the single solver would, one after another.

    p1[b, x1, y] and p2[b, x2, y] may have symbols without mass. On return lam and mu prove `lower`, and weights is
    the pair mass of the coupling before rounding.
    """
    n_1, n_2, n_y = p1.shape[1], p2.shape[1], p1.shape[2]
    active, g = np.empty((n_1, n_2), np.bool_), np.empty((n_1, n_2))
    at, log_a, r = np.empty((n_1, n_y)), np.empty((n_1, n_y)), np.empty((n_1, n_y))
    bt, log_b, c = np.empty((n_2, n_y)), np.empty((n_2, n_y)), np.empty((n_2, n_y))
    log_weights, log_scale, bounds = np.empty((n_1, n_2)), np.empty((n_1, n_2)), np.empty(3)
    for b in range(first, last):
        w = weights[b]
        cold_start(p1[b], p2[b], active, at, bt, w, g, smallest_mass(p1[b], p2[b], tol))
        bounds[0], bounds[1], bounds[2] = -np.inf, np.inf, np.inf
        used, state = solve_certified(
            p1[b], p2[b], active, at, bt, w, g, tol, min(max_iter, DIRECT_ITERATIONS),
            lam[b], mu[b], log_a, log_b, r, c, log_weights, log_scale, bounds,
        )  # fmt: skip
        if state != CONVERGED and used < max_iter:
            used += continue_from_even(p1[b], p2[b], active, at, bt, w, g, tol, max_iter - used)
            more, state = solve_certified(
                p1[b], p2[b], active, at, bt, w, g, tol, max_iter - used,
                lam[b], mu[b], log_a, log_b, r, c, log_weights, log_scale, bounds,
            )  # fmt: skip
            used += more
        lower[b], upper[b], residual[b], iterations[b], status[b] = bounds[0], bounds[1], bounds[2], used, state
