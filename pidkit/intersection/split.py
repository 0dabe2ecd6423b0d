"""Split the total of a cone among common symbols: part by part, by its extreme rays or by column generation."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from pidkit.arguments import real_number
from pidkit.intersection.column_generation import generate_columns
from pidkit.intersection.cone import Cone, ConeSplit
from pidkit.intersection.coordinates import Coordinates, find_coordinates
from pidkit.intersection.rays import MAX_RAYS, enumerate_rays, split_over_rays
from pidkit.pid.solvers.problem import Progress
from pidkit.types import FloatArray

MAX_VARIABLES = 1200
"""Variables of a part above which it is not split at all: the SVD of its null space alone would take minutes."""

SECONDS_A_FLOP = 1e-8
"""Seconds for each of m n^2 that the coordinates of m equalities in n variables take, by an SVD and two QR."""

RAYS_SHARE = 0.3
"""The share of the time left that the enumeration of rays may take: column generation needs the rest if it fails."""

WEAK = 1e-5
"""Strength of an equality, as a share of the strongest, below which the result allows for the rounding of masses. Above
it, the value moves by less than 1e-10."""

PERTURBED, SAFETY = 3, 10.0
"""Times that the equalities are perturbed, and the multiple of the largest change that the upper bound allows for."""

FLOAT_STEP = float(np.finfo(np.float64).eps)
"""The relative perturbation: the distance of float64 numbers."""

_SEVERITY = ("converged", "stalled", "size_limit", "max_iter", "time_limit")
"""How a part can end, from best to worst; the whole has the worst status of its parts."""

_SAME_POSTERIOR = 1e-12
"""Largest difference of two posteriors P(y|q) that count as one: merging them changes nothing but the last digits."""


@dataclass(frozen=True)
class Limits:
    """Hold the conditions on which a search stops.

    Attributes
    ----------
    tol : float
        The gap to reach, in nats.
    deadline : float
        As time.perf_counter() counts.
    max_iter : int or None
        Master programs allowed for each part.
    reserve : float
        Seconds past the deadline that the bounds computed afterwards may take.
    progress : callable or None
        Called with the number of every master program and the gap in nats.
    """

    tol: float
    deadline: float = np.inf
    max_iter: int | None = None
    reserve: float = 0.0
    progress: Progress | None = None


def check_time_limit(seconds: object) -> float | None:
    """Return `time_limit` as a number of seconds, or None for none; infinity is none as well.

    Raises
    ------
    InputError
        If it is neither None nor a positive number.
    """
    return None if seconds is None else real_number("time_limit", seconds, above=0.0, finite=False, of="seconds")


def split_total(cone: Cone, limits: Limits, *, max_rays: int = MAX_RAYS) -> ConeSplit:
    """Maximise sum_q phi(u(v_q)) over the ways to split the total of a cone, with a certified interval.

    The parts of the cone that no equality ties together are solved one by one, each with its share of the tolerance
    and of the time left: a part whose symbols all have one posterior in closed form, a part with up to `max_rays`
    extreme rays by the linear program over them, any other by column generation. The parts returned are exact points of
    the cone, up to rounding, whatever the tolerance of the linear programs.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.intersection.griffith_ho import griffith_ho_cone
    >>> xor = np.zeros((2, 2, 2))
    >>> xor[[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> split_total(griffith_ho_cone(xor).cone, Limits(tol=1e-9)).upper
    0.0
    """
    pieces = cone.relative().split()
    splits, parts = [], []
    for k, (index, piece) in enumerate(pieces):
        now = time.perf_counter()
        deadline = now + (limits.deadline - now) / (len(pieces) - k)
        share = replace(limits, tol=limits.tol * piece.mass, deadline=deadline)
        split = _split_piece(piece, share, max_rays)
        placed = np.zeros((len(split.parts), len(cone.total)))
        placed[:, index] = split.parts * cone.total[index]
        splits.append(split)
        parts.append(placed)
    return ConeSplit(
        lower=sum(split.lower for split in splits),
        upper=sum(split.upper for split in splits),
        parts=_merge(np.concatenate(parts), cone),
        status=max((split.status for split in splits), key=_SEVERITY.index),
        iterations=sum(split.iterations for split in splits),
        n_programs=sum(split.n_programs for split in splits),
    )


def _split_piece(cone: Cone, limits: Limits, max_rays: int) -> ConeSplit:
    """Split the total of one part."""
    if len(cone.total) > MAX_VARIABLES:
        return _whole(cone, "size_limit")
    if time.perf_counter() + SECONDS_A_FLOP * len(cone.equalities) * len(cone.total) ** 2 > limits.deadline:
        return _whole(cone, "time_limit")
    coordinates = find_coordinates(cone)
    split = _split_in(cone, coordinates, limits, max_rays)
    if coordinates.n_undecided:  # attained in the narrow cone, bounded in the wide one
        bound = _split_in(cone, find_coordinates(cone, wide=True), limits, max_rays)
        split = replace(
            split,
            upper=max(split.upper, bound.upper),
            status=max(split.status, bound.status, key=_SEVERITY.index),
            iterations=split.iterations + bound.iterations,
            n_programs=split.n_programs + bound.n_programs,
        )
    split = replace(split, upper=split.upper + coordinates.left_out)
    if coordinates.weakest < WEAK:
        split = replace(split, upper=split.upper + SAFETY * _moved_by_rounding(cone, split))
    return split


def _moved_by_rounding(cone: Cone, split: ConeSplit) -> float:
    """Return how far the value of a split moves when every coefficient of the equalities is rounded another way."""
    rng = np.random.default_rng(0)
    moved = 0.0
    for _ in range(PERTURBED):
        rounding = FLOAT_STEP * rng.choice([-1.0, 1.0], cone.equalities.shape)
        nearby = replace(cone, equalities=cone.equalities * (1.0 + rounding))
        moved = max(moved, abs(_exact(nearby, find_coordinates(nearby), split).lower - split.lower))
    return moved


def _split_in(cone: Cone, coordinates: Coordinates, limits: Limits, max_rays: int) -> ConeSplit:
    """Split the total of one part in its coordinates, into exact points of the cone."""
    if coordinates.n_posterior == 1:
        return replace(_whole(cone, "converged"), upper=float(cone.information(cone.total)))
    now = time.perf_counter()
    rays_until = now + RAYS_SHARE * (limits.deadline - now)
    rays = enumerate_rays(coordinates, max_rays=max_rays, deadline=rays_until) if max_rays else None
    if rays is not None:
        split = split_over_rays(cone, coordinates, rays, deadline=limits.deadline)
        if split is not None:
            split = _exact(cone, coordinates, split)
            if split.upper - split.lower <= limits.tol:
                return split
    generated = generate_columns(
        cone,
        coordinates,
        tol=limits.tol,
        deadline=limits.deadline,
        max_iter=limits.max_iter,
        progress=limits.progress,
    )
    return _exact(cone, coordinates, generated)


def _exact(cone: Cone, coordinates: Coordinates, split: ConeSplit) -> ConeSplit:
    """Return the split with its parts moved into the cone: linear programs leave them outside by their tolerance.

    Each part is projected on the span of the cone, the difference of their sum to the total, which lies in the span, is
    given to the parts by their mass, and as much of the total is mixed in as makes all of them non-negative.
    """
    if len(split.parts) == 1:
        return split
    total = cone.total
    parts = split.parts @ coordinates.null_space @ coordinates.null_space.T
    mass = parts @ cone.to_target.sum(0) / cone.mass
    parts = parts + (mass / mass.sum())[:, None] * (total - parts.sum(0))
    short = np.maximum(-(parts / total).min(1), 0.0)
    parts = np.maximum((parts + short[:, None] * total) / (1.0 + short.sum()), 0.0)  # rounding leaves -1e-18
    return replace(split, parts=parts, lower=float(cone.information(parts).sum()))


def _whole(cone: Cone, status: str) -> ConeSplit:
    """Return the split of a part into one symbol, and the bound that needs no search."""
    return ConeSplit(float(cone.information(cone.total)), cone.largest, cone.total[None], status, 0, 0)


def _merge(parts: FloatArray, cone: Cone) -> FloatArray:
    """Add up the symbols whose posteriors P(y|q) agree: I(Q;Y) stays the same, and Q has fewer values."""
    u = parts @ cone.to_target.T
    posterior = u / u.sum(1, keepdims=True)
    merged: list[int] = []
    result = parts.copy()
    for k in range(len(parts)):
        same = [j for j in merged if np.abs(posterior[j] - posterior[k]).max() < _SAME_POSTERIOR]
        if same:
            result[same[0]] += parts[k]
        else:
            merged.append(k)
    return result[merged]
