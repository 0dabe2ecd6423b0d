"""By way of easier problems to the joints that defeat the direct attempt: continuation in the spread of their mass."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Integers, IntegerTable, Mask, Matrix, Tables, Tensor
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.iteration import interior_point
from pidkit.pid.solvers._kernels.room import Room, arrange
from pidkit.pid.solvers._kernels.starts import cold_start

FIRST_SHARE, SHARE_FACTOR, LAST_SHARE = 1e-3, 0.1, 1e-2
"""Continuation: the mass spread evenly at first, its factor from stage to stage, and the last one as a part of tol."""

STAGE_ITERATIONS = 25
"""Newton steps that one stage may take: one that fails is no reason not to try the next."""


@kernel()
def _spread(p: Matrix, share: float, out: Matrix) -> None:
    """Fill (1 - share) p + share q, q with every y equally likely and spread evenly over its support in p."""
    for y in range(p.shape[1]):
        n = 0
        for i in range(p.shape[0]):
            n += p[i, y] > 0.0
        for i in range(p.shape[0]):
            even = 1.0 / (n * p.shape[1]) if p[i, y] > 0.0 else 0.0
            out[i, y] = (1.0 - share) * p[i, y] + share * even


@kernel(entry=True)
def solve_nearby(
    p1: Matrix, p2: Matrix, share: float, tol: float, cold: bool,
    tables1: Tensor, tables2: Tensor, pairs: Tensor, active: Mask, pi: Tensor, blocks: Tensor, coupling: Matrix,
    schur: Matrix, vectors: Matrix, support1: IntegerTable, support2: IntegerTable, counts1: IntegerTable,
    counts2: IntegerTable, fixed: Integers,
) -> tuple[int, float]:  # fmt: skip
    """Solve the easier problem in which `share` of the mass is spread evenly; return the iterations and the estimate.

    Masses over many orders of magnitude can send Newton's method astray. Where a share of the mass is spread evenly
    none is very small, both marginals keep a common P(y), and the problem stays feasible. The share shrinks from
    stage to stage, each starting where the last one ended, the first one cold.
    """
    room = Room(
        tables1, tables2, pairs, active, pi, blocks, coupling, schur, vectors,
        support1, support2, counts1, counts2, fixed,
    )  # fmt: skip
    places = arrange(Tables(p1, p2), room)
    state, near, newton = places.state, places.nearby, places.newton
    _spread(p1, share, near.first)
    _spread(p2, share, near.second)
    if cold:
        cold_start(near, state, vectors[9], places.one, places.other)
    newton.pace[0], newton.pace[1] = np.inf, 0.0
    done, estimate = interior_point(near, state, places.model, newton, max(share, 0.5 * tol), STAGE_ITERATIONS)
    newton.pace[0], newton.pace[1] = np.inf, 0.0
    return done, estimate
