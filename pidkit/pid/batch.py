"""`bivariate_pid_batch` and `solve_broja_batch`: many problems of one shape in one call, as in a bootstrap."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from pidkit.arguments import flag, whole_number
from pidkit.errors import InputError, SolverError
from pidkit.info import entropy_of_each
from pidkit.masses import as_real, check_masses, each_summing_to_one, mass_tolerance, with_common_target
from pidkit.pid.atoms import PairAtoms, atoms_of, synergy_of
from pidkit.pid.batch_result import BROJABatch, PIDBatch
from pidkit.pid.solvers.choice import DEFAULT_TOL, check_max_iter, check_tol, choose_batch_solver
from pidkit.pid.solvers.problem import CandidateBatch, without_tiny_masses
from pidkit.pid.solvers.scaling.stacks import solve_in_stacks
from pidkit.pid.solvers.scaling.tensors import on_host, tensor_backend
from pidkit.types import FloatArray, SolverName, Unit
from pidkit.units import NATS_PER_UNIT, check_unit, from_nats


def bivariate_pid_batch(
    p: npt.ArrayLike,
    *,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    n_jobs: int | None = None,
    unit: Unit = "bits",
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
        unit="nats",
        check=check,
    )
    h_y, h_sources, h_all = (entropy_of_each(part) for part in (joints.sum((2, 3)), joints.sum(1), joints))
    mi_joint = h_y + h_sources - h_all
    atoms = PairAtoms(*(getattr(solutions, name) for name in PairAtoms._fields))
    batch = PIDBatch(
        **atoms._asdict(), synergy=synergy_of(mi_joint, atoms), mi_joint=mi_joint, unit="nats", solutions=solutions
    )
    return batch.to(unit)


def solve_broja_batch(
    p_yx1: npt.ArrayLike,
    p_yx2: npt.ArrayLike,
    *,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    n_jobs: int | None = None,
    unit: Unit = "bits",
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
    flag("check", check)
    backend = None if isinstance(p_yx1, np.ndarray) else tensor_backend(p_yx1, p_yx2, solver=solver)
    if backend is not None:
        solver, (p_yx1, p_yx2) = "scaling", on_host((p_yx1, p_yx2))
    first, second = _check_batch(p_yx1, name="p_yx1", n_axes=3), _check_batch(p_yx2, name="p_yx2", n_axes=3)
    first, second = with_common_target(first, second, tolerances=(mass_tolerance(p_yx1), mass_tolerance(p_yx2)))
    asked, limit = check_tol(tol), check_max_iter(max_iter)
    name = choose_batch_solver(solver, first, second, tol=asked)
    wanted = DEFAULT_TOL[name] if asked is None else asked
    if n_jobs is not None:
        n_jobs = whole_number("n_jobs", n_jobs, least=1, remedy="None takes one for each core")
    began = time.perf_counter()
    tol_nats = wanted * NATS_PER_UNIT["bits"]
    small_1, small_2 = without_tiny_masses(first, second)
    with np.errstate(under="ignore"):  # far below what matters, whatever the caller wants to hear of
        if name == "scaling":
            found = solve_in_stacks(small_1, small_2, tol=tol_nats, max_iter=limit, backend=backend)
        else:
            found = _interior_point(small_1, small_2, tol=tol_nats, max_iter=limit, n_jobs=n_jobs)
    status = found.verdict(tol_nats)
    missed = int((status != "converged").sum())
    if check and missed:
        raise SolverError(
            f"{missed} of {status.size} problems stayed above tol = {wanted:.3g} bits, "
            f"the worst at {from_nats(float(found.gap.max()), 'bits'):.3g}; ask for a larger tol, "
            "or pass check=False to take what was reached"
        )
    h_y, h_x1, h_x2, h_yx1, h_yx2 = (
        entropy_of_each(part) for part in (first.sum(2), first.sum(1), second.sum(1), first, second)
    )
    atoms = atoms_of(found.upper, h_y=h_y, h_x1=h_x1, h_x2=h_x2, h_yx1=h_yx1, h_yx2=h_yx2)
    batch = BROJABatch(
        **atoms._asdict(),
        lam=found.lam,
        mu=found.mu,
        weights=found.weights,
        gap=found.gap,
        marginal_residual=found.marginal_residual,
        iterations=found.iterations,
        status=status,
        solver=name,
        tol=tol_nats,
        seconds=time.perf_counter() - began,
        unit="nats",
    )
    return batch.to(unit)


def _interior_point(
    first: FloatArray, second: FloatArray, *, tol: float, max_iter: int | None, n_jobs: int | None
) -> CandidateBatch:
    """Run the interior point over the batch; numba is loaded only where it is used."""
    from pidkit.pid.solvers.interior_point_batch import solve_interior_point_batch

    return solve_interior_point_batch(first, second, tol=tol, max_iter=max_iter, n_jobs=n_jobs)


def _check_batch(p: npt.ArrayLike, *, name: str, n_axes: int) -> FloatArray:
    """Return `p` as float64 if it is a batch of probability tables, else raise InputError."""
    array = as_real(p, name)
    if array.ndim != n_axes:
        axes = "[b, y, x1, x2]" if n_axes == 4 else "[b, y, x]"
        raise InputError(f"{name} must have {n_axes} axes {name}{axes}, the batch first; it has shape {array.shape}")
    return each_summing_to_one(check_masses(array, name), name, tolerance=mass_tolerance(p))
