"""Where the interior point starts from: cold from the independent coupling, or by way of easier problems."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Shifts, State, Tables, Vector
from pidkit.pid.solvers._kernels.bounds import columns_first, rows_first
from pidkit.pid.solvers._kernels.compiling import kernel

COLD_SLACK = 0.01
"""Nats by which the first potentials keep clear of their constraints."""


@kernel()
def cold_start(p: Tables, dust: float, state: State, p_y: Vector, one: Shifts, other: Shifts) -> None:
    """Fill the state that a solve starts from, and the pairs that share a y.

    The coupling with X1 - Y - X2 is in Delta_P, and its conditionals are the softmax over y of log P(y,x1) +
    log P(y,x2) - log P(y): with those potentials all marginals are right from the start. What is then taken from
    lam[x1, .] and mu[x2, .] to clear the constraints changes no conditional. Masses count as `dust` at least.
    """
    p1, p2 = p
    active, lam, mu, w, g = state
    n_1, n_y = p1.shape
    n_2 = p2.shape[0]
    for y in range(n_y):
        p_y[y] = 0.0
    for i in range(n_1):
        for y in range(n_y):
            p_y[y] += p1[i, y]
            lam[i, y] = np.log(max(p1[i, y], dust)) if p1[i, y] > 0.0 else -np.inf
    for j in range(n_2):
        for y in range(n_y):
            mu[j, y] = np.log(max(p2[j, y], dust) / max(p_y[y], dust)) if p2[j, y] > 0.0 else -np.inf
    for i in range(n_1):
        for j in range(n_2):
            shared, mass = False, 0.0
            for y in range(n_y):
                if p1[i, y] > 0.0 and p2[j, y] > 0.0:
                    shared = True
                    mass += max(p1[i, y], dust) / max(p_y[y], dust) * max(p2[j, y], dust)
            active[i, j] = shared
            w[i, j] = mass
            g[i, j] = np.log(mass) if shared else 0.0
    rows_first(g, active, one)
    columns_first(g, active, other)
    for i in range(n_1):
        one.first[i] = 0.5 * (one.first[i] + other.first[i]) + COLD_SLACK
        for y in range(n_y):
            lam[i, y] -= one.first[i]
    for j in range(n_2):
        one.second[j] = 0.5 * (one.second[j] + other.second[j])
        for y in range(n_y):
            mu[j, y] -= one.second[j]
    for i in range(n_1):
        for j in range(n_2):
            g[i, j] = one.first[i] + one.second[j] - g[i, j] if active[i, j] else 1.0
