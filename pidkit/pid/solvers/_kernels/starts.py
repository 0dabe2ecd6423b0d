"""Where the interior point starts from: cold from the independent coupling, or by way of easier problems."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Matrix, Shifts, State, Tables, Vector
from pidkit.pid.solvers._kernels.bounds import columns_first, rows_first
from pidkit.pid.solvers._kernels.compiling import kernel

COLD_SLACK = 0.01
"""Nats by which the first potentials keep clear of their constraints."""


@kernel()
def pair_masses(p: Tables, inverse: Vector, out: Matrix) -> None:
    """Fill 1 / P(y), and sum_y P(y,x1) P(y,x2) / P(y): the mass of every pair in the coupling with X1 - Y - X2."""
    p1, p2 = p
    n_y = p1.shape[1]
    for y in range(n_y):
        mass = 0.0
        for i in range(p1.shape[0]):
            mass += p1[i, y]
        inverse[y] = 1.0 / mass if mass > 0.0 else 0.0
    for i in range(p1.shape[0]):
        for j in range(p2.shape[0]):
            mass = 0.0
            for y in range(n_y):
                mass += p1[i, y] * inverse[y] * p2[j, y]
            out[i, j] = mass


@kernel()
def cold_start(p: Tables, state: State, inverse: Vector, one: Shifts, other: Shifts) -> None:
    """Fill the state that a solve starts from, and the pairs that share a y.

    The coupling with X1 - Y - X2 is in Delta_P, and its conditionals are the softmax over y of log P(y,x1) +
    log P(y,x2) - log P(y): with those potentials all marginals are right from the start. What is then taken from
    lam[x1, .] and mu[x2, .] to clear the constraints changes no conditional.
    """
    p1, p2 = p
    active, lam, mu, w, g = state
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    pair_masses(p, inverse, w)
    for i in range(n_1):
        for j in range(n_2):
            active[i, j] = w[i, j] > 0.0
            g[i, j] = np.log(w[i, j]) if active[i, j] else 0.0
    rows_first(g, active, one)
    columns_first(g, active, other)
    for i in range(n_1):
        one.first[i] = 0.5 * (one.first[i] + other.first[i]) + COLD_SLACK
        for y in range(n_y):
            lam[i, y] = np.log(p1[i, y]) - one.first[i] if p1[i, y] > 0.0 else -np.inf
    for j in range(n_2):
        one.second[j] = 0.5 * (one.second[j] + other.second[j])
        for y in range(n_y):
            mu[j, y] = np.log(p2[j, y] * inverse[y]) - one.second[j] if p2[j, y] > 0.0 else -np.inf
    for i in range(n_1):
        for j in range(n_2):
            g[i, j] = one.first[i] + one.second[j] - g[i, j] if active[i, j] else 1.0
