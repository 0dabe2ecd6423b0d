"""One problem from marginals to certified bounds in one compiled call, and many of them in a loop without the GIL."""

from __future__ import annotations

import numpy as np

from pidkit.pid.certificate import LARGEST_LOG_WEIGHT
from pidkit.pid.solvers._kernels.arrays import (
    Integers,
    IntegerTable,
    Mask,
    Matrix,
    Tables,
    Tensor,
    Vector,
)
from pidkit.pid.solvers._kernels.bounds import lower_bound, upper_bound
from pidkit.pid.solvers._kernels.compiling import kernel
from pidkit.pid.solvers._kernels.iteration import interior_point
from pidkit.pid.solvers._kernels.pairs import copy, evaluate
from pidkit.pid.solvers._kernels.room import Room, arrange
from pidkit.pid.solvers._kernels.starts import cold_start
from pidkit.pid.solvers.problem import CONTRADICTION, CONVERGED, OUT_OF_ITERATIONS, STALLED

DUST_SHARE = 1e-3
"""Share of the tolerance that all masses too small to matter may have together; each counts as that much while
iterating, because smaller ones only spoil the arithmetic. The certificate is of the true masses."""

ROUNDS, STRICTER = 8, 0.4
"""How often more is asked of the iteration where its certificate falls short, and what share of its estimate."""


@kernel()
def _raise_dust(p: Matrix, dust: float, out: Matrix) -> None:
    """Fill out = max(p, dust) on the support of p."""
    for i in range(p.shape[0]):
        for y in range(p.shape[1]):
            out[i, y] = max(p[i, y], dust) if p[i, y] > 0.0 else 0.0


@kernel()
def _exponentiate_rows(logs: Matrix, out: Matrix, top: Vector) -> None:
    """Replace every row by exp(row - top), top its maximum."""
    for i in range(logs.shape[0]):
        highest = logs[i, 0]
        for y in range(logs.shape[1]):
            highest = max(highest, logs[i, y])
        top[i] = highest
        for y in range(logs.shape[1]):
            out[i, y] = np.exp(logs[i, y] - highest)


