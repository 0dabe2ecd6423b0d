"""Column generation: improve a mixture of points of a cone until its value meets a proved upper bound.

Master program over the points v_k found so far:   max sum_k m_k phi(u(v_k))  s.t.  sum_k m_k v_k = total,  m >= 0.
Its value is a lower bound, its prices z (one a variable) a proposal for the dual
    min <z, total>   s.t.   <z, v> >= phi(u(v)) for all v in C,
and if no v of mass one violates z by more than delta, then <z, total> + delta mass(total) is an upper bound
(Farley, Operations Research 38(5), 1990). Prices are smoothed towards those of the best bound
(Wentges, International Transactions in Operational Research 4(2), 1997).
"""

from __future__ import annotations

import time

import numpy as np

from pidkit.errors import SolverError
from pidkit.intersection.ascent import Climber
from pidkit.intersection.cone import Cone, ConeSplit
from pidkit.intersection.coordinates import Coordinates
from pidkit.intersection.linear_program import LinearProgram
from pidkit.intersection.pricing import EASY, Pricer
from pidkit.pid.solvers.problem import Progress
from pidkit.types import FloatArray

SMOOTHING = 0.5
"""Weight of the prices of the best bound in the prices that are tried next. It damps the oscillation of the prices: 0
would be plain column generation, and near 1 the prices would hardly move."""

WORTHWHILE = 1e-10
"""Nats by which exact pricing must find a point violated for it to enter the master program: the tolerance of HiGHS."""

MAX_CLIMBS = 60
"""Rounds of local ascent at most, before exact pricing takes over."""

MOST_INCOMPLETE = 2
"""Pricings too large to complete after which the search ends with status "size_limit"."""

CLIMBED = 1e-6
"""The same as WORTHWHILE, in nats, for a point found by local ascent: smaller gains are left to exact pricing."""

LEAST_REST = 1e-6
"""Mass of the total that a new point must leave over for the remainder to enter the master program as well."""


def generate_columns(
    cone: Cone,
    coordinates: Coordinates,
    *,
    tol: float,
    deadline: float = np.inf,
    max_iter: int | None = None,
    progress: Progress | None = None,
) -> ConeSplit:
    """Maximise sum_q phi(u(v_q)) over the ways to split the total of a cone, with a certified gap.

    Parameters
    ----------
    cone : Cone
    coordinates : Coordinates
        Those of the cone.
    tol : float
        The gap to reach, in nats.
    deadline : float
        As time.perf_counter() counts.
    max_iter : int, optional
        Master programs allowed.
    progress : callable, optional
        Called with the number of every master program and the gap in nats.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.intersection.coordinates import find_coordinates
    >>> from pidkit.intersection.griffith_ho import griffith_ho_cone
    >>> p = np.random.default_rng(0).dirichlet(np.ones(8)).reshape(2, 2, 2)
    >>> cone = griffith_ho_cone(p).cone
    >>> round(generate_columns(cone, find_coordinates(cone), tol=1e-9).lower / float(np.log(2.0)), 10)
    0.0019637858
    """
    try:
        generation = _Generation(cone, coordinates, deadline)
    except (TimeoutError, SolverError) as ended:
        status = "time_limit" if isinstance(ended, TimeoutError) else "stalled"
        return ConeSplit(float(cone.information(cone.total)), cone.largest, cone.total[None], status, 0, 0)
    return generation.run(tol=tol, max_iter=max_iter, progress=progress)


