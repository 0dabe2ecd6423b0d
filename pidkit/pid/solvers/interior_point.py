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
from pidkit.pid.solvers._kernels.continuation import continue_from_even
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

LONG_ITERATION = 2e9
"""Multiplications in a Newton step from which a solve is cut into single iterations, to be watched or interrupted."""


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
    allowed = NEWTON_STEP_LIMIT if max_iter is None else max_iter
    bounds, used, status = solve_in_room(p1, p2, room, tol=tol, allowed=allowed, cold=init is None, progress=progress)
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
    allowed: int,
    cold: bool,
    progress: Progress | None = None,
) -> tuple[FloatArray, int, int]:
    """Solve directly, and where that fails by continuation; return the bounds, the iterations and the status.

    p1 and p2 have y last, and may have symbols without mass. The whole state is in the room: a long solve is cut into
    single iterations without any change to the result.
    """
    chunk = 1 if newton_cost(p1, p2) > LONG_ITERATION else allowed
    bounds = np.array([-np.inf, np.inf, np.inf])
    used, until, direct = 0, min(allowed, DIRECT_ITERATIONS), True
    while True:
        done, status = solve_certified(p1, p2, tol, min(chunk, until - used), cold, bounds, *room)
        used, cold = used + done, False
        if progress is not None:
            progress(used, float(bounds[1] - bounds[0]))
        if status == CONVERGED:
            break
        if status == OUT_OF_ITERATIONS and used < until:
            continue
        if used == allowed or not direct:
            break
        used += continue_from_even(p1, p2, tol, allowed - used, *room)
        until, direct = allowed, False
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