@kernel(entry=True)
def solve_certified(
    p1: Matrix, p2: Matrix, tol: float, max_iter: int, cold: bool, bounds: Vector,
    tables1: Tensor, tables2: Tensor, pairs: Tensor, active: Mask, pi: Tensor, blocks: Tensor, coupling: Matrix,
    schur: Matrix, vectors: Matrix, support1: IntegerTable, support2: IntegerTable, counts1: IntegerTable,
    counts2: IntegerTable, fixed: Integers,
) -> tuple[int, int]:  # fmt: skip
    """Iterate in the room until the certified gap is at most `tol`; return iterations and status.

    Named tuples cost microseconds on their way from Python, so the parts of a `Room` are handed over one by one.

    Parameters
    ----------
    p1, p2 : shape (n_1, n_y) and (n_2, n_y)
        The pair marginals, y last; symbols without mass are allowed.
    tol : float
        In nats.
    max_iter : int
    cold : bool
        Whether to start cold; otherwise from the state that is in the room.
    bounds : shape (3,)
        The best lower and upper bound of F* so far, and the marginal residual of the coupling that proves the upper
        one: -inf, inf and inf to begin with. The two may be of different iterates. What proves them is in the room.
    """
    room = Room(
        tables1, tables2, pairs, active, pi, blocks, coupling, schur, vectors,
        support1, support2, counts1, counts2, fixed,
    )  # fmt: skip
    p = Tables(p1, p2)
    places = arrange(p, room)
    state, model, newton, solid = places.state, places.model, places.newton, places.nearby
    rounded, one, other = places.rounded, places.one, places.other
    n_1, n_2 = active.shape
    dust = DUST_SHARE * tol / (p1.size + p2.size)
    _raise_dust(p1, dust, solid.first)
    _raise_dust(p2, dust, solid.second)
    if cold:
        newton.pace[0], newton.pace[1] = np.inf, 0.0
        cold_start(solid, state, vectors[9], one, other)
    used, inner = 0, tol
    for _ in range(ROUNDS):
        done, estimate = interior_point(solid, state, model, newton, inner, max_iter - used)
        used += done
        lost = not np.isfinite(estimate)
        potentials = Tables(newton.step.lam, newton.step.mu)  # no step is needed until the next iteration
        if lost:  # nothing sound is left of the iterate: certify the start instead of returning NaN
            cold_start(solid, state, vectors[9], one, other)
            evaluate(state, model, newton.sums, potentials)
        copy(state.lam, potentials.first)
        copy(state.mu, potentials.second)
        lower = lower_bound(p, active, model.h, potentials, one, other)
        # Bounds that contradict each other by more than rounding prove nothing: the latest are kept then.
        afresh = bounds[1] - lower < -CONTRADICTION
        if lower > bounds[0] or afresh:
            bounds[0] = lower
            copy(potentials.first, places.proof.first)
            copy(potentials.second, places.proof.second)
        upper, residual = upper_bound(p, state, model, rounded, newton.sums, potentials, vectors[9])
        for i in range(n_1):
            for j in range(n_2):
                pairs[3, i, j] = np.log(state.w[i, j]) - model.h[i, j]
        if upper < bounds[1] or afresh:
            bounds[1], bounds[2] = upper, residual
            _exponentiate_rows(rounded.log_a, places.factors.first, one.first)
            _exponentiate_rows(rounded.log_b, places.factors.second, one.second)
            for i in range(n_1):
                for j in range(n_2):
                    pairs[2, i, j] = np.exp(min(pairs[3, i, j] + one.first[i] + one.second[j], LARGEST_LOG_WEIGHT))
            copy(rounded.r, places.rest.first)
            copy(rounded.c, places.rest.second)
        if -CONTRADICTION <= bounds[1] - bounds[0] <= tol:
            return used, CONVERGED
        if lost:
            break
        if used >= max_iter:
            return used, OUT_OF_ITERATIONS
        inner = STRICTER * min(inner, estimate)
    return used, STALLED


@kernel(entry=True)
def solve_many(
    p1: Tensor, p2: Tensor, tol: float, max_iter: int, piece: int, first: int, last: int, bounds: Vector,
    tables1: Tensor, tables2: Tensor, pairs: Tensor, active: Mask, pi: Tensor, blocks: Tensor, coupling: Matrix,
    schur: Matrix, vectors: Matrix, support1: IntegerTable, support2: IntegerTable, counts1: IntegerTable,
    counts2: IntegerTable, fixed: Integers,
    lam: Tensor, mu: Tensor, weights: Tensor,
    lower: Vector, upper: Vector, residual: Vector, iterations: Integers, status: Integers,
) -> None:  # fmt: skip
    """Solve the problems first..last-1 of a batch from cold starts, as `solve_certified` would one by one.

    Each is certified after every `piece` iterations, of `max_iter` at most, and keeps the best bounds. On return, lam
    and mu prove `lower`, and weights is the pair mass of the coupling before rounding.
    """
    for b in range(first, last):
        bounds[0], bounds[1], bounds[2] = -np.inf, np.inf, np.inf
        iterations[b], status[b] = 0, OUT_OF_ITERATIONS
        while status[b] == OUT_OF_ITERATIONS and iterations[b] < max_iter:
            done, status[b] = solve_certified(
                p1[b], p2[b], tol, min(piece, max_iter - iterations[b]), iterations[b] == 0, bounds,
                tables1, tables2, pairs, active, pi, blocks, coupling, schur, vectors,
                support1, support2, counts1, counts2, fixed,
            )  # fmt: skip
            iterations[b] += done
            if done == 0:
                break
        copy(tables1[1], lam[b])
        copy(tables2[1], mu[b])
        copy(pairs[0], weights[b])
        lower[b], upper[b], residual[b] = bounds[0], bounds[1], bounds[2]
