"""The door: intersection information by Griffith-Ho, Blackwell or Gacs-Koerner; check, split, verify, bound, return."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pidkit.arguments import flag, one_of
from pidkit.errors import InputError, SolverError
from pidkit.info import mutual_information
from pidkit.intersection.blackwell import blackwell_cone, source_channels
from pidkit.intersection.channel import channel_information
from pidkit.intersection.closed_forms import source_pairs
from pidkit.intersection.cone import Split
from pidkit.intersection.gacs_koerner import common_function, indicator_channel
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from pidkit.intersection.result import IntersectionReport, IntersectionResult
from pidkit.intersection.split import Limits, check_time_limit, split_total
from pidkit.joint import TWO_SOURCES, check_joint
from pidkit.pid.broja import solve_broja
from pidkit.pid.solvers.choice import check_max_iter, check_tol
from pidkit.types import FloatArray, IntersectionMeasure, Unit
from pidkit.units import NATS_PER_UNIT, check_unit, from_nats

DEFAULT_TOL = 1e-9
"""The gap aimed at where none is asked for, in bits."""

MAX_OUTCOMES = 6000
"""Outcomes with mass above which Griffith-Ho is only bounded, by Gacs-Koerner and Blackwell."""

EXACT = 1e-8
"""The certified gap up to which a value is called exact, in bits."""

ADMISSIBLE = 1e-7
"""The largest residual of a channel that is returned, and the largest disagreement of the two bounds, in nats."""


def intersection_information(
    p: npt.ArrayLike,
    *,
    kind: IntersectionMeasure = "griffith-ho",
    tol: float | None = None,
    time_limit: float | None = None,
    max_iter: int | None = None,
    unit: Unit = "bits",
    check: bool = True,
) -> IntersectionResult:
    """Compute the largest I(Q;Y) of a variable Q common to the sources, as a certified interval.

    "griffith-ho":   max over P(Q|Y,X1,X2) of I(Q;Y)   s.t.   I(Q;Y|X1) = I(Q;Y|X2) = 0        (two sources)
    "blackwell":     max over Q less informative on Y than each source: P(Y,Q) = sum_x P(Y,x) P(Q|x), every source
    "gacs-koerner":  I(Q;Y) of the finest Q that every source computes

    and gacs-koerner <= griffith-ho <= blackwell <= BROJA redundancy <= min_i I(Y;X_i).

    The optimum lies on extreme rays of a cone; small cones are enumerated, larger ones priced exactly by column
    generation. The interval holds whenever the search stops. Griffith-Ho is discontinuous in the support of `p`: on
    an empirical joint with n_y >= n_x1 + n_x2 - 1 and no zeros it is exactly zero, see
    `relaxed_intersection_information`.

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, ..., n_xk)
        Joint probabilities, target first.
    kind : str
    tol : float, optional
        The gap upper - lower to reach, in bits. None aims at 1e-9 and returns the interval reached.
    time_limit : float, optional
        Seconds after which the interval reached is returned.
    max_iter : int, optional
        Iterations of column generation allowed for each independent part.
    unit : str
        "bits" or "nats", of the result.
    check : bool
        Raise SolverError where a `tol` that was given is not reached; False returns the interval with its status.

    Raises
    ------
    InputError
        If `p` is not a joint, has not two sources for "griffith-ho", or an option is unknown or out of range. The page
        "Other measures, and three sources" of the documentation says what may have more.
    SolverError
        If `tol` is given and not reached, or rounding defeats the linear programs.

    References
    ----------
    Griffith & Ho, Entropy 17(7), 2015, def. of I_alpha; Kolchinsky, Entropy 24(3), 2022, eq. 20;
    Gacs & Koerner, Problems of Control and Information Theory 2(2), 1973.

    Examples
    --------
    >>> import numpy as np
    >>> both = np.zeros((2, 2, 2)); both[[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> print(intersection_information(both))  # doctest: +ELLIPSIS
    IntersectionResult (griffith-ho, bits)
      value 0.12255625 (exact)   n_q = 2
      linear programs, converged: certified gap ... bits, residual ...
    """
    check_unit(unit)
    flag("check", check)
    one_of("kind", kind, _SOLVERS)
    tol, max_iter, time_limit = check_tol(tol), check_max_iter(max_iter), check_time_limit(time_limit)
    joint = check_joint(p, n_axes=None)
    if kind == "griffith-ho" and joint.ndim != 3:
        raise InputError(
            f"p must have 3 axes p[y, x1, x2], target first, for kind 'griffith-ho'; it has shape {joint.shape}. "
            f"'blackwell' and 'gacs-koerner' take any number of sources: {TWO_SOURCES}"
        )
    wanted = DEFAULT_TOL if tol is None else tol
    began = time.perf_counter()
    limits = Limits(wanted * NATS_PER_UNIT["bits"], max_iter=max_iter)
    if time_limit is not None:  # some is kept for the bounds that are wanted where the search does not end by itself
        limits = replace(limits, deadline=began + 0.75 * time_limit, reserve=0.2 * time_limit)
    found = _SOLVERS[kind](joint, limits)
    if not (found.residual <= ADMISSIBLE and found.lower <= found.upper + ADMISSIBLE):
        raise SolverError(
            f"the common variable found misses its constraints by {found.residual:.1e} or its bound by "
            f"{found.lower - found.upper:.1e}; the joint may hold masses near rounding: set those to zero and "
            "renormalise"
        )
    upper = max(found.lower, found.upper)  # they meet up to rounding
    gap = from_nats(upper - found.lower, "bits")
    if check and tol is not None and not gap <= tol:
        low, high = from_nats(found.lower, "bits"), from_nats(upper, "bits")
        raise SolverError(
            f"the {kind} information lies in [{low:.8g}, {high:.8g}] bits, a gap of {gap:.2g}; tol is {tol:.2g} and "
            f"the search ended with status {found.split.status!r}. Raise the limits or tol, or pass check=False to "
            "take the interval"
        )
    split = found.split
    report = IntersectionReport(
        solver="linear programs" if split.n_programs else "closed form",
        status=_status(gap, wanted, split.status),
        gap=gap,
        tol=wanted,
        residual=found.residual if kind == "blackwell" else from_nats(found.residual, "bits"),
        residual_kind="total variation" if kind == "blackwell" else "information",
        iterations=split.iterations,
        n_programs=split.n_programs,
        seconds=time.perf_counter() - began,
    )
    return IntersectionResult(
        kind=kind,
        lower=from_nats(found.lower, "bits"),
        upper=from_nats(upper, "bits"),
        is_exact=gap <= EXACT,
        common=found.common,
        channels=found.channels,
        unit="bits",
        report=report,
    ).to(unit)


def _status(gap: float, tol: float, ended: str) -> str:
    """Name the state of the whole: a search that ended well and yet misses tol did so by rounding."""
    if gap <= tol:
        return "converged"
    return "stalled" if ended == "converged" else ended


@dataclass(frozen=True)
class _Found:
    """A common variable, its information as its channel gives it, and the bound; in nats."""

    lower: float
    upper: float
    residual: float
    common: FloatArray | None
    channels: tuple[FloatArray, ...]
    split: Split


def _griffith_ho(p: FloatArray, limits: Limits) -> _Found:
    """Split the Griffith-Ho cone, check both Markov chains and fall back on Blackwell and BROJA for the bound."""
    if np.count_nonzero(p) > MAX_OUTCOMES:
        common_function_only = _gacs_koerner(p, limits)
        upper = _blackwell(p, replace(limits, deadline=limits.deadline + limits.reserve)).upper
        split = replace(common_function_only.split, status="size_limit")
        return replace(common_function_only, upper=upper, split=split)
    problem = griffith_ho_cone(p)
    split = split_total(problem.cone, limits)
    common = joint_channel(problem, split.parts)
    information = channel_information(p, common)
    n_outcomes = len(problem.support[0])
    channels = source_channels(split.parts[:, n_outcomes:], [p.sum((0, 2)), p.sum((0, 1))])
    upper = split.upper
    if split.upper - split.lower > limits.tol:
        reserved = replace(limits, deadline=limits.deadline + limits.reserve)
        upper = min(upper, _blackwell(p, reserved).upper)
    return _Found(information.target, upper, information.residual, common, channels, split)


def _blackwell(p: FloatArray, limits: Limits) -> _Found:
    """Split the Blackwell cone and check that all sources give the same P(Y, Q)."""
    pairs = source_pairs(p)
    split = split_total(blackwell_cone(pairs), limits)
    channels = source_channels(split.parts, [pair.sum(0) for pair in pairs])
    joints = [pair @ channel.T for pair, channel in zip(pairs, channels, strict=True)]
    residual = max(float(np.abs(joint - joints[0]).sum()) / 2.0 for joint in joints)
    lower = max(min(mutual_information(joint) for joint in joints), 0.0)  # rounding may leave -1e-17
    upper = split.upper
    if split.upper - split.lower > limits.tol:
        upper = min(upper, *(mutual_information(pair) for pair in pairs), _broja_bound(pairs))
    return _Found(lower, upper, residual, None, channels, split)


def _broja_bound(pairs: list[FloatArray]) -> float:
    """Return the certified upper end of the BROJA redundancy of the first two sources, in nats."""
    if len(pairs) < 2:
        return np.inf
    solution = solve_broja(pairs[0], pairs[1], unit="nats", check=False)
    return solution.redundancy + solution.report.gap


def _gacs_koerner(p: FloatArray, limits: Limits) -> _Found:
    """Name the connected components of the support: closed form."""
    channels = tuple(indicator_channel(values) for values in common_function(p))
    first = source_pairs(p)[0]
    value = max(mutual_information(first @ channels[0].T), 0.0)  # rounding may leave -1e-17
    shape = (len(channels[0]), 1, p.shape[1], *(1,) * (p.ndim - 2))
    common = np.broadcast_to(channels[0].reshape(shape), (len(channels[0]), *p.shape))
    return _Found(value, value, 0.0, common, channels, Split(value, value, channels[0], "converged", 0, 0))


_SOLVERS: dict[str, Callable[[FloatArray, Limits], _Found]] = {
    "griffith-ho": _griffith_ho,
    "blackwell": _blackwell,
    "gacs-koerner": _gacs_koerner,
}
