"""`solve_broja`: check two pair marginals, choose a solver, solve, certify, and return one immutable solution."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pidkit.arguments import flag
from pidkit.array_likes import plain_array
from pidkit.errors import InputError, SolverError
from pidkit.info import entropies
from pidkit.joint import check_pair_marginals
from pidkit.pid.atoms import atoms_of
from pidkit.pid.result import SolverReport
from pidkit.pid.solution import BROJASolution, Solved
from pidkit.pid.solvers.choice import DEFAULT_TOL, check_certify, check_max_iter, check_tol, choose_solver, load_solver
from pidkit.pid.solvers.kept_symbols import KeptSymbols, kept_symbols
from pidkit.pid.solvers.problem import Solver, Start, without_tiny_masses
from pidkit.pid.solvers.progress import ProgressOption, watched
from pidkit.pid.solvers.scaling.tensors import on_host, tensor_backend
from pidkit.pid.strict_certificate import strictly_above, strictly_below
from pidkit.types import Certify, FloatArray, SolverName, Unit
from pidkit.units import NATS_PER_UNIT, check_unit


def solve_broja(
    p_yx1: npt.ArrayLike,
    p_yx2: npt.ArrayLike,
    *,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    init: Start | None = None,
    unit: Unit = "bits",
    check: bool = True,
    progress: ProgressOption = None,
    certify: Certify = "double",
) -> BROJASolution:
    """Solve the BROJA problem of two pair marginals and return potentials, coupling and a certified gap.

    With F* = min over Q in Delta_P of sum Q log Q(y|x1,x2), where Delta_P holds the Q with Q(y,x1) = P(y,x1) and
    Q(y,x2) = P(y,x2):

        unique_1 = H(Y|X2) + F*,   unique_2 = H(Y|X1) + F*,   redundancy = I(Y;X1) - unique_1.

    Parameters
    ----------
    p_yx1, p_yx2 : array_like, shape (n_y, n_x1) and (n_y, n_x2)
        Pair marginals of one joint, target first, each summing to one, with the same P(y). Torch tensors on a
        GPU are solved there by "scaling", which "auto" takes, in float64 whatever their dtype; so are tensors of the
        host with solver="scaling", which otherwise are read as arrays. float32 tables rarely sum to one closely
        enough: divide them by their sum in float64. lam, mu, weights and the coupling of a solution by tensors are
        tensors on that device; `init` may be.
    solver : str
        "auto", "interior-point", "scaling" or "conic".
    tol : float, optional
        The certified gap to reach, in bits. None: 1e-9 for interior-point, 1e-5 for scaling and conic.
    max_iter : int, optional
        Iterations allowed; None leaves it to the solver.
    init : tuple of ndarray, optional
        `start` of the solution of a problem of the same shape and support: a warm start.
    unit : str
        "bits" or "nats", of the values returned.
    check : bool
        Raise SolverError where `tol` is not reached; False returns what was reached, with its status and gap.
    progress : callable, False or None
        Called now and then with the iteration and the gap in nats. None shows them on a line after some three
        seconds, where stderr is a terminal; False never does.
    certify : str
        "double": both bounds are proved in float64, with a margin for rounding; "strict": once more in 60 decimal
        digits, which takes milliseconds for small tables and seconds for 10x100x100.

    Raises
    ------
    InputError
        If the marginals are not probability tables with the same P(y), an option is unknown, or a strict certificate is
        asked of tensors on a device.
    SolverError
        If the certified gap stays above `tol`.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost & Ay, Entropy 16(4), 2014; Makkeh, Theis & Vicente, Entropy 20(4), 2018.

    Examples
    --------
    >>> solution = solve_broja([[0.5, 0.0], [0.0, 0.5]], [[0.25, 0.25], [0.25, 0.25]])
    >>> round(solution.unique_1, 9), round(solution.redundancy, 9) + 0.0
    (1.0, 0.0)
    """
    check_unit(unit)
    flag("check", check)
    run: Solver | None = None
    if not isinstance(p_yx1, np.ndarray) and (backend := tensor_backend(p_yx1, p_yx2, solver=solver)) is not None:
        if check_certify(certify) == "strict":
            raise InputError("certify='strict' takes arrays: its arithmetic is that of the host")
        solver, run = "scaling", backend.solve
        p_yx1, p_yx2, init = on_host((p_yx1, p_yx2, init))
    first, second = check_pair_marginals(p_yx1, p_yx2)
    solved = solve_marginals(
        first,
        second,
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        init=init,
        check=check,
        progress=progress,
        run=run,
        certify=certify,
    )
    return solved.solution(unit, (*first.shape, second.shape[1]))


def solve_marginals(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    solver: str,
    tol: float | None,
    max_iter: int | None = None,
    init: Start | None = None,
    check: bool,
    progress: ProgressOption = None,
    run: Solver | None = None,
    certify: Certify = "double",
) -> Solved:
    """Leave symbols without mass out, choose a solver, solve and report; the marginals are known to be sound.

    `run` is what the solver called `solver` is to be run with, where it is not the one on numpy arrays.

    Raises what `solve_broja` raises about its options and about `tol`.
    """
    p_yx1, p_yx2 = without_tiny_masses(p_yx1, p_yx2)
    kept = kept_symbols(p_yx1, p_yx2)
    small1, small2 = kept.pair_1(p_yx1), kept.pair_2(p_yx2)
    asked = check_tol(tol)
    name = choose_solver(solver, small1, small2, tol=asked)
    wanted = DEFAULT_TOL[name] if asked is None else asked
    max_iter = check_max_iter(max_iter)
    certify = check_certify(certify)
    start = None if init is None else _check_start(init, p_yx1, p_yx2, kept)
    run = load_solver(name) if run is None else run
    tol_nats = wanted * NATS_PER_UNIT["bits"]
    began = time.perf_counter()
    # What underflows in an iterate is far below what matters, and the caller may have asked numpy to raise for it.
    with watched(progress, solver=name, tol=wanted) as told, np.errstate(under="ignore"):
        candidate = run(small1, small2, tol=tol_nats, max_iter=max_iter, init=start, progress=told)
    if certify == "strict":
        lower = strictly_below(small1, small2, candidate.lower)
        candidate = replace(candidate, lower=lower, upper=strictly_above(small1, small2, candidate.upper))
    seconds = time.perf_counter() - began
    parts = (p_yx1.sum(1), p_yx1.sum(0), p_yx2.sum(0), p_yx1, p_yx2)
    h_y, h_x1, h_x2, h_yx1, h_yx2 = entropies(*parts).tolist()
    atoms = atoms_of(candidate.upper.value, h_y=h_y, h_x1=h_x1, h_x2=h_x2, h_yx1=h_yx1, h_yx2=h_yx2)
    solved = Solved(
        candidate,
        kept,
        atoms,
        solver=name,
        status=candidate.verdict(tol_nats),
        tol=tol_nats,
        seconds=seconds,
        certify=certify,
    )
    if check and solved.status != "converged":
        raise SolverError(_advice(solved.report("bits")))
    return solved


def _check_start(init: Start, p_yx1: FloatArray, p_yx2: FloatArray, kept: KeptSymbols) -> Start:
    """Return the part of a warm start that belongs to the symbols with mass, -inf off the supports."""
    shapes = (p_yx1.shape, p_yx2.shape, (p_yx1.shape[1], p_yx2.shape[1]))
    try:
        parts = tuple(plain_array(part, "init").astype(np.float64) for part in init)
    except InputError:
        raise
    except (TypeError, ValueError):  # not three arrays of numbers at all
        parts = ()
    if len(parts) != 3 or any(part.shape != shape for part, shape in zip(parts, shapes, strict=True)):
        raise InputError(
            f"init must be (lam, mu, weights) of shapes {shapes[0]}, {shapes[1]}, {shapes[2]}: "
            "the `start` of a solution of a problem of the same shape"
        )
    if not (np.isfinite(parts[0][p_yx1 > 0.0]).all() and np.isfinite(parts[1][p_yx2 > 0.0]).all()):
        raise InputError("init has potentials that are not finite where the marginals have mass; solve without init")
    if not (np.isfinite(parts[2]).all() and (parts[2] >= 0.0).all()):
        raise InputError("init has weights that are negative or not finite; solve without init")
    lam, mu = np.where(p_yx1 > 0.0, parts[0], -np.inf), np.where(p_yx2 > 0.0, parts[1], -np.inf)
    return kept.pair_1(lam), kept.pair_2(mu), kept.sources(parts[2])


def _advice(report: SolverReport) -> str:
    """Say how far a solver got and what can be done."""
    other = {
        "interior-point": "ask for a larger tol, or compare with solver='conic'",
        "scaling": "raise max_iter, ask for a larger tol, or use solver='interior-point'",
        "conic": "ask for a larger tol, or use solver='interior-point'",
    }[report.solver]
    return (
        f"solver {report.solver!r} ended with status {report.status!r} at a certified gap of {report.gap:.3g} bits "
        f"after {report.iterations} iterations; tol is {report.tol:.3g}. To go on: {other}, "
        "or pass check=False to take the result with its gap"
    )
