"""`bivariate_pid_batch` and `solve_broja_batch`: many problems of one shape in one call, as in a bootstrap."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from pidkit.errors import InputError, SolverError
from pidkit.info import entropy_of_each
from pidkit.joint import MASS_TOLERANCE, as_real, check_masses
from pidkit.pid.batch_result import BROJABatch, PIDBatch
from pidkit.pid.solvers.choice import check_max_iter, check_tol, choose_batch_solver
from pidkit.pid.solvers.problem import NEWTON_STEP_LIMIT, STATUS_NAMES
from pidkit.pid.solvers.scaling.stacks import solve_in_stacks
from pidkit.pid.solvers.scaling.tensors import on_host, tensor_backend
from pidkit.types import FloatArray
from pidkit.units import NATS_PER_UNIT, check_unit, convert

SMALL_BATCH = 1e7
"""Cells n n_y n_x1 n_x2 below which starting threads costs more than it saves."""


def bivariate_pid_batch(
    p: npt.ArrayLike,
    *,
    solver: str = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    n_jobs: int | None = None,
    unit: str = "bits",
    check: bool = True,
) -> PIDBatch:
    """Decompose many joints of one shape, as `bivariate_pid` would one by one, in one call.

    Parameters
    ----------
    p : array_like, shape (n, n_y, n_x1, n_x2)
        Joints p[b, y, x1, x2], each summing to one; symbols without mass are allowed.
    solver : str
        "auto", "interior-point" or "scaling", as in `solve_broja_batch`.
    tol, max_iter, unit, check
        As in `bivariate_pid`, for every joint.
    n_jobs : int, optional
        Threads of the interior point; None takes one for each core where the batch is large enough.

    Raises
    ------
    InputError
        If `p` has other than four axes or one of its joints is no probability table.
    SolverError
        If any certified gap stays above `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import bivariate_pid_batch, gate
    >>> batch = bivariate_pid_batch(np.stack([gate("AND").joint, gate("XOR").joint]))
    >>> batch.synergy.round(6), batch[1].report.status
    (array([0.5, 1. ]), 'converged')
    """
    check_unit(unit)
    joints = _check_batch(p, name="p", n_axes=4)
    solutions = solve_broja_batch(
        joints.sum(3),
        joints.sum(2),
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        n_jobs=n_jobs,
        unit=unit,
        check=check,
    )
    h_y, h_sources, h_all = (entropy_of_each(part) for part in (joints.sum((2, 3)), joints.sum(1), joints))
    mi_joint = (h_y + h_sources - h_all) / NATS_PER_UNIT[unit]
    red, uni_1, uni_2 = solutions.redundancy, solutions.unique_1, solutions.unique_2
    return PIDBatch(
        redundancy=red,
        unique_1=uni_1,
        unique_2=uni_2,
        synergy=mi_joint - red - uni_1 - uni_2,
        mi_1=solutions.mi_1,
        mi_2=solutions.mi_2,
        mi_joint=mi_joint,
        unit=unit,
        solutions=solutions,
    )


def solve_broja_batch(
    p_yx1: npt.ArrayLike,
    p_yx2: npt.ArrayLike,
    *,
    solver: str = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    n_jobs: int | None = None,
    unit: str = "bits",
    check: bool = True,
) -> BROJABatch:
    """Solve the BROJA problems of many pairs of marginals of one shape in one call.

    The interior point is one compiled loop over the batch, in threads; scaling solves stacks of problems side by side.

    Parameters
    ----------
    p_yx1, p_yx2 : array_like, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Pair marginals, target first, each summing to one, with the same P(y) in both; symbols without mass are
        allowed. Torch tensors are treated as in `solve_broja`: on a GPU they are solved there by "scaling", which
        "auto" takes, on the host with solver="scaling" alone; lam, mu and weights of the batch then are tensors on
        their device, what is one number a problem is an array.
    solver : str
        "auto", "interior-point" or "scaling", for all problems; "auto" goes by the size of the largest.
    tol, max_iter, unit, check
        As in `solve_broja`, for every problem.
    n_jobs : int, optional
        Threads of the interior point; None takes one for each core where the batch is large enough.

    Raises
    ------
    InputError
        If the marginals are not batches of probability tables with the same P(y), or `solver` cannot take a batch.
    SolverError
        If any certified gap stays above `tol`.

    Examples
    --------
    >>> batch = solve_broja_batch([[[0.5, 0.0], [0.0, 0.5]]], [[[0.25, 0.25], [0.25, 0.25]]])
    >>> batch.unique_1.round(9)
    array([1.])
    """
    check_unit(unit)
    backend = None if isinstance(p_yx1, np.ndarray) else tensor_backend(p_yx1, p_yx2, solver=solver)
    if backend is not None:
        solver, (p_yx1, p_yx2) = "scaling", on_host((p_yx1, p_yx2))
    first, second = _check_batch(p_yx1, name="p_yx1", n_axes=3), _check_batch(p_yx2, name="p_yx2", n_axes=3)
    if first.shape[:2] != second.shape[:2]:
        shapes = f"they have shapes {first.shape} and {second.shape}"
        raise InputError(f"p_yx1 and p_yx2 must share the batch and the target axis: {shapes}")
    worst = float(np.abs(first.sum(2) - second.sum(2)).max())
    if worst > MASS_TOLERANCE:
        raise InputError(f"p_yx1 and p_yx2 have different P(y) (by up to {worst:.3g}); both must come from one joint")
    name = choose_batch_solver(solver, first, second, tol=tol)
    wanted, limit = check_tol(tol, name), check_max_iter(max_iter)
    in_nats = wanted * NATS_PER_UNIT["bits"]
    _check_jobs(n_jobs)
    began = time.perf_counter()
    if name == "scaling":
        found = solve_in_stacks(first, second, tol=in_nats, max_iter=limit, backend=backend)
    else:
        found = _solve(first, second, in_nats, limit or NEWTON_STEP_LIMIT, n_jobs)
    gap = found["upper"] - found["lower"]
    status = np.array(STATUS_NAMES)[found["status"]]
    converged = status == "converged"
    if check and not converged.all():
        raise SolverError(
            f"{int((~converged).sum())} of {converged.size} problems stayed above tol = {wanted:.3g} bits, "
            f"the worst at {gap.max() / NATS_PER_UNIT['bits']:.3g}; ask for a larger tol, "
            "or pass check=False to take what was reached"
        )
    h_y, h_x1, h_x2, h_yx1, h_yx2 = (
        entropy_of_each(part) for part in (first.sum(2), first.sum(1), second.sum(1), first, second)
    )
    unique_1 = h_yx2 - h_x2 + found["upper"]
    mi_1 = h_y + h_x1 - h_yx1
    batch = BROJABatch(
        redundancy=mi_1 - unique_1,
        unique_1=unique_1,
        unique_2=h_yx1 - h_x1 + found["upper"],
        mi_1=mi_1,
        mi_2=h_y + h_x2 - h_yx2,
        lam=found["lam"],
        mu=found["mu"],
        weights=found["weights"],
        gap=gap,
        marginal_residual=found["residual"],
        iterations=found["iterations"],
        status=status,
        solver=name,
        tol=convert(wanted, old="bits", new="nats"),
        seconds=time.perf_counter() - began,
        unit="nats",
    )
    return batch.to(unit)


def _solve(first: FloatArray, second: FloatArray, tol: float, max_iter: int, n_jobs: int | None) -> dict[str, Any]:
    """Run the compiled loop over the batch, in threads where that pays; results in nats, y in its usual place."""
    from pidkit.pid.solvers._kernels.pipeline import solve_many

    if np.count_nonzero(second) > np.count_nonzero(first):
        found = _solve(second, first, tol, max_iter, n_jobs)
        return {**found, "lam": found["mu"], "mu": found["lam"], "weights": found["weights"].transpose(0, 2, 1)}
    n, n_y, n_1 = first.shape
    n_2 = second.shape[2]
    p1, p2 = (np.ascontiguousarray(p.transpose(0, 2, 1)) for p in (first, second))
    lam, mu, weights = np.empty((n, n_1, n_y)), np.empty((n, n_2, n_y)), np.empty((n, n_1, n_2))
    lower, upper, residual = np.empty((3, n))
    iterations, status = np.empty((2, n), np.int64)

    def run(start: int, stop: int) -> None:
        solve_many(
            p1, p2, tol, max_iter, start, stop, lam, mu, weights, lower, upper, residual, iterations, status
        )  # fmt: skip

    jobs = n_jobs if n_jobs is not None else (cpu_count() if n * n_y * n_1 * n_2 > SMALL_BATCH else 1)
    if jobs == 1:
        run(0, n)
    else:
        # Threads: the compiled loop holds no GIL. Small pieces, because some joints take longer than others.
        edges = np.unique(np.linspace(0, n, min(n, 16 * jobs) + 1).astype(int))
        with threadpool_limits(limits=1, user_api="blas"):
            Parallel(n_jobs=jobs, prefer="threads")(delayed(run)(int(a), int(b)) for a, b in itertools.pairwise(edges))
    return {
        "lam": lam.transpose(0, 2, 1),
        "mu": mu.transpose(0, 2, 1),
        "weights": weights,
        "lower": lower,
        "upper": upper,
        "residual": residual,
        "iterations": iterations,
        "status": status,
    }


def _check_jobs(n_jobs: object) -> None:
    """Raise unless `n_jobs` is None or a number of threads."""
    if isinstance(n_jobs, bool) or not (n_jobs is None or (isinstance(n_jobs, (int, np.integer)) and n_jobs >= 1)):
        raise InputError(f"n_jobs must be a whole number of at least 1, or None for one a core; not {n_jobs!r}")


def _check_batch(p: npt.ArrayLike, *, name: str, n_axes: int) -> FloatArray:
    """Return `p` as float64 if it is a batch of probability tables, else raise InputError."""
    array = as_real(p, name)
    if array.ndim != n_axes:
        axes = "[b, y, x1, x2]" if n_axes == 4 else "[b, y, x]"
        raise InputError(f"{name} must have {n_axes} axes {name}{axes}, the batch first; it has shape {array.shape}")
    batch = check_masses(array, name)
    totals = batch.reshape(len(batch), -1).sum(1)
    worst = int(np.abs(totals - 1.0).argmax())
    if abs(totals[worst] - 1.0) > MASS_TOLERANCE:
        raise InputError(f"{name}[{worst}] sums to {totals[worst]:.12g}, not 1; divide every joint by its sum first")
    return batch
