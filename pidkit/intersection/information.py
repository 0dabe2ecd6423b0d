"""`intersection_information`: the measures of Griffith and Ho, Blackwell, and Gacs and Koerner, with proved bounds.

The public function checks its arguments, asks for the solution of the measure, and returns one result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy.typing as npt

from pidkit.arguments import flag, one_of
from pidkit.errors import InputError, SolverError
from pidkit.intersection.result import IntersectionReport, IntersectionResult
from pidkit.intersection.solutions import Solution, solve_blackwell, solve_gacs_koerner, solve_griffith_ho
from pidkit.intersection.split import Limits, check_time_limit
from pidkit.joint import TWO_SOURCES, check_joint
from pidkit.pid.solvers.choice import check_max_iter, check_tol
from pidkit.pid.solvers.progress import ProgressOption, watched
from pidkit.types import FloatArray, IntersectionMeasure, Unit
from pidkit.units import NATS_PER_UNIT, check_unit, from_nats

DEFAULT_INTERSECTION_TOL = 1e-9
"""The gap in bits that the search aims at where `tol` is None; linear programs solved to 1e-10 can certify it."""

EXACT_GAP = 1e-8
"""The certified gap, in bits, up to which a result says `is_exact`: eight decimals agree, as many as are printed."""


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
        If `tol` is given and not reached.

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
        residual=solution.residual,
        residual_kind="total variation",
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


_MEASURES: dict[IntersectionMeasure, Callable[[FloatArray, Limits], Solution]] = {
    "griffith-ho": solve_griffith_ho,
    "blackwell": solve_blackwell,
    "gacs-koerner": solve_gacs_koerner,
}
