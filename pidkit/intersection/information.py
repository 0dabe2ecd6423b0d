"""`intersection_information`: the measures of Griffith and Ho, Blackwell, and Gacs and Koerner, with proved bounds.

The public function checks its arguments, lets `split_total` find the common variable, verifies the constraints on the
channel itself, bounds the value from above, and returns one result.
"""

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
from pidkit.intersection.cone import ConeSplit
from pidkit.intersection.gacs_koerner import common_function, indicator_channel
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from pidkit.intersection.result import IntersectionReport, IntersectionResult
from pidkit.intersection.split import Limits, check_time_limit, split_total
from pidkit.joint import TWO_SOURCES, check_joint
from pidkit.pid.broja import solve_broja
from pidkit.pid.solvers.choice import check_max_iter, check_tol
from pidkit.pid.solvers.progress import ProgressOption, watched
from pidkit.types import FloatArray, IntersectionMeasure, Unit
from pidkit.units import NATS_PER_UNIT, check_unit, from_nats

DEFAULT_INTERSECTION_TOL = 1e-9
"""The gap in bits that the search aims at where `tol` is None; linear programs solved to 1e-10 can certify it."""

MAX_OUTCOMES = 6000
"""Outcomes with mass above which the Griffith-Ho program is not built: its dense matrix of up to 12 000 equalities in
6000 variables would take half a gigabyte. The value is then only bounded, by Gacs-Koerner and by Blackwell."""

EXACT_GAP = 1e-8
"""The certified gap, in bits, up to which a result says `is_exact`: eight decimals agree, as many as are printed."""

ADMISSIBLE = 1e-7
"""Nats by which a returned channel may miss its constraints, and by which its bounds may contradict each other: more
than rounding in linear programs of tolerance 1e-10 explains."""


def intersection_information(
    p: npt.ArrayLike,
    *,
    measure: IntersectionMeasure = "griffith-ho",
    tol: float | None = None,
    time_limit: float | None = None,
    max_iter: int | None = None,
    unit: Unit = "bits",
    check: bool = True,
    progress: ProgressOption = None,
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
    measure : str
        "griffith-ho", "blackwell" or "gacs-koerner".
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
    progress : callable, False or None
        Called with the number of every master program and its gap in nats. None shows them on a line after some three
        seconds, where stderr is a terminal; False never does.

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
    measure = one_of("measure", measure, _MEASURES)
    tol, max_iter, time_limit = check_tol(tol), check_max_iter(max_iter), check_time_limit(time_limit)
    joint = check_joint(p, n_axes=None)
    if measure == "griffith-ho" and joint.ndim != 3:
        raise InputError(
            f"p must have 3 axes p[y, x1, x2], target first, for measure 'griffith-ho'; it has shape {joint.shape}. "
            f"'blackwell' and 'gacs-koerner' take any number of sources: {TWO_SOURCES}"
        )
    target_gap = DEFAULT_INTERSECTION_TOL if tol is None else tol
    began = time.perf_counter()
    limits = Limits(target_gap * NATS_PER_UNIT["bits"], max_iter=max_iter)
    if time_limit is not None:  # a fifth is reserved for the upper bounds of a search that does not end by itself
        limits = replace(limits, deadline=began + 0.75 * time_limit, reserve=0.2 * time_limit)
    with watched(progress, solver=measure, tol=target_gap) as told:
        solution = _MEASURES[measure](joint, replace(limits, progress=told))
    if not (solution.residual <= ADMISSIBLE and solution.lower <= solution.upper + ADMISSIBLE):
        raise SolverError(
            f"the common variable found misses its constraints by {solution.residual:.1e} or its bound by "
            f"{solution.lower - solution.upper:.1e}; the joint may hold masses near rounding: set those to zero and "
            "renormalise"
        )
    upper = max(solution.lower, solution.upper)  # they meet up to rounding
    gap = from_nats(upper - solution.lower, "bits")
    if check and tol is not None and not gap <= tol:
        low, high = from_nats(solution.lower, "bits"), from_nats(upper, "bits")
        raise SolverError(
            f"the {measure} information lies in [{low:.8g}, {high:.8g}] bits, a gap of {gap:.2g}; tol is {tol:.2g} and "
            f"the search ended with status {solution.split.status!r}. Raise the limits or tol, or pass check=False to "
            "take the interval"
        )
    split = solution.split
    report = IntersectionReport(
        solver="linear programs" if split.n_programs else "closed form",
        status=_status(gap, target_gap, split.status),
        gap=gap,
        tol=target_gap,
        residual=solution.residual if measure == "blackwell" else from_nats(solution.residual, "bits"),
        residual_kind="total variation" if measure == "blackwell" else "information",
        iterations=split.iterations,
        n_programs=split.n_programs,
        seconds=time.perf_counter() - began,
    )
    return IntersectionResult(
        measure=measure,
        lower=from_nats(solution.lower, "bits"),
        upper=from_nats(upper, "bits"),
        is_exact=gap <= EXACT_GAP,
        common=solution.common,
        channels=solution.channels,
        unit="bits",
        report=report,
    ).to(unit)


def _status(gap: float, tol: float, ended: str) -> str:
    """Return the status of the result, given how the search `ended`.

    A search that says "converged" although the gap is above `tol` was held up by rounding: that is "stalled".
    """
    if gap <= tol:
        return "converged"
    return "stalled" if ended == "converged" else ended


@dataclass(frozen=True)
class _Solution:
    """A common variable, the information and the residual computed from its channel, and the upper bound, in nats."""

    lower: float
    upper: float
    residual: float
    common: FloatArray | None
    channels: tuple[FloatArray, ...]
    split: ConeSplit


def _griffith_ho(p: FloatArray, limits: Limits) -> _Solution:
    """Split the Griffith-Ho cone and evaluate both Markov chains; where the gap stays open, bound it by Blackwell."""
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
    return _Solution(information.target, upper, information.residual, common, channels, split)


def _blackwell(p: FloatArray, limits: Limits) -> _Solution:
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
    return _Solution(lower, upper, residual, None, channels, split)


def _broja_bound(pairs: list[FloatArray]) -> float:
    """Return the certified upper end of the BROJA redundancy of the first two sources, in nats."""
    if len(pairs) < 2:
        return np.inf
    solution = solve_broja(pairs[0], pairs[1], unit="nats", check=False)
    return solution.redundancy + solution.report.gap


def _gacs_koerner(p: FloatArray, limits: Limits) -> _Solution:
    """Take the connected components of the support as the common variable: a closed form."""
    channels = tuple(indicator_channel(values) for values in common_function(p))
    first = source_pairs(p)[0]
    value = max(mutual_information(first @ channels[0].T), 0.0)  # rounding may leave -1e-17
    shape = (len(channels[0]), 1, p.shape[1], *(1,) * (p.ndim - 2))
    common = np.broadcast_to(channels[0].reshape(shape), (len(channels[0]), *p.shape))
    return _Solution(value, value, 0.0, common, channels, ConeSplit(value, value, channels[0], "converged", 0, 0))


_MEASURES: dict[IntersectionMeasure, Callable[[FloatArray, Limits], _Solution]] = {
    "griffith-ho": _griffith_ho,
    "blackwell": _blackwell,
    "gacs-koerner": _gacs_koerner,
}
