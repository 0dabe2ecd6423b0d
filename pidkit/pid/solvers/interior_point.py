"""Solver "interior-point": primal-dual Newton steps on the dual, compiled, for small and medium problems.

About ten iterations whatever the size; each factors a system of nnz P(y,x1) or nnz P(y,x2) unknowns, whichever is
smaller. The mathematics is in `_kernels`: `iteration` the method, `newton` the linear system, `bounds` the
certificate, `pipeline` what strings them together. The few joints with masses over many orders of magnitude that
defeat the direct attempt are solved by continuation from a joint with its mass spread more evenly.
"""

from __future__ import annotations

import numpy as np

from pidkit.pid.certificate import (
    LARGEST_LOG_WEIGHT,
    FactoredCoupling,
    FeasiblePotentials,
    centre_gauge,
    log_dual_slack,
)
from pidkit.pid.solvers._kernels.continuation import (
    FIRST_SHARE,
    LAST_SHARE,
    SHARE_FACTOR,
    STAGE_ITERATIONS,
    solve_nearby,
)
from pidkit.pid.solvers._kernels.pipeline import solve_certified
from pidkit.pid.solvers._kernels.room import Room, new_room
from pidkit.pid.solvers.problem import (
    CONVERGED,
    NEWTON_STEP_LIMIT,
    OUT_OF_ITERATIONS,
    STATUS_NAMES,
    Candidate,
    Progress,
    Start,
    conditionally_independent,
    newton_cost,
)
from pidkit.types import FloatArray

DIRECT_ITERATIONS = 100
"""Newton steps after which a solve starts again by continuation; it takes 5 to 20, seldom 50."""

WARM_SLACK = 1e-3
"""Slack in nats given to a warm start; also the share of the independent coupling mixed into its weights."""

SAFE_TOL = 1e-11
"""Nats that double precision certifies on ordinary joints; a tighter `tol` is gone for from there, step by step."""

LONGEST_CALL = 2e9
"""Multiplications in Newton steps, some .2 seconds of them, after which compiled code returns to Python: to be watched,
and interrupted."""


def solve_interior_point(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    progress: Progress | None = None,
) -> Candidate:
    """Solve the BROJA problem by the interior-point method; see `pidkit.pid.solvers.problem.Solver`.

    Source: the dual is that of Makkeh, Theis & Vicente (2018), reduced to one exponential sum for each (x1, x2);
    the steps are those of Mehrotra (1992).
    """
    if np.count_nonzero(p_yx2) > np.count_nonzero(p_yx1):
        flipped = None if init is None else (init[1], init[0], init[2].T)
        return solve_interior_point(p_yx2, p_yx1, tol=tol, max_iter=max_iter, init=flipped, progress=progress).swapped()
    p1, p2 = np.ascontiguousarray(p_yx1.T), np.ascontiguousarray(p_yx2.T)
    room = new_room(len(p1), len(p2), p1.shape[1], int(np.count_nonzero(p1)), int(np.count_nonzero(p2)))
    if init is not None:
        _start_warm(room, init, p_yx1, p_yx2)
    bounds, used, status = solve_in_room(p1, p2, room, tol=tol, max_iter=max_iter, cold=init is None, progress=progress)
    lower, upper, residual = bounds.tolist()
    first, second, pairs = room.tables1, room.tables2, room.pairs
    return Candidate(
        lam=first[0].T,
        mu=second[0].T,
        weights=np.exp(np.minimum(pairs[3], LARGEST_LOG_WEIGHT)),
        lower=FeasiblePotentials(first[1].T, second[1].T, lower),
        upper=FactoredCoupling(first[2].T, second[2].T, pairs[2], first[3].T, second[3].T, upper, residual),
        iterations=used,
        status=STATUS_NAMES[status],
    )


def solve_in_room(
    p1: FloatArray,
    p2: FloatArray,
    room: Room,
    *,
    tol: float,
    max_iter: int | None,
    cold: bool,
    progress: Progress | None = None,
) -> tuple[FloatArray, int, int]:
    """Solve directly, and where that fails by continuation; return the bounds, the iterations and the status.

    p1 and p2 have y last, and may have symbols without mass. The bounds are the best of all that were certified. Where
    `max_iter` is given every iterate is, so that more iterations never prove less. Otherwise only those are at which
    the iteration believes to have arrived; where nothing is proved the first attempt is made again, every iterate of
    it certified.
    """
    bounds = np.array([-np.inf, np.inf, np.inf])
    room.vectors[10, :2] = np.inf, 0.0
    allowed = NEWTON_STEP_LIMIT if max_iter is None else max_iter
    piece = 1 if max_iter is not None else max(1, int(LONGEST_CALL / (newton_cost(p1, p2) + 1.0)))
    used = 0

    def go_on(until: int, tol: float, *, cold: bool, piece: int) -> int:
        """Iterate until `until` iterations are used in all, `piece` at a time; return the status."""
        nonlocal used
        while True:
            done, status = solve_certified(p1, p2, tol, min(piece, until - used), cold, bounds, *room)
            used, cold = used + done, False
            if progress is not None:
                progress(used, float(bounds[1] - bounds[0]))
            if status != OUT_OF_ITERATIONS or used >= until:
                return int(status)

    direct = min(allowed, DIRECT_ITERATIONS)
    status = go_on(direct, max(tol, SAFE_TOL), cold=cold, piece=piece)
    if status == CONVERGED and tol < SAFE_TOL:
        status = go_on(direct, tol, cold=False, piece=1)
    share = FIRST_SHARE
    while status != CONVERGED and share >= LAST_SHARE * tol:
        if used + STAGE_ITERATIONS > allowed:  # and not part of a stage, which may prove less than what comes without
            return bounds, used, status
        done, estimate = solve_nearby(p1, p2, share, tol, share == FIRST_SHARE, *room)
        used += max(done, 1)
        if not np.isfinite(estimate):
            break
        status = go_on(used, tol, cold=False, piece=1)  # certifies the state, and no more
        share *= SHARE_FACTOR
    if status != CONVERGED and used < allowed:
        status = go_on(allowed, tol, cold=False, piece=piece)
    if status != CONVERGED and piece > 1:
        status = go_on(used + direct, tol, cold=True, piece=1)
    return bounds, used, status


def _start_warm(room: Room, init: Start, p_yx1: FloatArray, p_yx2: FloatArray) -> None:
    """Put a warm start into the room, kept clear of the constraints and mixed with the independent coupling."""
    independent = conditionally_independent(p_yx1, p_yx2)
    room.active[:] = independent > 0.0
    lam, mu = centre_gauge(init[0], init[1])
    slack = log_dual_slack(lam, mu)
    room.tables1[0], room.tables2[0] = lam.T, mu.T
    weights = init[2] * np.exp(np.where(room.active, slack, 0.0))
    room.pairs[0] = np.where(room.active, weights + WARM_SLACK * independent, 0.0)
    room.pairs[1] = np.where(room.active, np.maximum(-slack, WARM_SLACK), 1.0)