class _Generation:
    """One run of column generation: the points, the master program and the pricer."""

    def __init__(self, cone: Cone, coordinates: Coordinates, deadline: float) -> None:
        self._cone, self._free, self._deadline = cone, coordinates.free, deadline
        self._pricer = Pricer(cone, coordinates, deadline=deadline)
        self._climber = Climber(cone, coordinates, deadline=deadline) if coordinates.n_posterior > EASY else None
        self._n_climbs = self._n_incomplete = self._iterations = 0
        self._smoothing, self._status = SMOOTHING, ""
        self._best_prices: FloatArray | None = None
        self._lower, self._upper = float(cone.information(cone.total)), cone.largest
        self._weights: FloatArray = np.full(1, cone.mass)
        self._points = [cone.total / cone.mass]
        # Rows are divided by their right-hand side: a rare outcome weighs as much as a common one.
        self._scale = 1.0 / cone.total[self._free]
        start = self._points[0][self._free] * self._scale
        cost = -np.atleast_1d(cone.information(self._points[0]))
        self._master = LinearProgram(cost, start[:, None], np.ones(len(start)), deadline=deadline)

    def run(self, *, tol: float, max_iter: int | None, progress: Progress | None) -> ConeSplit:
        """Alternate master and pricing until the gap is `tol`, a limit is met, nothing more is found or HiGHS gives up.

        The last ends the search as rounding does, with status "stalled" and the interval reached.
        """
        status = ""
        while not status:
            try:
                status = self._iterate(tol, max_iter, progress)
            except SolverError:
                status = "stalled" if time.perf_counter() <= self._deadline else "time_limit"
        weights = self._weights
        parts = np.maximum(weights, 0.0)[:, None] * np.array(self._points[: len(weights)])
        n_programs = self._master.n_solves + self._pricer.n_programs
        n_programs += 0 if self._climber is None else self._climber.n_programs
        return ConeSplit(self._lower, self._upper, parts[weights > 0.0], status, self._iterations, n_programs)

    def _iterate(self, tol: float, max_iter: int | None, progress: Progress | None) -> str:
        """Solve one master program and price its dual; return the status with which to end, or an empty string."""
        self._iterations += 1
        optimum = self._master.solve()
        self._lower, self._weights = -optimum.value, optimum.point
        gap = self._upper - self._lower
        if progress is not None:
            progress(self._iterations, gap)
        prices = np.zeros(len(self._cone.total))
        prices[self._free] = -optimum.prices * self._scale
        status = _status(gap, tol, self._deadline, self._iterations, max_iter) or self._status
        if status or self._climb(prices, optimum.point):
            return status
        best, smoothing = self._best_prices, self._smoothing
        tried = prices if best is None else smoothing * best + (1.0 - smoothing) * prices
        pricing = self._pricer.price(tried, stop=tol / 4.0, deadline=self._deadline)
        bound = float(tried @ self._cone.total) + pricing.bound * self._cone.mass
        if bound < self._upper:
            self._upper, self._best_prices = bound, tried
        n_added = self._extend(pricing.columns, prices)
        if not pricing.is_complete and time.perf_counter() <= self._deadline:
            self._n_incomplete += 1
            self._status = "size_limit" if not n_added or self._n_incomplete > MOST_INCOMPLETE else ""
        elif n_added:
            self._smoothing = SMOOTHING
        elif np.array_equal(tried, prices):  # the optimal prices admit no better point
            self._status = "stalled"
        else:
            self._smoothing = 0.0
        return ""

    def _climb(self, prices: FloatArray, weights: FloatArray) -> int:
        """Add points found by local ascent from the posteriors of the symbols in use; return how many."""
        if self._climber is None or self._n_climbs == MAX_CLIMBS:
            return 0
        self._n_climbs += 1
        used = np.array(self._points)[weights > 0.0] @ self._cone.to_target.T
        reached = self._climber.climb_from_all(prices, used, deadline=self._deadline)
        return self._extend(reached, prices, least=CLIMBED)

    def _extend(self, columns: FloatArray, prices: FloatArray, *, least: float = WORTHWHILE) -> int:
        """Add the points worth more than the current prices, and the rest that the best of them leaves of the total."""
        worth = self._cone.information(columns) - columns @ prices
        better = np.flatnonzero(worth > least)
        for k in better:
            self._add(columns[k])
        if len(better):
            best = columns[worth.argmax()]
            share = (self._cone.total[best > 0.0] / best[best > 0.0]).min()
            rest = np.maximum(self._cone.total - share * best, 0.0)
            mass = float((self._cone.to_target @ rest).sum())
            if mass > LEAST_REST:
                self._add(rest / mass)
        return len(better)

    def _add(self, point: FloatArray) -> None:
        """Append one point to the master program."""
        point = np.maximum(point, 0.0)  # a solver leaves -1e-18
        self._points.append(point)
        self._master.add_column(-float(self._cone.information(point)), point[self._free] * self._scale)


def _status(gap: float, tol: float, deadline: float, iterations: int, max_iter: int | None) -> str:
    """Return the status with which to stop, or an empty string to go on."""
    if gap <= tol:
        return "converged"
    if time.perf_counter() > deadline:
        return "time_limit"
    return "max_iter" if max_iter is not None and iterations > max_iter else ""
