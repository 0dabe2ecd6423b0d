"""Extreme rays: enumerate those of a small cone, then one linear program over them gives the exact optimum.

An extreme ray of C = {v >= 0 : equalities @ v = 0} cannot be split further, and phi is convex and homogeneous, so
    max sum_r m_r phi(u(v_r))   s.t.   sum_r m_r v_r = total,  m >= 0
over all extreme rays v_r is the value itself. Rays are found by double description in the null space of the
equalities; their number grows fast (10 for a generic 2x2x2 joint, thousands for 3x3x3), hence the limit.
"""

from __future__ import annotations

import numpy as np

from pidkit.errors import SolverError
from pidkit.intersection.cone import Cone, ConeSplit
from pidkit.intersection.coordinates import Coordinates
from pidkit.intersection.double_description import DoubleDescription
from pidkit.intersection.linear_program import LinearProgram
from pidkit.intersection.pricing import EASY, Pricer
from pidkit.types import FloatArray

MAX_RAYS = 2500
"""Extreme rays above which enumeration gives way to column generation, which is then faster."""

_NEGLIGIBLE = 1e-12
"""Nats of excess below which a price need not be checked further: far below any gap that is asked for."""


def enumerate_rays(
    coordinates: Coordinates, *, max_rays: int = MAX_RAYS, deadline: float = np.inf
) -> FloatArray | None:
    """Enumerate the extreme rays of a cone, or return None: more than `max_rays` on the way, or not by the deadline.

    Returns
    -------
    ndarray, shape (n_rays, n), or None

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.intersection.coordinates import find_coordinates
    >>> from pidkit.intersection.griffith_ho import griffith_ho_cone
    >>> p = np.random.default_rng(0).dirichlet(np.ones(8)).reshape(2, 2, 2)
    >>> enumerate_rays(find_coordinates(griffith_ho_cone(p).cone)).shape
    (10, 12)
    """
    if coordinates.dimension == 1:
        ray = coordinates.null_space.T
        return np.asarray(ray * np.sign(ray.sum()))
    try:
        cone = DoubleDescription.from_inequalities(coordinates.null_space, max_rays=max_rays, deadline=deadline)
    except TimeoutError:
        return None
    if len(cone.rays) > max_rays:
        return None
    return np.asarray(np.maximum(cone.rays @ coordinates.null_space.T, 0.0))


def split_over_rays(
    cone: Cone, coordinates: Coordinates, rays: FloatArray, *, deadline: float = np.inf
) -> ConeSplit | None:
    """Split the total of a cone among its extreme rays at the largest sum of phi, by one linear program.

    Where the posterior has few dimensions the prices are also checked by exact pricing, so that the upper bound does
    not rest on the enumeration having missed no ray. None where the rays cannot make up the total, since some were
    missed, or where the prices cannot be checked: HiGHS gives up, or the deadline passes.
    """
    points = rays / (rays @ cone.to_target.sum(0))[:, None]
    free, scale = coordinates.free, 1.0 / cone.total[coordinates.free]
    program = LinearProgram(-cone.information(points), (points[:, free] * scale).T, np.ones(len(free)))
    optimum = program.solve_if_possible()
    if optimum is None:
        return None
    parts = np.maximum(optimum.point, 0.0)[:, None] * points  # a solver leaves -1e-18
    prices = np.zeros(len(cone.total))
    prices[free] = -optimum.prices * scale
    excess = float((cone.information(points) - points @ prices).max())
    n_programs = 1
    if coordinates.n_posterior <= EASY:
        try:
            pricer = Pricer(cone, coordinates, deadline=deadline)
            excess = max(excess, pricer.price(prices, stop=_NEGLIGIBLE, deadline=deadline).bound)
        except (TimeoutError, SolverError):
            return None
        n_programs += pricer.n_programs
    upper = float(prices @ cone.total) + max(excess, 0.0) * cone.mass
    parts = parts[optimum.point > 0.0]
    return ConeSplit(float(cone.information(parts).sum()), upper, parts, "converged", 1, n_programs)
