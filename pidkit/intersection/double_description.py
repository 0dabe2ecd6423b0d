"""The double description method: maintain the extreme rays of a polyhedral cone while inequalities are added."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import scipy.linalg

from pidkit.types import FloatArray

BoolArray = npt.NDArray[np.bool_]

TIGHT = 1e-10
"""A unit ray within this distance of the hyperplane of a unit inequality counts as lying on it; rounding is 1e-15."""

_BLOCK = 4096
"""Pairs of rays tested for adjacency at a time, which bounds the memory of the test."""


class DoubleDescription:
    """Hold {x : g . x >= 0 for every inequality g} as unit extreme rays and the inequalities tight at each.

    A new inequality removes the rays that violate it and adds one on every edge that it crosses; two rays span an
    edge if no third is tight wherever both are (the combinatorial test).

    Parameters
    ----------
    rays : ndarray, shape (n_rays, dimension)
    tight : ndarray of bool, shape (n_rays, n_inequalities)
    deadline : float
        As time.perf_counter() counts: an inequality that is not added by then raises TimeoutError and changes nothing.

    References
    ----------
    Fukuda & Prodon, "Double description method revisited", LNCS 1120, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> square = DoubleDescription.from_inequalities(np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 1], [0, -1, 1.0]]))
    >>> len(square.rays)
    4
    """

    def __init__(self, rays: FloatArray, tight: BoolArray, *, deadline: float = np.inf) -> None:
        """Start from rays that are known."""
        self.deadline = deadline
        self.rays = rays / np.linalg.norm(rays, axis=1)[:, None]
        self.tight = tight

    @classmethod
    def from_inequalities(
        cls, inequalities: FloatArray, *, max_rays: int | None = None, deadline: float = np.inf
    ) -> DoubleDescription:
        """Enumerate the extreme rays of {x : inequalities @ x >= 0}, a pointed cone with interior.

        With `max_rays`, stop adding inequalities once there are more rays: the cone returned is then too large.
        Raises TimeoutError where the deadline passes.
        """
        dimension = inequalities.shape[1]
        # A simplicial cone first, from rows as independent as pivoting finds them.
        order = scipy.linalg.qr(inequalities.T, mode="economic", pivoting=True)[2]
        start = inequalities[order[:dimension]]
        cone = cls(
            np.asarray(np.linalg.inv(start).T, dtype=np.float64), ~np.eye(dimension, dtype=bool), deadline=deadline
        )
        for inequality in inequalities[order[dimension:]]:
            if max_rays is not None and len(cone.rays) > max_rays:
                break
            cone.add(inequality)
        return cone

    def add(self, inequality: FloatArray) -> BoolArray | None:
        """Intersect with {x : inequality . x >= 0}; return which rays stay (new ones follow them), or None for all."""
        depth = self.rays @ (inequality / np.linalg.norm(inequality))
        outside, inside = np.flatnonzero(depth < -TIGHT), np.flatnonzero(depth > TIGHT)
        if not len(outside):
            return None
        staying = depth >= -TIGHT
        first, second, shared = self._edges(inside, outside)
        crossing = depth[first, None] * self.rays[second] - depth[second, None] * self.rays[first]
        crossing /= np.linalg.norm(crossing, axis=1)[:, None]
        self.rays = np.concatenate([self.rays[staying], crossing])
        old = np.column_stack([self.tight[staying], np.abs(depth[staying]) <= TIGHT])
        new = np.column_stack([shared, np.ones(len(shared), dtype=bool)])
        self.tight = np.concatenate([old, new])
        return np.asarray(staying)

    def _edges(
        self, inside: npt.NDArray[np.intp], outside: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], BoolArray]:
        """Find the adjacent pairs between two groups of rays, with the inequalities tight at both."""
        tight = self.tight.astype(np.float32)  # counts below 2^24 are exact
        n_shared = tight[inside] @ tight[outside].T
        i, j = np.nonzero(n_shared >= self.rays.shape[1] - 2)
        first, second = inside[i], outside[j]
        shared = self.tight[first] & self.tight[second]
        n_holders = np.zeros(len(shared), dtype=np.int64)
        for block in range(0, len(shared), _BLOCK):
            if time.perf_counter() > self.deadline:
                raise TimeoutError
            some = shared[block : block + _BLOCK].astype(np.float32)
            n_holders[block : block + _BLOCK] = (some @ tight.T >= some.sum(1)[:, None] - 0.5).sum(1)
        edge = n_holders == 2
        return first[edge], second[edge], shared[edge]
