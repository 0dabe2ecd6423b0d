"""The compiled twin of `certificate`, for the many small problems: the same bounds from the same formulas.

`certificate.py` is the readable definition, made of matrix products; the tests hold the two together. Arrays have y
last: lam[x1, y], mu[x2, y]. pi and h are those of `pairs.evaluate`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.pairs import FAST, Array, fill

ROUNDOFF = 8.0 * 2.0**-52
"""As certificate.ROUNDOFF_FACTOR, times machine epsilon."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def c_transform(h: Array, active: Array, f: Array, g: Array) -> None:
    """Fill f = row maxima of h and g = column maxima of h - f, over the active pairs; 0 where a row has none."""
    n_1, n_2 = h.shape
    for i in range(n_1):
        f[i] = -np.inf
    for j in range(n_2):
        g[j] = -np.inf
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                f[i] = max(f[i], h[i, j])
        for j in range(n_2):
            if active[i, j]:
                g[j] = max(g[j], h[i, j] - f[i])
    for i in range(n_1):
        f[i] = f[i] if f[i] > -np.inf else 0.0
    for j in range(n_2):
        g[j] = g[j] if g[j] > -np.inf else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _mass(p: Array, i: int) -> float:
    """Return the sum of row i."""
    total = 0.0
    for y in range(p.shape[1]):
        total += p[i, y]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def lower_bound(p1: Array, p2: Array, active: Array, h: Array, lam: Array, mu: Array) -> float:
    """Shift lam and mu in place into the dual feasible set; return the lower bound of F* that they prove."""
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    f, g = np.empty(n_1), np.empty(n_2)
    f2, g2 = np.empty(n_1), np.empty(n_2)
    c_transform(h, active, f, g)
    c_transform(h.T, active.T, g2, f2)
    price, price2 = 0.0, 0.0
    for i in range(n_1):
        mass = _mass(p1, i)
        price += mass * f[i]
        price2 += mass * f2[i]
    for j in range(n_2):
        mass = _mass(p2, j)
        price += mass * g[j]
        price2 += mass * g2[j]
    if price2 < price:
        f, g = f2, g2
    largest_f, largest_g = 0.0, 0.0
    for i in range(n_1):
        largest_f = max(largest_f, abs(f[i]))
    for j in range(n_2):
        largest_g = max(largest_g, abs(g[j]))
    # What the shifts cancel, they round: a large shift leaves the potentials that much short of feasible.
    value, size = 0.0, 1.0 + largest_f + largest_g
    for i in range(n_1):
        for y in range(n_y):
            if p1[i, y] > 0.0:
                lam[i, y] -= f[i]
                value += p1[i, y] * lam[i, y]
                size += p1[i, y] * abs(lam[i, y])
    for j in range(n_2):
        for y in range(n_y):
            if p2[j, y] > 0.0:
                mu[j, y] -= g[j]
                value += p2[j, y] * mu[j, y]
                size += p2[j, y] * abs(mu[j, y])
    return value - ROUNDOFF * size


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def upper_bound(
    p1: Array, p2: Array, active: Array, w: Array, pi: Array, h: Array, lam: Array, mu: Array,
    log_a: Array, log_b: Array, r: Array, c: Array,
) -> tuple[float, float]:  # fmt: skip
    """Round w pi to a coupling with exact marginals; return the upper bound of F* and the marginal residual.

    On return exp(log_a[x1, y]) (w exp(-h)) exp(log_b[x2, y]) + r c / sum r is that coupling.
    """
    n_1, n_2, n_y = pi.shape
    rows, columns = np.zeros((n_1, n_y)), np.zeros((n_2, n_y))
    alpha, beta = np.ones((n_1, n_y)), np.ones((n_2, n_y))
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                for y in range(n_y):
                    rows[i, y] += w[i, j] * pi[i, j, y]
    for i in range(n_1):
        for y in range(n_y):
            if rows[i, y] > p1[i, y]:
                alpha[i, y] = p1[i, y] / rows[i, y]
            log_a[i, y] = lam[i, y] + np.log(alpha[i, y]) if p1[i, y] > 0.0 else -np.inf
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                for y in range(n_y):
                    columns[j, y] += w[i, j] * pi[i, j, y] * alpha[i, y]
    for j in range(n_2):
        for y in range(n_y):
            if columns[j, y] > p2[j, y]:
                beta[j, y] = p2[j, y] / columns[j, y]
            log_b[j, y] = mu[j, y] + np.log(beta[j, y]) if p2[j, y] > 0.0 else -np.inf
    fill(rows, 0.0)
    fill(columns, 0.0)
    value, size = 0.0, 2.0
    for i in range(n_1):
        for j in range(n_2):
            if not active[i, j]:
                continue
            total = 0.0
            for y in range(n_y):
                part = pi[i, j, y] * alpha[i, y] * beta[j, y]
                total += part
                rows[i, y] += w[i, j] * part
                columns[j, y] += w[i, j] * part
            if total > 0.0:
                term = w[i, j] * total * (np.log(total) + h[i, j])
                value -= term
                size += abs(term)
    residual = 0.0
    for i in range(n_1):
        for y in range(n_y):
            if p1[i, y] > 0.0:
                value += rows[i, y] * log_a[i, y]
                size += rows[i, y] * abs(log_a[i, y])
            r[i, y] = max(p1[i, y] - rows[i, y], 0.0)
    for j in range(n_2):
        for y in range(n_y):
            if p2[j, y] > 0.0:
                value += columns[j, y] * log_b[j, y]
                size += columns[j, y] * abs(log_b[j, y])
            c[j, y] = max(p2[j, y] - columns[j, y], 0.0)
    rest = np.zeros(n_y)
    for y in range(n_y):
        mass_r, mass_c = 0.0, 0.0
        for i in range(n_1):
            mass_r += r[i, y]
        for j in range(n_2):
            mass_c += c[j, y]
        # Equal but for rounding; a rest that is rounding alone on one side is none.
        kept = mass_r > 0.0 and mass_c > 0.0
        rest[y] = 0.5 * (mass_r + mass_c) if kept else 0.0
        for i in range(n_1):
            r[i, y] = r[i, y] * (rest[y] / mass_r) if kept else 0.0
        for j in range(n_2):
            c[j, y] = c[j, y] * (rest[y] / mass_c) if kept else 0.0
    for i in range(n_1):
        for y in range(n_y):
            residual = max(residual, abs(rows[i, y] + r[i, y] - p1[i, y]))
    for j in range(n_2):
        for y in range(n_y):
            residual = max(residual, abs(columns[j, y] + c[j, y] - p2[j, y]))
    if np.max(rest) > 0.0:
        extra, extra_size = _rest_value(r, c, rest)
        value += extra
        size += extra_size
    return value + ROUNDOFF * size, residual


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _rest_value(r: Array, c: Array, rest: Array) -> tuple[float, float]:
    """Return sum Q log Q(y|x1,x2) of the rank-one rest Q[y] = r c' / rest, and the sum of its magnitudes."""
    value, size = 0.0, 0.0
    for x in (r, c):
        for i in range(x.shape[0]):
            for y in range(x.shape[1]):
                if x[i, y] > 0.0:
                    term = x[i, y] * np.log(x[i, y])
                    value += term
                    size += abs(term)
    for y in range(rest.size):
        if rest[y] > 0.0:
            value -= rest[y] * np.log(rest[y])
    for i in range(r.shape[0]):
        for j in range(c.shape[0]):
            total = 0.0
            for y in range(rest.size):
                if rest[y] > 0.0:
                    total += r[i, y] * c[j, y] / rest[y]
            if total > 0.0:
                term = total * np.log(total)
                value -= term
                size += abs(term)
    return value, size
