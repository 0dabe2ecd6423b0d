"""The solvers by name: their modules, their default tolerances, and the rule by which "auto" chooses."""

from __future__ import annotations

from importlib import import_module
from typing import get_args

import numpy as np

from pidkit.arguments import check_count, one_of, real_number
from pidkit.errors import InputError
from pidkit.pid.solvers.problem import Solver, is_sparse, newton_cost
from pidkit.types import Certify, FloatArray, SolverName

_SOLVERS: dict[str, tuple[str, str]] = {
    "interior-point": ("pidkit.pid.solvers.interior_point", "solve_interior_point"),
    "scaling": ("pidkit.pid.solvers.scaling.solver", "solve_scaling"),
    "conic": ("pidkit.pid.solvers.conic", "solve_conic"),
}
"""The module and the function of each solver, imported on first use, so that numba and cvxpy load only when needed."""

_NAMES: tuple[SolverName, ...] = get_args(SolverName)

DEFAULT_TOL = {"interior-point": 1e-9, "scaling": 1e-5, "conic": 1e-5}
"""The certified gap in bits that each solver reaches comfortably."""

LARGEST_NEWTON_STEP = 1e9
"""Multiplications in one Newton step, about a tenth of a second, beyond which "auto" prefers matrix products."""

LARGEST_CASUAL_STEP = 1e8
"""The same where the tolerance is no tighter than CASUAL_TOL: beyond it "scaling" takes at most about twice as long."""

SMALL_TENSOR = 2000
"""Cells n_y n_x1 n_x2 up to which the interior point is always fastest, so that its cost is not even estimated."""

CASUAL_TOL = 1e-6
"""Bits; the interior point reaches any gap in about the same time, "scaling" reaches a loose one much earlier."""

LARGEST_TENSOR = 2e7
"""Cells n_y n_x1 n_x2 beyond which "auto" prefers the solver that never builds them."""


def load_solver(name: str) -> Solver:
    """Return the solver called `name`, importing its module on first use."""
    module, function = _SOLVERS[name]
    solver: Solver = getattr(import_module(module), function)
    return solver


def choose_solver(name: str, p_yx1: FloatArray, p_yx2: FloatArray, *, tol: float | None = None) -> str:
    """Return `name`, or for "auto" the solver that the size of the problem calls for.

    The interior point takes about ten Newton steps whatever the problem and the tolerance, each of a predictable
    cost; where that cost or its memory passes a limit, "scaling" is faster to the tolerances it is used for, but not
    on sparse tables, where it may stall. The limits are measured: benchmarks/broja_crossover.py prints them.

    Raises
    ------
    InputError
        If `name` is no solver.
    """
    if check_solver(name) != "auto":
        return name
    cells = p_yx1.size * p_yx2.shape[1]
    if cells <= SMALL_TENSOR:
        return "interior-point"
    casual = tol is not None and tol >= CASUAL_TOL and not is_sparse(p_yx1, p_yx2)
    limit = LARGEST_CASUAL_STEP if casual else LARGEST_NEWTON_STEP
    large = newton_cost(p_yx1, p_yx2) > limit or cells > LARGEST_TENSOR
    return "scaling" if large else "interior-point"


def choose_batch_solver(name: str, p_yx1: FloatArray, p_yx2: FloatArray, *, tol: float | None = None) -> str:
    """Return `name`, or for "auto" what the largest of a batch of problems, the first axis, calls for.

    Raises
    ------
    InputError
        If `name` is no solver, or the one that knows no batches.
    """
    if check_solver(name) == "conic":
        raise InputError("solver 'conic' takes one problem at a time: use solve_broja, or bivariate_pid, for each")
    sizes = np.count_nonzero(p_yx1, axis=(1, 2)) * np.count_nonzero(p_yx2, axis=(1, 2))
    largest = int(sizes.argmax())
    return choose_solver(name, p_yx1[largest], p_yx2[largest], tol=tol)


def check_solver(name: object) -> SolverName:
    """Return `name` if it is "auto" or a solver, else raise InputError."""
    return one_of("solver", name, _NAMES)


def check_certify(certify: object) -> Certify:
    """Return `certify` if it names an arithmetic of certificates, else raise InputError."""
    return one_of("certify", certify, get_args(Certify))


def check_tol(tol: object) -> float | None:
    """Return the gap in bits to ask of a solver, None for the solver's own (`DEFAULT_TOL`).

    Raises
    ------
    InputError
        If `tol` is neither None nor a positive number.
    """
    return None if tol is None else real_number("tol", tol, above=0.0, of="bits")


def check_max_iter(max_iter: object) -> int | None:
    """Return how many iterations are allowed, None for as many as the solver takes.

    Raises
    ------
    InputError
        If `max_iter` is neither None nor a whole number of at least 1.
    """
    return None if max_iter is None else check_count("max_iter", max_iter)
