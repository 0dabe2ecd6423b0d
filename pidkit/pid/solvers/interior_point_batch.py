"""Solver "interior-point" for many problems of one shape: one compiled loop over them, in threads where that pays."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from pidkit.pid.solvers._kernels.continuation import STAGE_ITERATIONS
from pidkit.pid.solvers._kernels.pipeline import solve_many
from pidkit.pid.solvers._kernels.room import Room, new_room
from pidkit.pid.solvers.interior_point import DIRECT_ITERATIONS, LONGEST_CALL, SAFE_TOL, solve_in_room
from pidkit.pid.solvers.problem import CONVERGED, STATUS_NAMES, CandidateBatch, newton_cost
from pidkit.types import FloatArray

SMALL_BATCH = 1e7
"""Cells n n_y n_x1 n_x2 below which starting threads costs more than it saves."""

SECONDS_A_CALL = 0.2
"""Seconds that compiled code should take before it returns to Python, where an interrupt is noticed."""

PIECES_A_THREAD = 16
"""Pieces that the batch is cut into for each thread: some problems take longer than others."""


def solve_interior_point_batch(
    p_yx1: FloatArray, p_yx2: FloatArray, *, tol: float, max_iter: int | None = None, n_jobs: int | None = None
) -> CandidateBatch:
    """Solve every problem of a batch from a cold start, as `solve_interior_point` would, one after another.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Pair marginals with the same P(y); symbols without mass are allowed.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Newton steps allowed for each problem; None is NEWTON_STEP_LIMIT.
    n_jobs : int, optional
        Threads; None takes one for each core where the batch has more than SMALL_BATCH cells. They change no bit.
    """
    if np.count_nonzero(p_yx2) > np.count_nonzero(p_yx1):
        return solve_interior_point_batch(p_yx2, p_yx1, tol=tol, max_iter=max_iter, n_jobs=n_jobs).swapped()
    n, n_y, n_1 = p_yx1.shape
    n_2 = p_yx2.shape[2]
    p1, p2 = (np.ascontiguousarray(p.transpose(0, 2, 1)) for p in (p_yx1, p_yx2))  # the kernels want y last
    lam, mu, weights = np.empty((n, n_1, n_y)), np.empty((n, n_2, n_y)), np.empty((n, n_1, n_2))
    lower, upper, residual = np.empty((3, n))
    iterations, status = np.empty((2, n), np.int64)

    most = [max(int(np.count_nonzero(p, axis=(1, 2)).max()), 1) for p in (p1, p2)]

    # Every iterate is certified where a limit is given, as `solve_in_room` says.
    direct, piece = (DIRECT_ITERATIONS,) * 2 if max_iter is None else (min(max_iter, DIRECT_ITERATIONS), 1)
    stopped = threading.Event()

    def solve_one(b: int, room: Room) -> None:
        bounds, iterations[b], status[b] = solve_in_room(p1[b], p2[b], room, tol=tol, max_iter=max_iter, cold=True)
        lower[b], upper[b], residual[b] = bounds
        lam[b], mu[b], weights[b] = room.tables1[1], room.tables2[1], room.pairs[0]

    def run(start: int, stop: int) -> None:
        """Solve problems start..stop-1, as many in a compiled call as take about SECONDS_A_CALL."""
        room = new_room(n_1, n_2, n_y, *most)
        count = max(1, int(LONGEST_CALL / (DIRECT_ITERATIONS * (newton_cost(p1[0], p2[0]) + 1e3))))
        while start < stop and not stopped.is_set():
            end = min(start + count, stop)
            began = time.perf_counter()
            solve_many(
                p1, p2, tol, direct, piece, start, end, np.empty(3), *room,
                lam, mu, weights, lower, upper, residual, iterations, status,
            )  # fmt: skip
            for b in np.flatnonzero(status[start:end] != CONVERGED) + start:
                if max_iter is None or iterations[b] + STAGE_ITERATIONS <= max_iter:
                    solve_one(int(b), room)  # a few joints in thousands: again, and by continuation
            pace = SECONDS_A_CALL / max(time.perf_counter() - began, 1e-9)
            start, count = end, max(1, int(count * min(pace, 8.0)))

    def run_long(start: int, stop: int) -> None:
        """Solve problems start..stop-1 one by one: a single one takes longer than an interrupt should wait."""
        room = new_room(n_1, n_2, n_y, *most)
        for b in range(start, stop):
            if not stopped.is_set():
                solve_one(b, room)

    is_long = newton_cost(p1[0], p2[0]) * DIRECT_ITERATIONS > LONGEST_CALL
    work = run_long if is_long or (max_iter is not None and tol < SAFE_TOL) else run
    jobs = n_jobs if n_jobs is not None else (cpu_count() if n * n_y * n_1 * n_2 > SMALL_BATCH else 1)
    if jobs == 1:
        work(0, n)
    else:
        edges = np.unique(np.linspace(0, n, min(n, PIECES_A_THREAD * jobs) + 1).astype(int))
        # Threads and not processes: the compiled loop holds no GIL.
        with threadpool_limits(limits=1, user_api="blas"):
            try:
                tasks = (delayed(work)(int(a), int(b)) for a, b in itertools.pairwise(edges))
                Parallel(n_jobs=jobs, prefer="threads")(tasks)
            finally:  # an interrupt reaches this thread alone
                stopped.set()
    return CandidateBatch(
        lam=lam.transpose(0, 2, 1),
        mu=mu.transpose(0, 2, 1),
        weights=weights,
        lower=lower,
        upper=upper,
        marginal_residual=residual,
        iterations=iterations,
        status=np.array(STATUS_NAMES)[status],
    )
