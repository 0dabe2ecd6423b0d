"""Independent coordinates of a cone: the null space of its equalities, its free variables and posterior directions.

Whether a weak equality is one decides the value, which is discontinuous there. In relative variables (`Cone.relative`)
an outcome of small mass is a constraint of small weight, of a singular value of about its share of its own y and source
symbol, and rounding moves singular values by 1e-15. Where one lies so low that float64 cannot tell, both cones are
made: the narrow one, in which it is an equality, and the wide one, in which it is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from pidkit.intersection.cone import Cone
from pidkit.types import FloatArray, IntArray

NOISE, CERTAIN = 1e-14, 1e-12
"""Shares of the largest singular value: an equality below the first is none, above the second it is one, and in between
nothing is decided."""

FLAT = 1e-9
"""Share of the largest deviation of the posterior below which a direction is left out; `left_out` bounds what it may
hold."""

_CLEAN = 1e-14
"""Coefficients of the reduced equalities below this are rounding."""


@dataclass(frozen=True)
class Coordinates:
    """Hold the independent coordinates of a cone.

    Attributes
    ----------
    null_space : ndarray, shape (n, dimension)
        Orthonormal basis of the linear span of the cone.
    equalities : ndarray, shape (rank, n)
        Each expresses one variable by the free ones: as independent as rows can be, however weak the equalities of the
        cone are.
    free : ndarray of int, shape (dimension,)
        Variables that determine all others.
    basis : ndarray, shape (n_y, n_posterior)
        u = basis @ x: the directions in which P(y, q) can vary, scaled to how far it does.
    to_x : ndarray, shape (n_posterior, n)
        x = to_x @ v, for v in the span of the cone.
    reach : ndarray, shape (n_posterior,)
        How far the posterior varies along each direction, as a share of the first.
    left_out : float
        Nats that the directions left out may hold at most.
    weakest : float
        The smallest singular value of an equality as a share of the largest: rounding of the masses turns the null
        space by some 1e-16 over it.
    n_undecided : int
        Equalities, counted as such or not, that float64 cannot tell from none.
    """

    null_space: FloatArray
    equalities: FloatArray
    free: IntArray
    basis: FloatArray
    to_x: FloatArray
    reach: FloatArray
    left_out: float
    weakest: float
    n_undecided: int

    @property
    def dimension(self) -> int:
        """The dimension of the cone."""
        return int(self.null_space.shape[1])

    @property
    def n_posterior(self) -> int:
        """The dimension of the cone of reachable P(y, q); one means that every q has the same posterior."""
        return int(self.basis.shape[1])


def find_coordinates(cone: Cone, *, wide: bool = False) -> Coordinates:
    """Find independent rows, free variables and posterior directions of a cone, by SVD and pivoted QR.

    Parameters
    ----------
    cone : Cone
    wide : bool
        Whether equalities that are not decided count as none.

    Examples
    --------
    >>> import numpy as np
    >>> cone = Cone(np.array([[1.0, -1.0, 0.0]]), np.eye(3), np.ones(3) / 3, np.ones(3) / 3)
    >>> find_coordinates(cone).dimension
    2
    """
    null_space, strengths = _null_space(cone.equalities, wide=wide)
    n, dimension = null_space.shape
    free = scipy.linalg.qr(null_space.T, mode="r", pivoting=True)[1][:dimension]
    others = np.setdiff1d(np.arange(n), free)
    by_free = np.linalg.solve(null_space[free].T, null_space[others].T).T
    equalities = np.zeros((n - dimension, n))
    equalities[np.arange(n - dimension), others] = 1.0
    equalities[:, free] = -np.where(np.abs(by_free) > _CLEAN, by_free, 0.0)
    # Deviations of P(y, q) are measured in units of the square root of P(y): rare targets count as in phi.
    unit = np.sqrt(cone.p_y)[:, None]
    left, scale, right = np.linalg.svd((cone.to_target / unit) @ null_space, full_matrices=False)
    # Of the y of other parts, rounding would pass for an inequality.
    left *= np.any(cone.to_target, axis=1, keepdims=True)
    n_posterior = int((scale > FLAT * scale[0]).sum())
    dropped = float(scale[n_posterior:].max(initial=0.0))
    return Coordinates(
        null_space=null_space,
        equalities=equalities,
        free=np.asarray(free, dtype=np.int64),
        basis=left[:, :n_posterior] * scale[:n_posterior] * unit,
        to_x=right[:n_posterior] @ null_space.T,
        reach=scale[:n_posterior] / scale[0],
        left_out=dropped * np.sqrt(n) * cone.largest if dropped > NOISE * scale[0] else 0.0,
        weakest=float(strengths[: n - dimension].min(initial=1.0)),
        n_undecided=int(((strengths > NOISE) & (strengths <= CERTAIN)).sum()),
    )


def _null_space(equalities: FloatArray, *, wide: bool) -> tuple[FloatArray, FloatArray]:
    """Return an orthonormal basis of the null space, and all singular values as shares of the largest."""
    if not len(equalities):
        return np.eye(equalities.shape[1]), np.zeros(0)
    _, scale, right = scipy.linalg.svd(equalities)
    strengths = scale / scale[0]
    rank = int((strengths > (CERTAIN if wide else NOISE)).sum())
    return np.asarray(right[rank:].T), strengths
