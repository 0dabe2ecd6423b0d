"""The compiled twin of `certificate`, for the many small problems: the same bounds from the same formulas.

`certificate.py` is the readable definition, made of matrix products; the tests hold the two together. Both bounds are
of F* = min over Delta_P of -H(Y|X1,X2), in nats.
"""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Coupling, Mask, Matrix, Model, Shifts, State, Tables, Vector
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.pairs import fill

ROUNDOFF = 8.0 * 2.0**-52
"""What rounding may do to a sum, as a share of the sum of magnitudes: certificate.ROUNDOFF_FACTOR machine epsilons."""

LARGEST_POTENTIAL = 200.0
"""Nats to which potentials are lowered for the proof: larger ones, up to 1e10, belong to cells of less than 1e-80, and
their last digits would decide whether the constraints hold."""


@kernel()
def rows_first(h: Matrix, active: Mask, shifts: Shifts) -> None:
    """Make f[i] + g[j] >= h[i, j] on the active pairs: f the row maxima of h, g the column maxima of h - f.

    Both are 0 where a row or a column has no active pair.
    """
    f, g = shifts
    n_1, n_2 = h.shape
    for i in range(n_1):
        f[i] = -np.inf
        for j in range(n_2):
            if active[i, j]:
                f[i] = max(f[i], h[i, j])
    for j in range(n_2):
        g[j] = -np.inf
        for i in range(n_1):
            if active[i, j]:
                g[j] = max(g[j], h[i, j] - f[i])
        g[j] = g[j] if g[j] > -np.inf else 0.0
    for i in range(n_1):
        f[i] = f[i] if f[i] > -np.inf else 0.0


@kernel()
def columns_first(h: Matrix, active: Mask, shifts: Shifts) -> None:
    """Make f[i] + g[j] >= h[i, j] on the active pairs as `rows_first` does, but g first and f from h - g."""
    f, g = shifts
    n_1, n_2 = h.shape
    for j in range(n_2):
        g[j] = -np.inf
        for i in range(n_1):
            if active[i, j]:
                g[j] = max(g[j], h[i, j])
    for i in range(n_1):
        f[i] = -np.inf
        for j in range(n_2):
            if active[i, j]:
                f[i] = max(f[i], h[i, j] - g[j])
        f[i] = f[i] if f[i] > -np.inf else 0.0
    for j in range(n_2):
        g[j] = g[j] if g[j] > -np.inf else 0.0


@kernel()
def _price(p: Matrix, shift: Vector) -> float:
    """Return what it costs the dual objective to lower every potential of x by shift[x]: sum_x P(x) shift[x]."""
    price = 0.0
    for x in range(p.shape[0]):
        mass = 0.0
        for y in range(p.shape[1]):
            mass += p[x, y]
        price += mass * shift[x]
    return price


@kernel()
def _lower_by(p: Matrix, shift: Vector, potentials: Matrix) -> tuple[float, float, float]:
    """Lower the potentials of every x by shift[x], and to LARGEST_POTENTIAL at most.

    Returns
    -------
    value, size, largest : float
        sum P(y,x) of the potentials, the sum of its magnitudes, and the largest potential, 0 at least.
    """
    value, size, largest = 0.0, 0.0, 0.0
    for x in range(p.shape[0]):
        for y in range(p.shape[1]):
            if p[x, y] > 0.0:
                potentials[x, y] = min(potentials[x, y] - shift[x], LARGEST_POTENTIAL)
                largest = max(largest, potentials[x, y])
                value += p[x, y] * potentials[x, y]
                size += p[x, y] * abs(potentials[x, y])
    return value, size, largest


@kernel()
def lower_bound(p: Tables, active: Mask, h: Matrix, potentials: Tables, one: Shifts, other: Shifts) -> float:
    """Lower the potentials in place until all dual constraints hold; return the lower bound of F* that they prove."""
    n_1, n_2 = h.shape
    rows_first(h, active, one)
    columns_first(h, active, other)
    price_one = _price(p.first, one.first) + _price(p.second, one.second)
    price_other = _price(p.first, other.first) + _price(p.second, other.second)
    f, g = other if price_other < price_one else one
    largest_f, largest_g = 0.0, 0.0
    for i in range(n_1):
        largest_f = max(largest_f, abs(f[i]))
    for j in range(n_2):
        largest_g = max(largest_g, abs(g[j]))
    value1, size1, top1 = _lower_by(p.first, f, potentials.first)
    value2, size2, top2 = _lower_by(p.second, g, potentials.second)
    # The shifts cancel in exact arithmetic, and so do lam and mu; what they round leaves the potentials that much short
    # of feasible: sum_y pi (|lam| + |mu|) epsilons, with |lam| + |mu| <= |log pi| + 2 top.
    return value1 + value2 - ROUNDOFF * (1.0 + largest_f + largest_g + top1 + top2 + size1 + size2)


