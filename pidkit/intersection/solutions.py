"""The solution of each measure: a common variable, checked against its own constraints, and what bounds the value.

The search splits a cone. Here its channel is evaluated on the joint itself, and held to the order of the measures,
gacs-koerner <= griffith-ho <= blackwell, whose ends are computed in different ways.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pidkit.info import mutual_information
from pidkit.intersection.blackwell import blackwell_cone, source_channels
from pidkit.intersection.channel import channel_information, markov_deviation
from pidkit.intersection.closed_forms import source_pairs
from pidkit.intersection.cone import ConeSplit
from pidkit.intersection.gacs_koerner import common_function, indicator_channel
from pidkit.intersection.griffith_ho import griffith_ho_cone, joint_channel
from pidkit.intersection.split import Limits, split_total
from pidkit.pid.broja import solve_broja
from pidkit.types import FloatArray

MAX_OUTCOMES = 6000
"""Outcomes with mass above which the Griffith-Ho program is not built: its dense matrix of up to 12 000 equalities in
6000 variables would take half a gigabyte. The value is then only bounded, by Gacs-Koerner and by Blackwell."""

ADMISSIBLE = 1e-12
"""Largest total variation by which a channel may miss its constraints, at the rarest outcome as at any other. It is the
least mass of a joint: a channel that ignores an outcome is found out."""

AGREEMENT = 1e-9
"""Nats by which the lower end of a measure may pass the upper end of another that is at least as large: ten times the
tolerance of the linear programs."""

RARE = 1e-6
"""The mass of an outcome below which Griffith-Ho is held to Blackwell's bound even where its own ends meet."""


@dataclass(frozen=True)
class Solution:
    """A common variable, the information and the residual computed from its channel, and the upper bound, in nats.

    The residual is the largest total variation by which the channel misses a constraint, as `IntersectionReport` says.
    """

    lower: float
    upper: float
    residual: float
    common: FloatArray | None
    channels: tuple[FloatArray, ...]
    split: ConeSplit


def solve_griffith_ho(p: FloatArray, limits: Limits) -> Solution:
    """Split the Griffith-Ho cone and evaluate both Markov chains; where the gap stays open, bound it by Blackwell."""
    later = replace(limits, deadline=limits.deadline + limits.reserve)
    if np.count_nonzero(p) > MAX_OUTCOMES:
        common_function_only = solve_gacs_koerner(p, limits)
        split = replace(common_function_only.split, status="size_limit")
        return replace(common_function_only, upper=solve_blackwell(p, later).upper, split=split)
    problem = griffith_ho_cone(p)
    split = split_total(problem.cone, limits)
    common = joint_channel(problem, split.parts)
    information = channel_information(p, common)
    n_outcomes = len(problem.support[0])
    channels = source_channels(split.parts[:, n_outcomes:], [p.sum((0, 2)), p.sum((0, 1))])
    upper = split.upper
    if split.upper - split.lower > limits.tol or p[p > 0.0].min() < RARE:
        upper = min(upper, solve_blackwell(p, later).upper)
    solution = Solution(information.target, upper, markov_deviation(p, common), common, channels, split)
    return _or_common_function(p, limits, solution)


def solve_blackwell(p: FloatArray, limits: Limits) -> Solution:
    """Split the Blackwell cone and check that all sources give the same P(Q | y)."""
    pairs = source_pairs(p)
    split = split_total(blackwell_cone(pairs), limits)
    channels = source_channels(split.parts, [pair.sum(0) for pair in pairs])
    joints = [pair @ channel.T for pair, channel in zip(pairs, channels, strict=True)]
    used = np.flatnonzero(pairs[0].sum(1))
    given_y = [joint[used] / joint[used].sum(1, keepdims=True) for joint in joints]
    residual = max(float(np.abs(other - given_y[0]).sum(1).max()) / 2.0 for other in given_y)
    lower = max(min(mutual_information(joint) for joint in joints), 0.0)  # rounding may leave -1e-17
    upper = split.upper
    if split.upper - split.lower > limits.tol:
        upper = min(upper, *(mutual_information(pair) for pair in pairs), _broja_bound(pairs))
    return _or_common_function(p, limits, Solution(lower, upper, residual, None, channels, split))


def _or_common_function(p: FloatArray, limits: Limits, solution: Solution) -> Solution:
    """Return the solution, or the Gacs-Koerner variable, which every measure admits, where it tells more or is surer.

    It is surer where the channel found misses its constraints, or where it tells more than a measure that is at least
    as large: one of the two is then wrong, and the interval holds both.
    """
    lower, upper = solution.lower, solution.upper
    is_sound = solution.residual <= ADMISSIBLE and lower <= upper + AGREEMENT
    if is_sound and upper - lower <= limits.tol:
        return solution
    surer = solve_gacs_koerner(p, limits)
    if is_sound and lower >= surer.lower:
        return solution
    status = "stalled" if solution.split.status == "converged" else solution.split.status
    return replace(
        surer,
        upper=max(lower, upper, surer.lower),
        common=None if solution.common is None else surer.common,
        split=replace(solution.split, status=status),
    )


def _broja_bound(pairs: list[FloatArray]) -> float:
    """Return the certified upper end of the BROJA redundancy of the first two sources, in nats."""
    if len(pairs) < 2:
        return np.inf
    solution = solve_broja(pairs[0], pairs[1], unit="nats", check=False)
    return solution.redundancy + solution.report.gap


def solve_gacs_koerner(p: FloatArray, limits: Limits) -> Solution:
    """Take the connected components of the support as the common variable: a closed form."""
    channels = tuple(indicator_channel(values) for values in common_function(p))
    first = source_pairs(p)[0]
    value = max(mutual_information(first @ channels[0].T), 0.0)  # rounding may leave -1e-17
    shape = (len(channels[0]), 1, p.shape[1], *(1,) * (p.ndim - 2))
    common = np.broadcast_to(channels[0].reshape(shape), (len(channels[0]), *p.shape))
    return Solution(value, value, 0.0, common, channels, ConeSplit(value, value, channels[0], "converged", 0, 0))
