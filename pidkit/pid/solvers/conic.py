"""Solver "conic": the independent reference, cvxpy over the coupling itself. The only file that imports cvxpy.

Minimise sum Q log( Q(y,x1,x2) / Q(x1,x2) ) over Q >= 0 with the two pair marginals (RID paper, Definition 3.3;
Bertschinger et al. 2014). Relative entropy is an exponential cone program: its size is that of the support of the
dense tensor, and interior-point conic solvers reach about 1e-6 in the primal. Nothing is shared with the other
solvers but the certificate.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import cvxpy as cp
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pidkit.errors import SolverError
from pidkit.pid.solvers.problem import Candidate, Progress, Start, certify
from pidkit.types import FloatArray

CLARABEL_TOL = 1e-10
"""Tolerances given to Clarabel. They lead to certified gaps of about 1e-6 nats; its default of 1e-8 leads to 1e-5."""


def solve_conic(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    progress: Progress | None = None,
) -> Candidate:
    """Solve the BROJA problem with cvxpy and Clarabel; see `pidkit.pid.solvers.problem.Solver`.

    The conic solver has no warm start and no callback: `init` and `progress` are taken and have no effect. The
    potentials are the multipliers of the marginal constraints, the weights the pair mass of the coupling over
    sum_y exp(lam + mu), so that the certificate judges primal and dual alike.

    Raises
    ------
    SolverError
        If the conic solver fails outright and leaves no values.
    """
    support = (p_yx1[:, :, None] > 0.0) & (p_yx2[:, None, :] > 0.0)
    y, x1, x2 = np.nonzero(support)
    n_1, n_2, n = p_yx1.shape[1], p_yx2.shape[1], y.size
    pairs, pair = np.unique(x1 * n_2 + x2, return_inverse=True)
    q = cp.Variable(n, nonneg=True)
    first, rows1 = _marginal(p_yx1, y * n_1 + x1)
    second, rows2 = _marginal(p_yx2, y * n_2 + x2)
    to_pair = sp.csr_array((np.ones(n), (pair, np.arange(n))), shape=(pairs.size, n))
    from_pair = sp.csr_array(to_pair.T)
    # One marginal of each y is implied by the others; conic solvers cope with the redundancy.
    constraints = [first @ q == p_yx1.ravel()[rows1], second @ q == p_yx2.ravel()[rows2]]
    problem = cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(q, from_pair @ (to_pair @ q)))), constraints)
    options: dict[str, float] = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), CLARABEL_TOL)
    if max_iter is not None:
        options["max_iter"] = max_iter
    try:
        with warnings.catch_warnings():
            # "optimal_inaccurate" is not taken on trust or distrust: the certificate measures the same candidate.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate", category=UserWarning)
            problem.solve(solver=cp.CLARABEL, **options)
    except cp.SolverError as error:
        raise SolverError(f"solver 'conic' failed ({error}); use solver='interior-point'") from error
    if q.value is None or constraints[0].dual_value is None:
        raise SolverError(f"solver 'conic' returned no values ({problem.status}); use solver='interior-point'")
    flat1, flat2 = np.full(p_yx1.size, -np.inf), np.full(p_yx2.size, -np.inf)
    # cvxpy's multipliers enter the Lagrangian with a plus sign: log q(y|x1,x2) + dual1 + dual2 = 0.
    flat1[rows1], flat2[rows2] = -constraints[0].dual_value, -constraints[1].dual_value
    lam, mu = flat1.reshape(p_yx1.shape), flat2.reshape(p_yx2.shape)
    mass = np.zeros(n_1 * n_2)
    np.add.at(mass, pairs[pair], np.maximum(np.asarray(q.value), 0.0))
    weights = _over_sum(mass.reshape(n_1, n_2), lam, mu)
    iterations = int(problem.solver_stats.num_iters or 0)
    candidate = certify(p_yx1, p_yx2, (lam, mu, weights), iterations=iterations, status="converged")
    if candidate.gap > tol:
        candidate = replace(candidate, status="stalled")
    if progress is not None:
        progress(iterations, candidate.gap)
    return candidate


def _marginal(p: FloatArray, cells: npt.NDArray[np.intp]) -> tuple[sp.csr_array, npt.NDArray[np.intp]]:
    """Return the 0/1 matrix that sums q into the cells of a pair marginal, and the cells on its support."""
    rows = np.flatnonzero(p)
    position = np.empty(p.size, dtype=np.intp)
    position[rows] = np.arange(rows.size)
    matrix = sp.csr_array(
        (np.ones(cells.size), (position[cells], np.arange(cells.size))), shape=(rows.size, cells.size)
    )
    return matrix, rows


def _over_sum(mass: FloatArray, lam: FloatArray, mu: FloatArray) -> FloatArray:
    """Return mass / sum_y exp(lam + mu), zero where the sum is."""
    total: FloatArray = np.exp(lam).T @ np.exp(mu)
    return np.divide(mass, total, out=np.zeros_like(mass), where=total > 0.0)