@kernel()
def _shrink(have: Matrix, p: Matrix, potentials: Matrix, factor: Matrix, log_factor: Matrix) -> None:
    """Fill the factors that shrink every cell of a marginal to at most p, and the log potentials with them."""
    for x in range(p.shape[0]):
        for y in range(p.shape[1]):
            factor[x, y] = p[x, y] / have[x, y] if have[x, y] > p[x, y] else 1.0
            log_factor[x, y] = potentials[x, y] + np.log(factor[x, y]) if p[x, y] > 0.0 else -np.inf


@kernel()
def _rest(p: Matrix, have: Matrix, log_factor: Matrix, rest: Matrix) -> tuple[float, float]:
    """Fill what a marginal lacks; return sum have log_factor, and the sum of its magnitudes."""
    value, size = 0.0, 0.0
    for x in range(p.shape[0]):
        for y in range(p.shape[1]):
            if p[x, y] > 0.0:
                value += have[x, y] * log_factor[x, y]
                size += have[x, y] * abs(log_factor[x, y])
            rest[x, y] = max(p[x, y] - have[x, y], 0.0)
    return value, size


@kernel()
def _mass_of(rest: Matrix, y: int) -> float:
    """Return the sum of column y."""
    mass = 0.0
    for x in range(rest.shape[0]):
        mass += rest[x, y]
    return mass


@kernel()
def _scale(rest: Matrix, y: int, factor: float) -> None:
    """Multiply column y."""
    for x in range(rest.shape[0]):
        rest[x, y] *= factor


@kernel()
def _largest_error(p: Matrix, have: Matrix, rest: Matrix) -> float:
    """Return the largest |have + rest - p|."""
    largest = 0.0
    for x in range(p.shape[0]):
        for y in range(p.shape[1]):
            largest = max(largest, abs(have[x, y] + rest[x, y] - p[x, y]))
    return largest


@kernel()
def upper_bound(
    p: Tables, state: State, model: Model, coupling: Coupling, sums: Tables, factors: Tables, rest: Vector
) -> tuple[float, float]:
    """Round w pi to a coupling with exact marginals; return the upper bound of F* and the marginal residual.

    The rows are shrunk to at most P(y, x1), then the columns to at most P(y, x2), and what is lacking then is filled up
    by a product r c' for each y. On return exp(log_a + log_b) w exp(-h) + r c' / sum r is the coupling.
    """
    p1, p2 = p
    active, lam, mu, w, _ = state
    pi, h = model
    log_a, log_b, r, c = coupling
    n_1, n_2, n_y = pi.shape
    rows, columns = sums
    alpha, beta = factors
    fill(rows, 0.0)
    fill(columns, 0.0)
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                for y in range(n_y):
                    rows[i, y] += w[i, j] * pi[i, j, y]
    _shrink(rows, p1, lam, alpha, log_a)
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                for y in range(n_y):
                    columns[j, y] += w[i, j] * pi[i, j, y] * alpha[i, y]
    _shrink(columns, p2, mu, beta, log_b)
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
    value1, size1 = _rest(p1, rows, log_a, r)
    value2, size2 = _rest(p2, columns, log_b, c)
    largest = 0.0
    for y in range(n_y):
        mass_r, mass_c = _mass_of(r, y), _mass_of(c, y)
        # Equal but for rounding; a rest that is rounding alone on one side is none.
        kept = mass_r > 0.0 and mass_c > 0.0
        rest[y] = 0.5 * (mass_r + mass_c) if kept else 0.0
        _scale(r, y, rest[y] / mass_r if kept else 0.0)
        _scale(c, y, rest[y] / mass_c if kept else 0.0)
        largest = max(largest, rest[y])
    residual = max(_largest_error(p1, rows, r), _largest_error(p2, columns, c))
    value += value1 + value2
    size += size1 + size2
    if largest > 0.0:
        extra, extra_size = rest_value(r, c, rest, n_y)
        value += extra
        size += extra_size
    return value + ROUNDOFF * size, residual


@kernel()
def _negative_entropy(x: Matrix) -> tuple[float, float]:
    """Return sum x log x, and the sum of its magnitudes."""
    value, size = 0.0, 0.0
    for i in range(x.shape[0]):
        for y in range(x.shape[1]):
            if x[i, y] > 0.0:
                term = x[i, y] * np.log(x[i, y])
                value += term
                size += abs(term)
    return value, size


@kernel()
def rest_value(r: Matrix, c: Matrix, rest: Vector, n_y: int) -> tuple[float, float]:
    """Return sum Q log Q(y|x1,x2) of the rest Q[y] = r c' / rest, and the sum of its magnitudes."""
    value, size = _negative_entropy(r)
    value_c, size_c = _negative_entropy(c)
    value += value_c
    size += size_c
    for y in range(n_y):
        if rest[y] > 0.0:
            value -= rest[y] * np.log(rest[y])
    for i in range(r.shape[0]):
        for j in range(c.shape[0]):
            total = 0.0
            for y in range(n_y):
                if rest[y] > 0.0:
                    total += r[i, y] * c[j, y] / rest[y]
            if total > 0.0:
                term = total * np.log(total)
                value -= term
                size += abs(term)
    return value, size
