"""Solver "interior-point": primal-dual Newton steps on the dual, compiled, for small and medium problems.

About ten iterations whatever the size; each factors a system of nnz P(y,x1) or nnz P(y,x2) unknowns, whichever is
smaller. The mathematics is in `_kernels`: `iteration` the method, `newton` the linear system, `bounds` the
certificate, `pipeline` what strings them together. The few joints with masses over many orders of magnitude that
defeat the direct attempt are solved by continuation from a joint with its mass spread more evenly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pidkit.pid.certificate import (
    LARGEST_LOG_WEIGHT,
    FactoredCoupling,
    FeasiblePotentials,
    centre_gauge,
    log_dual_slack,
)
from pidkit.pid.solvers._kernels.pipeline import (
    DIRECT_ITERATIONS,
    cold_start,
    continue_from_even,
    exponentiate,
    smallest_mass,
    solve_certified,
)
from pidkit.pid.solvers.problem import (
    CONVERGED,
    NEWTON_STEP_LIMIT,
    OUT_OF_ITERATIONS,
    STATUS_NAMES,
    Candidate,
    Progress,
    Start,
    newton_cost,
)
from pidkit.types import FloatArray

State = tuple[npt.NDArray[np.bool_], FloatArray, FloatArray, FloatArray, FloatArray]
"""active, lam, mu, w, g: all that an iteration starts from, y last."""

WARM_SLACK = 1e-3
"""Slack in nats given to a warm start; also the share of the independent coupling mixed into its weights."""
LONG_ITERATION = 2e9
"""Multiplications in one Newton step from which a solve is cut into single iterations."""


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
    active, lam, mu, w, g = _start(p1, p2, init, tol)
    low_lam, log_a, r = np.empty((3, *p1.shape))
    low_mu, log_b, c = np.empty((3, *p2.shape))
    log_weights, log_scale = np.empty((2, *w.shape))
    allowed = NEWTON_STEP_LIMIT if max_iter is None else max_iter
    # The whole state is in (lam, mu, w, g): a long solve is cut into single iterations, so that it can be watched
    # and interrupted, without any change to the result.
    chunk = 1 if newton_cost(p_yx1, p_yx2) > LONG_ITERATION else allowed
    bounds = np.array([-np.inf, np.inf, np.inf])
    used, until, direct = 0, min(allowed, DIRECT_ITERATIONS), True
    while True:
        done, status = solve_certified(
            p1, p2, active, lam, mu, w, g, tol, min(chunk, until - used),
            low_lam, low_mu, log_a, log_b, r, c, log_weights, log_scale, bounds,
        )  # fmt: skip
        used += done
        lower, upper, residual = bounds.tolist()
        if progress is not None:
            progress(used, upper - lower)
        if status == CONVERGED:
            break
        if status == OUT_OF_ITERATIONS and used < until:
            continue
        if used == allowed or not direct:
            break
        used += continue_from_even(p1, p2, active, lam, mu, w, g, tol, allowed - used)
        until, direct = allowed, False
    exponentiate(log_a, log_b, log_weights, LARGEST_LOG_WEIGHT)
    return Candidate(
        lam=lam.T,
        mu=mu.T,
        weights=np.exp(np.minimum(log_scale, LARGEST_LOG_WEIGHT)),
        lower=FeasiblePotentials(low_lam.T, low_mu.T, lower),
        upper=FactoredCoupling(log_a.T, log_b.T, log_weights, r.T, c.T, upper, residual),
        iterations=used,
        status=STATUS_NAMES[status],
    )


def _start(p1: FloatArray, p2: FloatArray, init: Start | None, tol: float) -> State:
    """Return the state to start from, cold or warm; y last."""
    n_1, n_2 = p1.shape[0], p2.shape[0]
    active = np.empty((n_1, n_2), dtype=np.bool_)
    lam, mu = np.empty_like(p1), np.empty_like(p2)
    w, g = np.empty((2, n_1, n_2))
    cold_start(p1, p2, active, lam, mu, w, g, smallest_mass(p1, p2, tol))
    if init is not None:
        lam, mu = (np.ascontiguousarray(potential.T) for potential in centre_gauge(init[0], init[1]))
        slack = log_dual_slack(lam.T, mu.T)
        w = np.where(active, init[2] * np.exp(np.where(active, slack, 0.0)) + WARM_SLACK * w, 0.0)
        g = np.where(active, np.maximum(-slack, WARM_SLACK), 1.0)
    return active, lam, mu, w, g
