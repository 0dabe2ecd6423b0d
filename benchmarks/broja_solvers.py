"""BROJA solvers by name: pidkit's and its peers, each a function from a joint p[y, x1, x2] to unique_1 in bits."""

import warnings
from importlib.util import find_spec

import cvxpy as cp
import numpy as np

from pidkit import bivariate_pid


def pidkit_solver(solver, tol):
    """pidkit, with a certified gap of `tol` bits."""

    def run(p):
        result = bivariate_pid(p, solver=solver, tol=tol)
        return result.unique_1, result.report.gap

    return run


def cvxpy_solver(name):
    """The convex program written down with cvxpy, as a user would: all of Q, relative entropy, default settings."""

    def run(p):
        n_y, n_1, n_2 = p.shape
        q = [cp.Variable((n_1, n_2), nonneg=True) for _ in range(n_y)]
        pair = sum(q)
        constraints = [c for y in range(n_y) for c in (cp.sum(q[y], 1) == p[y].sum(1), cp.sum(q[y], 0) == p[y].sum(0))]
        objective = sum(cp.sum(cp.rel_entr(q[y], pair)) for y in range(n_y))
        problem = cp.Problem(cp.Minimize(objective), constraints)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem.solve(solver=name)
        p_yx2 = p.sum(1)
        conditional = -np.nansum(p_yx2 * np.log(p_yx2 / p_yx2.sum(0), where=p_yx2 > 0, out=np.zeros_like(p_yx2)))
        return (conditional + problem.value) / np.log(2.0), None

    return run


def dit_solver(method):
    """dit's PID_BROJA with one of its methods."""

    def run(p):
        import dit

        y, x1, x2 = np.nonzero(p)
        width = len(str(max(p.shape)))
        outcomes = [tuple(f"{s:0{width}d}" for s in triple) for triple in zip(x1, x2, y, strict=True)]
        distribution = dit.Distribution(outcomes, p[y, x1, x2].tolist())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = dit.pid.PID_BROJA(distribution, ((0,), (1,)), (2,), method=method)
        return found.get_pi(((0,),)), None

    return run


SOLVERS = {
    "pidkit interior-point": pidkit_solver("interior-point", 1e-9),
    "pidkit scaling": pidkit_solver("scaling", 1e-6),
    "pidkit conic": pidkit_solver("conic", 1e-5),
    "cvxpy + Clarabel": cvxpy_solver("CLARABEL"),
    "cvxpy + SCS": cvxpy_solver("SCS"),
    "dit, cone": dit_solver("cone"),
    "dit, default": dit_solver("auto"),
}

PACKAGES = {
    "cvxpy + Clarabel": ["clarabel"],
    "cvxpy + SCS": ["scs"],
    "dit, cone": ["dit", "ecos"],
    "dit, default": ["dit"],
}
"""What each peer runs on beside cvxpy; pip install pidkit[bench] installs all of it."""


def why_left_out(solver):
    """Return why a solver cannot run on this machine, or an empty string."""
    missing = [package for package in PACKAGES.get(solver, []) if find_spec(package) is None]
    return f"{solver} is left out: {' and '.join(missing)} missing; pip install 'pidkit[bench]'" if missing else ""


LARGEST_CELLS = {
    "pidkit interior-point": 30_000,
    "pidkit conic": 10_000,
    "cvxpy + Clarabel": 30_000,
    "cvxpy + SCS": 4_000,
    "dit, cone": 4_000,
    "dit, default": 130,
}
"""Cells n_y n_x1 n_x2 beyond which a solver takes minutes, or gives up, and is left out."""
