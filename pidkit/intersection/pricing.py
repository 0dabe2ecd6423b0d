"""Find the best new column exactly: the largest phi(u(v)) - <prices, v> over a cone, by outer approximation.

For given prices z let h(x) = min { <z, v> : v in C, x(v) = x }, convex and piecewise linear in the posterior x. The
dual solution c of that program at any x gives h >= <c, .> everywhere, and facets of the reachable cone come the same
way. phi - (best cuts so far) is convex on every piece, so its maximum lies at a vertex of the epigraph of the cuts,
and the double description method keeps those vertices. Asking for h at the best one either confirms it or cuts it
off; the best vertex not yet confirmed bounds the maximum at every moment. (Outer approximation of a difference of
convex functions: Horst & Tuy, Global Optimization, 1996, ch. VI.) The dimension is that of the posterior, at most n_y.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.intersection.cone import Cone, pointwise_information
from pidkit.intersection.coordinates import Coordinates
from pidkit.intersection.double_description import DoubleDescription
from pidkit.intersection.linear_program import LinearProgram
from pidkit.types import FloatArray

CONFIRMED = 1e-10
"""Nats within which the height of a vertex must agree with the linear program to be confirmed: its tolerance."""

MAX_VERTICES = 20_000
"""Vertices of the epigraph above which pricing stops refining, for time and memory; its bound is valid all the same."""

EASY = 6
"""Dimensions of the posterior up to which exact pricing is fast; beyond, local ascent goes first."""

NARROW = 1e-3
"""Share of the widest direction below which the reach of the posterior is bounded at the outset."""

_NO_MASS = 1e-13
"""Mass below which a unit ray of the epigraph is a direction and no vertex: rounding leaves about 1e-16."""

_REACHED = 1e-9
"""L1 distance within which a posterior counts as reachable: ten times the tolerance of the linear programs."""

_PULLS = (0.0, 1e-9, 1e-8, 1e-7, 1e-6)
"""Shares of the way to the centre by which a posterior on the edge is moved, in turn, until the linear program accepts
it. The cut found there is valid for the whole cone."""


@dataclass(frozen=True)
class Pricing:
    """Hold the outcome of one pricing: a bound and the points met on the way.

    Attributes
    ----------
    bound : float
        An upper bound of phi(u(v)) - <z, v> over the cone at mass one.
    columns : ndarray, shape (k, n)
        Points of the cone at mass one met on the way.
    is_complete : bool
        Whether the search ended by itself and not at a limit.
    """

    bound: float
    columns: FloatArray
    is_complete: bool


class Pricer:
    """Price one cone again and again: linear programs restart from their last basis, and known facets are kept."""

    def __init__(self, cone: Cone, coordinates: Coordinates, *, deadline: float = np.inf) -> None:
        """Build the program of h and the one that tests whether a posterior can be reached.

        Raises TimeoutError where the cone {u >= 0} is not described by the deadline.
        """
        self._cone, self._coordinates = cone, coordinates
        rank, n_x = len(coordinates.equalities), coordinates.n_posterior
        n = len(cone.total)
        self._x_rows = range(rank, rank + n_x)
        rows, bounds = np.vstack([coordinates.equalities, coordinates.to_x]), np.zeros(rank + n_x)
        self._height = LinearProgram(np.zeros(n), rows, bounds, deadline=deadline)
        slack = np.vstack([np.zeros((rank, n_x)), np.eye(n_x)])
        of_slack = np.repeat([0.0, 1.0], [n, 2 * n_x])
        self._distance = LinearProgram(of_slack, np.hstack([rows, slack, -slack]), bounds, deadline=deadline)
        self._mass = coordinates.basis.sum(0)
        self._centre = coordinates.to_x @ cone.total / cone.mass
        # All that is known of the reachable cone at first is u >= 0.
        used = np.any(coordinates.basis != 0.0, axis=1)
        self._reachable = DoubleDescription.from_inequalities(
            coordinates.basis[used], max_rays=MAX_VERTICES, deadline=deadline
        )
        for facet in self._sides(np.flatnonzero(coordinates.reach < NARROW)):
            self._reachable.add(facet)

    def _sides(self, directions: npt.NDArray[np.intp]) -> Iterator[FloatArray]:
        """Yield inequalities that bound x along some directions, to either side: u >= 0 leaves them a long way."""
        if not len(directions):
            return
        cone, coordinates = self._cone, self._coordinates
        rows = np.vstack([coordinates.equalities, cone.to_target.sum(0)])
        bounds = np.zeros(len(rows))
        bounds[-1] = 1.0
        program = LinearProgram(np.zeros(len(cone.total)), rows, bounds, deadline=self._height.deadline)
        for k in directions:
            for side in (1.0, -1.0):
                program.set_costs(side * coordinates.to_x[k])
                facet = -program.solve().value * self._mass
                facet[k] += side
                yield facet

    @property
    def n_programs(self) -> int:
        """The linear programs solved so far."""
        return self._height.n_solves + self._distance.n_solves

    def price(self, prices: FloatArray, *, stop: float, deadline: float) -> Pricing:
        """Bound max { phi(u(v)) - <prices, v> : v in C, mass 1 } and collect good v.

        Parameters
        ----------
        prices : ndarray, shape (n,)
        stop : float
            Values below this need no confirmation (nats).
        deadline : float
            As time.perf_counter() counts.
        """
        self._reachable.deadline = self._height.deadline = self._distance.deadline = deadline
        self._height.set_costs(prices)
        self._height.set_bounds(self._x_rows, self._centre)
        centre = self._height.solve()
        epigraph = self._first_epigraph(centre.prices[self._x_rows.start :])
        closed = np.zeros(len(epigraph.rays), dtype=bool)
        columns = [centre.point]
        best = float(pointwise_information(self._coordinates.basis @ self._centre, self._cone.p_y)) - centre.value
        while True:
            vertex, x, height, value = self._vertices(epigraph)
            is_open = ~closed[vertex]
            # No vertex at all: rounding has eaten the cone, and nothing is proved.
            bound = max(float(value.max()), best) if len(vertex) else np.inf
            is_done = not is_open.any() or value[is_open].max() <= max(best, stop)
            if is_done or time.perf_counter() > deadline or len(epigraph.rays) > MAX_VERTICES:
                return Pricing(bound, np.array(columns), bool(is_done and len(vertex)))
            top = int(np.flatnonzero(is_open)[value[is_open].argmax()])
            staying = None
            try:
                cut, column = self._cut_at(x[top])
                if column is not None:
                    columns.append(column)
                    best = max(best, float(self._cone.information(column) - prices @ column))
                if cut is not None and cut[:-1] @ x[top] + cut[-1] * height[top] < -CONFIRMED:
                    staying = epigraph.add(cut)
            except TimeoutError:
                return Pricing(bound, np.array(columns), is_complete=False)
            if staying is None:
                closed[vertex[top]] = True
            else:
                closed = np.concatenate([closed[staying], np.zeros(len(epigraph.rays) - staying.sum(), dtype=bool)])

    def _first_epigraph(self, slope: FloatArray) -> DoubleDescription:
        """Return {(x, height) : x reachable, height >= <slope, x>}: one vertex a ray of the reachable cone, and up."""
        shape = self._reachable
        n_rays, n_facets = shape.tight.shape
        rays = np.column_stack([shape.rays, shape.rays @ slope])
        up = np.zeros((1, rays.shape[1]))
        up[0, -1] = 1.0
        tight = np.zeros((n_rays + 1, n_facets + 1), dtype=bool)
        tight[:-1, :-1] = shape.tight
        tight[:-1, -1] = True
        tight[-1, :-1] = True
        return DoubleDescription(np.concatenate([rays, up]), tight, deadline=shape.deadline)

    def _vertices(self, epigraph: DoubleDescription) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
        """Return the rays that are vertices at mass one: their index, x, height and phi - height."""
        mass = epigraph.rays[:, :-1] @ self._mass
        vertex = np.flatnonzero(mass > _NO_MASS)
        x = epigraph.rays[vertex, :-1] / mass[vertex, None]
        height = epigraph.rays[vertex, -1] / mass[vertex]
        information = pointwise_information(x @ self._coordinates.basis.T, self._cone.p_y)
        return vertex, x, height, information - height

    def _cut_at(self, x: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        """Return an inequality on (x, height) that holds on the epigraph of h, and the point v behind it.

        It is the supporting cut of h at x, or, where x is out of reach, a facet of the reachable cone (and no point).
        Where rounding leaves neither, there is no cut, and the vertex stays in the bound.
        """
        for pull in _PULLS:
            self._height.set_bounds(self._x_rows, (1.0 - pull) * x + pull * self._centre)
            optimum = self._height.solve_if_possible()
            if optimum is not None:
                return np.append(-optimum.prices[self._x_rows.start :], 1.0), optimum.point
            if pull == 0.0:
                facet = self._facet_at(x)
                if facet is not None:
                    return np.append(facet, 0.0), None
        return None, None

    def _facet_at(self, x: FloatArray) -> FloatArray | None:
        """Return a facet of the reachable cone that cuts x off and keeps the centre, or None."""
        self._distance.set_bounds(self._x_rows, x)
        distance = self._distance.solve_if_possible()
        if distance is None or distance.value < _REACHED:
            return None
        facet = -distance.prices[self._x_rows.start :]
        if facet @ self._centre <= 0.0:
            return None
        self._reachable.add(facet)
        return facet
