"""`bivariate_pid` and `pid_from_samples`: the four BROJA atoms of a joint or of samples, with a certificate."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypedDict, Unpack

import numpy.typing as npt

from pidkit.arguments import flag
from pidkit.errors import nothing_told_by, warn
from pidkit.info import entropy, joint_mutual_information
from pidkit.joint import SparseJoint, check_joint, count_samples, pair_marginals, takes_two_sources
from pidkit.pid.atoms import PairAtoms, synergy_of
from pidkit.pid.broja import solve_marginals
from pidkit.pid.result import PIDResult
from pidkit.pid.solvers.merged_symbols import merge_symbols
from pidkit.pid.solvers.progress import ProgressOption
from pidkit.types import Certify, FloatArray, SolverName, Unit
from pidkit.units import check_unit, from_nats

FEW_SYMBOLS = 20
"""Symbols in samples that are never too many to be told so."""

Symbols = npt.ArrayLike | Iterable[Hashable]
"""One symbol for each sample: integers, strings, or anything hashable."""


def bivariate_pid(
    p: npt.ArrayLike,
    *,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    unit: Unit = "bits",
    check: bool = True,
    progress: ProgressOption = None,
    certify: Certify = "double",
) -> PIDResult:
    """Decompose I(Y; X1, X2) of a joint into redundant, unique and synergistic information (BROJA).

    unique_1 = min over Q in Delta_P of I_Q(Y; X1 | X2), with Delta_P the joints that have the pair marginals of p;
    redundancy = I(Y;X1) - unique_1, unique_2 = I(Y;X2) - redundancy, and synergy is the rest of I(Y;X1,X2).

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, n_x2)
        The joint p[y, x1, x2], target first, summing to one.
    solver : str
        "auto", "interior-point", "scaling" or "conic".
    tol : float, optional
        The certified gap to reach, in bits. None: 1e-9 for interior-point, 1e-5 for scaling and conic.
    max_iter : int, optional
        Iterations allowed; None leaves it to the solver.
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

    Returns
    -------
    PIDResult

    Raises
    ------
    InputError
        If `p` is not a joint of three axes, or an option is unknown. Many joints p[b, y, x1, x2] at once are for
        `bivariate_pid_batch`. A joint of three sources is refused: the page "Other measures, and three sources" of
        the documentation says why.
    SolverError
        If the certified gap stays above `tol`.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost & Ay, Quantifying unique information, Entropy 16(4), 2014.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> bivariate_pid(gate("AND").joint)
    PIDResult (broja, bits)
      redundancy   0.311278
      unique_1     0.000000
      unique_2     0.000000
      synergy      0.500000
      I(Y;X1) = 0.311278   I(Y;X2) = 0.311278   I(Y;X1,X2) = 0.811278
      interior-point, converged: certified gap ...e-1... bits
    """
    joint = check_joint(p)
    first, second = pair_marginals(joint)
    mi_joint = joint_mutual_information(joint)
    return _decompose(
        first,
        second,
        mi_joint,
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        unit=unit,
        check=check,
        progress=progress,
        certify=certify,
    )


@takes_two_sources
def pid_from_samples(
    *,
    y: Symbols,
    x1: Symbols,
    x2: Symbols,
    n_y: int | None = None,
    n_x1: int | None = None,
    n_x2: int | None = None,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    unit: Unit = "bits",
    check: bool = True,
    progress: ProgressOption = None,
    certify: Certify = "double",
) -> PIDResult:
    """Decompose the empirical I(Y; X1, X2) of samples, without ever building the dense joint.

    The pair marginals come from counts, and I(Y;X1,X2) = H(Y) + H(X1,X2) - H(Y,X1,X2) from the triples that occur.
    These are plug-in values: for what the finite sample does to them see `estimate_pid`.

    Parameters
    ----------
    y, x1, x2 : array_like or iterable of hashables, length n
        One symbol a sample. Integers are codes as they stand; anything else is coded by rank. Where there are more
        symbols than half the samples, a PidkitWarning says what that means.
    n_y, n_x1, n_x2 : int, optional
        Alphabet sizes, where larger than the samples show; they do not change the atoms.
    solver, tol, max_iter, unit, check, progress, certify
        As in `bivariate_pid`.

    Warns
    -----
    PidkitWarning
        If the target or a source is constant: its information about anything is 0, exactly.

    Raises
    ------
    InputError
        If the lengths differ, there are no samples, or a symbol cannot be used.
    TypeError
        For a third source: the page "Other measures, and three sources" of the documentation says why.
    SolverError
        If the certified gap stays above `tol`.

    Examples
    --------
    >>> from pidkit import pid_from_samples
    >>> result = pid_from_samples(y="eoeo", x1=[0, 0, 1, 1], x2=[0, 1, 0, 1])
    >>> round(result.unique_2, 6), round(result.synergy, 6) + 0.0
    (1.0, 0.0)
    """
    joint = count_samples(y=y, x1=x1, x2=x2, n_y=n_y, n_x1=n_x1, n_x2=n_x2).compact()
    _warn_of_many_symbols(joint)
    result = pid_of_counts(
        joint,
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        unit=unit,
        check=check,
        progress=progress,
        certify=certify,
    )
    for name, n_symbols in zip(("y", "x1", "x2"), joint.shape, strict=True):
        if n_symbols == 1:
            warn(nothing_told_by(name))
    return result


class SolveOptions(TypedDict, total=False):
    """The options of `bivariate_pid`."""

    solver: SolverName
    tol: float | None
    max_iter: int | None
    unit: Unit
    check: bool
    progress: ProgressOption
    certify: Certify


def pid_of_counts(joint: SparseJoint, **options: Unpack[SolveOptions]) -> PIDResult:
    """Decompose a compact joint of counted samples, as `pid_from_samples` does, without its warnings."""
    first, second = joint.pair(1), joint.pair(2)
    mi_joint = entropy(first.sum(1)) + entropy(joint.source_mass()) - entropy(joint.mass)
    return _decompose(first, second, mi_joint, **options)


def _warn_of_many_symbols(joint: SparseJoint) -> None:
    """Say which variables have more symbols than half the samples."""
    many = max(FEW_SYMBOLS, joint.n_samples / 2)
    found = [f"{name} has {n} symbols" for name, n in zip(("y", "x1", "x2"), joint.shape, strict=True) if n > many]
    if found:
        warn(
            f"{', '.join(found)} in {joint.n_samples} samples: where nearly every sample is a symbol of its own, "
            "plug-in atoms tell of the sample and not of the variables. Make codes of continuous values first "
            "(representation_pid, pidkit.quantise), or see estimate_pid"
        )


def _decompose(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    mi_joint: float,
    *,
    solver: SolverName = "auto",
    tol: float | None = None,
    max_iter: int | None = None,
    unit: Unit = "bits",
    check: bool = True,
    progress: ProgressOption = None,
    certify: Certify = "double",
) -> PIDResult:
    """Solve on the pair marginals and split I(Y;X1,X2), given in nats."""
    unit = check_unit(unit)
    flag("check", check)
    constant = [1 in _alphabet(pair) for pair in (p_yx1, p_yx2)]  # before symbols that tell the same are merged
    p_yx1, p_yx2 = merge_symbols(p_yx1), merge_symbols(p_yx2)
    solved = solve_marginals(
        p_yx1, p_yx2, solver=solver, tol=tol, max_iter=max_iter, check=check, progress=progress, certify=certify
    )
    atoms = solved.atoms
    if any(constant):
        # What is constant shares nothing and adds nothing: these atoms are exact, and a solver's are up to rounding.
        mi_1, mi_2 = (0.0 if none else mi_joint for none in constant)
        atoms, mi_joint = PairAtoms(0.0, mi_1, mi_2, mi_1, mi_2), mi_1 + mi_2
    return PIDResult(
        redundancy=from_nats(atoms.redundancy, unit),
        unique_1=from_nats(atoms.unique_1, unit),
        unique_2=from_nats(atoms.unique_2, unit),
        synergy=from_nats(synergy_of(mi_joint, atoms), unit),
        mi_1=from_nats(atoms.mi_1, unit),
        mi_2=from_nats(atoms.mi_2, unit),
        mi_joint=from_nats(mi_joint, unit),
        unit=unit,
        report=solved.report(unit),
    )


def _alphabet(pair: FloatArray) -> tuple[int, int]:
    """Return how many symbols of Y and of the source have mass."""
    return int(pair.any(1).sum()), int(pair.any(0).sum())
