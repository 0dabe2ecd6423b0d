"""Solver "interior-point": primal-dual Newton steps on the dual, compiled, for small and medium problems.

About ten iterations whatever the size; each factors a system of nnz P(y,x1) or nnz P(y,x2) unknowns, whichever is
smaller. The mathematics is in `_kernels` (the method) and `_newton` (the linear system).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pidkit.pid._kernels import interior_point
from pidkit.pid.certificate import log_dual_slack
from pidkit.pid.problem import (
    Candidate,
    Progress,
    Start,
    certify,
    conditionally_independent,
    log_conditional,
    shared_support,
)
from pidkit.pid.solvers import newton_cost

FloatArray = npt.NDArray[np.float64]

DEFAULT_MAX_ITER = 200
COLD_SLACK = 0.1
"""Nats by which the first potentials keep clear of their constraints."""
WARM_SLACK = 1e-3
"""The same for a warm start; also the share of the independent coupling mixed into its weights."""
LONG_ITERATION = 2e9
"""Multiplications in one Newton step from which a solve is cut into single iterations."""
ROUNDS = 4
"""How often the kernel may be asked for a tenth of its tolerance because the certificate wanted more."""


def solve_interior_point(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    progress: Progress | None = None,
) -> Candidate:
    """Solve the BROJA problem by the interior-point method; see `pidkit.pid.problem.Solver`.

    Source: the dual is that of Makkeh, Theis & Vicente (2018), reduced to one exponential sum for each (x1, x2);
    the steps are those of Mehrotra (1992).
    """
    if np.count_nonzero(p_yx2) > np.count_nonzero(p_yx1):
        flipped = None if init is None else (init[1], init[0], init[2].T)
        return solve_interior_point(p_yx2, p_yx1, tol=tol, max_iter=max_iter, init=flipped, progress=progress).swapped()
    active = shared_support(p_yx1, p_yx2)
    lam, mu, w, g = _start(p_yx1, p_yx2, active, init)
    p1, p2 = np.ascontiguousarray(p_yx1.T), np.ascontiguousarray(p_yx2.T)
    left = DEFAULT_MAX_ITER if max_iter is None else max_iter
    # The whole state is in (lam, mu, w, g): a long solve is cut into single iterations, so that it can be watched
    # and interrupted, without any change to the result.
    chunk = 1 if newton_cost(p_yx1, p_yx2) > LONG_ITERATION else left
    used, inner, rounds = 0, tol, ROUNDS
    while True:
        done, estimate = interior_point(p1, p2, active, lam, mu, w, g, inner, min(chunk, left))
        used, left = used + done, left - done
        if not np.isfinite(estimate):
            lam, mu, w, g = _start(p_yx1, p_yx2, active, None)
        elif estimate > inner and left > 0:
            if progress is not None:
                progress(used, estimate)
            continue
        slack = np.where(active, log_dual_slack(lam.T, mu.T), 0.0)
        candidate = certify(p_yx1, p_yx2, (lam.T, mu.T, w * np.exp(-slack)), iterations=used, status="converged")
        if progress is not None:
            progress(used, candidate.gap)
        if candidate.gap <= tol:
            return candidate
        rounds, inner = rounds - 1, 0.1 * inner
        if left == 0:
            return replace(candidate, status="max_iter")
        if rounds == 0 or not np.isfinite(estimate):
            return replace(candidate, status="stalled")


def _start(
    p_yx1: FloatArray, p_yx2: FloatArray, active: npt.NDArray[np.bool_], init: Start | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return lam, mu (y last), w and g to start from.

    Cold: lam = log P(y|x1) / 2 and mu = log P(y|x2) / 2, whose constraint is the Bhattacharyya coefficient of the two
    conditionals and so at most one, and the weights of the coupling X1 - Y - X2, which is in Delta_P.
    """
    independent = conditionally_independent(p_yx1, p_yx2)
    if init is None:
        lam = 0.5 * (log_conditional(p_yx1) - COLD_SLACK)
        mu = 0.5 * (log_conditional(p_yx2) - COLD_SLACK)
        w, least = independent, COLD_SLACK
    else:
        lam, mu, w = init
        slack = np.where(active, log_dual_slack(lam, mu), 0.0)
        w = np.where(active, w * np.exp(slack), 0.0) + WARM_SLACK * independent
        least = WARM_SLACK
    g = np.where(active, np.maximum(-log_dual_slack(lam, mu), least), 1.0)
    return lam.T.copy(), mu.T.copy(), np.where(active, w, 0.0), g
