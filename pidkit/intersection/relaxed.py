"""Relaxed Griffith-Ho information: Q may miss each Markov chain by a tolerance, which makes it a quantity of its own.

    I_relaxed(e1, e2) = max over P(Q|Y,X1,X2) of I(Q;Y)   s.t.   I(Q;Y|X1) <= e1,   I(Q;Y|X2) <= e2

At e1 = e2 = 0 it is Griffith and Ho's I_alpha. It is concave in (e1, e2), because Q may choose between two channels by
a coin that it reports, and unlike I_alpha it does not jump to zero when sampling noise fills the support.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pidkit.arguments import Rng, generator, real_number, whole_number
from pidkit.info import entropy, mutual_information
from pidkit.intersection.channel import ChannelInformation, channel_information
from pidkit.intersection.closed_forms import source_pairs
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from pidkit.intersection.relaxed_ascent import climb_channel
from pidkit.intersection.result import IntersectionReport, IntersectionResult
from pidkit.intersection.split import Limits, check_time_limit, split_total
from pidkit.joint import check_joint
from pidkit.pid.broja import solve_broja
from pidkit.types import FloatArray, Unit
from pidkit.units import NATS_PER_UNIT, check_unit, from_nats

COMMON_VARIABLE_GAP = 1e-9
"""The gap (nats) to which the exact Griffith-Ho variable is solved; it is only mixed in, so that this is plenty."""

MET = 1e-6
"""Nats between the two ends up to which the result counts as converged and exact."""


def relaxed_intersection_information(
    p: npt.ArrayLike,
    *,
    tol_1: float,
    tol_2: float,
    n_q: int | None = None,
    n_starts: int = 6,
    time_limit: float | None = None,
    rng: Rng = 0,
    unit: Unit = "bits",
) -> IntersectionResult:
    """Bound max I(Q;Y) subject to I(Q;Y|X1) <= tol_1 and I(Q;Y|X2) <= tol_2, from both sides.

    The lower end is attained by the channel returned, found by local ascent and mixed with the exact common variable
    until both tolerances hold; the upper end is proved:

        min( Red_BROJA + tol_1 + tol_2,  I(Y;X1) + tol_1,  I(Y;X2) + tol_2,  H(Y) ).

    (First term: in the proof of Theorem 4.1, I_R(Y;X1|X2) <= I(Y;X1) - I(Y;Q) gains at most tol_1 + tol_2. Second:
    I(Q;Y) <= I(Q,X1;Y) = I(Y;X1) + I(Q;Y|X1).) The two do not meet in general.

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, n_x2)
        Joint probabilities, target first.
    tol_1, tol_2 : float
        The conditional information allowed given each source, in `unit`.
    n_q : int, optional
        Symbols of each channel that is climbed; None takes n_y.
    n_starts : int
        Random starts of the ascent, besides Q = Y, Q = X1 and Q = X2.
    time_limit : float, optional
        Seconds for the exact common variable that is mixed in.
    rng : int or numpy.random.Generator
        Where the random starts come from.
    unit : str
        "bits" or "nats", of the tolerances and the result.

    Raises
    ------
    InputError
        If `p` is not a joint, a tolerance is negative, or a number of symbols or starts is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> xor = np.zeros((2, 2, 2)); xor[[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> result = relaxed_intersection_information(xor, tol_1=0.25, tol_2=0.25)
    >>> round(result.lower, 6), round(result.upper, 6)
    (0.25, 0.25)
    """
    check_unit(unit)
    joint = check_joint(p)
    tol_1, tol_2 = real_number("tol_1", tol_1, least=0.0), real_number("tol_2", tol_2, least=0.0)
    n_starts = whole_number("n_starts", n_starts)
    n_symbols = max(joint.shape[0], 2) if n_q is None else whole_number("n_q", n_q, least=2)
    time_limit, draws = check_time_limit(time_limit), generator(rng)
    began = time.perf_counter()
    allowed = (tol_1 * NATS_PER_UNIT[unit], tol_2 * NATS_PER_UNIT[unit])
    problem = griffith_ho_cone(joint)
    deadline = np.inf if time_limit is None else began + time_limit
    split = split_total(problem.cone, Limits(COMMON_VARIABLE_GAP, deadline))
    exact = joint_channel(problem, split.parts)
    best, value = exact, channel_information(joint, exact).target
    n_iterations = 0
    for start in _starts(joint, n_symbols, n_starts, draws):
        channel, steps = climb_channel(joint, start, allowed)
        n_iterations += steps
        mixed = _mix(channel, channel_information(joint, channel), exact, allowed)
        reached = channel_information(joint, mixed).target
        if reached > value:
            best, value = mixed, reached
    information = channel_information(joint, best)
    upper = max(_upper(joint, allowed), value)  # they may meet up to rounding
    report = IntersectionReport(
        solver="local ascent",
        status="converged" if upper - value <= MET else "bounded",
        gap=from_nats(upper - value, "bits"),
        tol=from_nats(MET, "bits"),
        residual=from_nats(max(information.given_x1 - allowed[0], information.given_x2 - allowed[1], 0.0), "bits"),
        residual_kind="information",
        iterations=n_iterations,
        n_programs=split.n_programs,
        seconds=time.perf_counter() - began,
    )
    return IntersectionResult(
        measure="relaxed-griffith-ho",
        lower=from_nats(value, "bits"),
        upper=from_nats(upper, "bits"),
        is_exact=upper - value <= MET,
        common=best,
        channels=_given_sources(joint, best),
        unit="bits",
        report=report,
    ).to(unit)


def _starts(p: FloatArray, n_q: int, n_random: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield channels to climb from: softened Q = Y, Q = X1, Q = X2, then random ones."""
    for axis in range(3):
        value = np.arange(p.shape[axis]) % n_q
        one_hot = np.asarray(np.arange(n_q)[:, None] == value, dtype=np.float64)
        soft = 0.9 * one_hot + 0.1 / n_q
        shape = [n_q, 1, 1, 1]
        shape[axis + 1] = p.shape[axis]
        yield np.broadcast_to(soft.reshape(shape), (n_q, *p.shape))
    for _ in range(n_random):
        yield np.moveaxis(rng.dirichlet(np.ones(n_q), size=p.shape), -1, 0)


def _mix(
    channel: FloatArray, information: ChannelInformation, exact: FloatArray, allowed: tuple[float, float]
) -> FloatArray:
    """Mix `channel` with the exact common variable, with the largest share of `channel` that both tolerances allow.

    Q also reports which of the two was used, so that its informations are the averages of theirs.
    """
    share = 1.0
    for value, limit in ((information.given_x1, allowed[0]), (information.given_x2, allowed[1])):
        if value > limit:
            share = min(share, limit / value)
    return np.concatenate([share * channel, (1.0 - share) * exact]) if share < 1.0 else channel


def _upper(p: FloatArray, allowed: tuple[float, float]) -> float:
    """Return the smallest of the proved upper bounds, in nats."""
    pairs = source_pairs(p)
    broja = solve_broja(pairs[0], pairs[1], unit="nats", check=False)
    single = [mutual_information(pair) + limit for pair, limit in zip(pairs, allowed, strict=True)]
    return min(broja.redundancy + broja.report.gap + sum(allowed), *single, entropy(p.sum((1, 2))))


def _given_sources(p: FloatArray, common: FloatArray) -> tuple[FloatArray, ...]:
    """Return P(q | x1) and P(q | x2); symbols without mass get P(q)."""
    joint = common * p
    marginal = joint.sum((1, 2, 3))
    channels = []
    for axis, rest in ((1, (1, 3)), (2, (1, 2))):
        masses, total = joint.sum(rest), p.sum((0, 3 - axis))
        safe = np.where(total > 0.0, total, 1.0)
        channels.append(np.where(total > 0.0, masses / safe, marginal[:, None]))
    return tuple(channels)
