"""Local ascent: find good columns where the posterior has too many dimensions for exact pricing.

phi is convex, so phi(u) >= <grad phi(u0), u> with equality at u0: a linear program for the right-hand side minus the
prices can only raise phi(u(v)) - <z, v>, and repeating it climbs to a local maximum (the convex-concave procedure,
Yuille & Rangarajan, Neural Computation 15(4), 2003). It proves nothing; it fills the master program.
"""

from __future__ import annotations

import time

import numpy as np

from pidkit.intersection.cone import Cone
from pidkit.intersection.coordinates import Coordinates
from pidkit.intersection.linear_program import LinearProgram
from pidkit.types import FloatArray

RISE = 1e-9
"""Nats below which a step no longer counts as progress, and the climb ends: ten times the programs' tolerance."""

_LEAST_PROBABILITY = 1e-12
"""Zero probabilities count as this in a logarithm, so that slopes stay finite."""


class Climber:
    """Climb from a posterior to a point of the cone where phi(u(v)) - <prices, v> is locally largest."""

    def __init__(self, cone: Cone, coordinates: Coordinates, *, deadline: float = np.inf) -> None:
        """Build the program over the points of mass one."""
        self._cone = cone
        rows = np.vstack([coordinates.equalities, cone.to_target.sum(0)])
        bounds = np.zeros(len(rows))
        bounds[-1] = 1.0
        self._program = LinearProgram(np.zeros(len(cone.total)), rows, bounds, deadline=deadline)

    @property
    def n_programs(self) -> int:
        """The linear programs solved so far."""
        return self._program.n_solves

    def climb(self, prices: FloatArray, posterior: FloatArray) -> FloatArray:
        """Return the point of mass one reached from a posterior.

        Parameters
        ----------
        prices : ndarray, shape (n,)
        posterior : ndarray, shape (n_y,)
        """
        cone = self._cone
        point, value = cone.total / cone.mass, -np.inf
        u = posterior
        while True:
            slope = np.log(np.maximum(u, _LEAST_PROBABILITY) / cone.p_y)
            self._program.set_costs(prices - slope @ cone.to_target)
            candidate = np.maximum(self._program.solve().point, 0.0)  # a solver leaves -1e-18
            reached = float(cone.information(candidate) - prices @ candidate)
            if reached <= value + RISE:
                return point
            point, value = candidate, reached
            u = cone.to_target @ point

    def climb_from_all(self, prices: FloatArray, posteriors: FloatArray, *, deadline: float = np.inf) -> FloatArray:
        """Return the points reached from every value of the target for sure and every posterior, until the deadline."""
        starts = np.concatenate([np.eye(len(self._cone.p_y)), posteriors])
        reached: list[FloatArray] = []
        for start in starts:
            if reached and time.perf_counter() > deadline:
                break
            reached.append(self.climb(prices, start))
        return np.array(reached)
