"""The polyhedral cone of one value of the common variable: its constraints, its P(Y, q), and the total to be split.

Every measure here is a program over such a cone C (masses of one value q of the common variable Q):

    maximise  sum_q phi(U v_q)   subject to   sum_q v_q = total,  v_q in C = {v >= 0 : equalities @ v = 0},
    phi(u) = sum_y u(y) log( u(y) / (p(y) sum(u)) ),   u_q(y) = P(y, q),

whose value is I(Q; Y). phi is convex and positively homogeneous, so the optimum is attained on extreme rays of C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pidkit.errors import InputError
from pidkit.types import FloatArray, IntArray

LEAST_MASS = 1e-12
"""The smallest positive mass of a joint that linear programs with tolerances of 1e-10 can tell from zero."""


def pointwise_information(u: FloatArray, p_y: FloatArray) -> FloatArray:
    """Compute phi(u) = sum_y u(y) log( u(y) / (p(y) sum(u)) ) along the last axis, in nats.

    Entries that rounding left below zero count as zero.

    Examples
    --------
    >>> import numpy as np
    >>> pointwise_information(np.array([[0.5, 0.0], [0.5, 0.5]]), np.array([0.5, 0.5])).round(6).tolist()
    [0.346574, 0.0]
    """
    positive = np.maximum(u, 0.0)
    mass = positive.sum(-1, keepdims=True)
    ratio = np.divide(positive, p_y * mass, out=np.ones_like(positive), where=positive > 0.0)
    return np.asarray((positive * np.log(ratio)).sum(-1))


def refuse_tiny_masses(p: FloatArray) -> None:
    """Raise InputError where a joint holds positive masses below 1e-12: whether they are zero decides the value."""
    least = p[p > 0.0].min()
    if least < LEAST_MASS:
        raise InputError(
            f"p holds a mass of {least:.1e}, below {LEAST_MASS:.0e}; intersection information is discontinuous where a "
            "mass becomes zero, so decide: set such masses to zero and renormalise, or add to them"
        )


@dataclass(frozen=True)
class Cone:
    """Describe C by its equalities, the map to P(y, q) and the total to be split; all variables are masses.

    Attributes
    ----------
    equalities : ndarray, shape (m, n)
    to_target : ndarray, shape (n_y, n)
        U in u = U v.
    total : ndarray, shape (n,)
        Positive, and itself in the cone.
    p_y : ndarray, shape (n_y,)
    """

    equalities: FloatArray
    to_target: FloatArray
    total: FloatArray
    p_y: FloatArray

    @property
    def mass(self) -> float:
        """The mass of the total, sum_y u(y): one for a whole joint."""
        return float((self.to_target @ self.total).sum())

    @property
    def largest(self) -> float:
        """A bound of the information of any split, in nats: phi(u) <= sum(u) log(1 / min p_y)."""
        return -self.mass * float(np.log(self.p_y.min()))

    def relative(self) -> Cone:
        """Return the cone of v / total, in which the total is all ones and each equality has entries up to one.

        A rare outcome weighs as much as a common one there, in its constraints and in v >= 0: in masses an outcome of
        1e-9 may break its Markov chain by all of its mass within the tolerance of a linear program.
        """
        rows = self.equalities * self.total
        scale = np.abs(rows).max(1, initial=0.0, keepdims=True)
        rows = np.divide(rows, scale, out=np.zeros_like(rows), where=scale > 0.0)
        return Cone(rows, self.to_target * self.total, np.ones(len(self.total)), self.p_y)

    def information(self, points: FloatArray) -> FloatArray:
        """Compute phi(U v) for rows v of `points`, in nats."""
        return pointwise_information(points @ self.to_target.T, self.p_y)

    def split(self) -> list[tuple[IntArray, Cone]]:
        """Return the parts of the cone that no equality ties together; the program can be solved part by part.

        Returns
        -------
        list of (ndarray, Cone)
            The variables of each part and its own cone, with the p_y of the whole.
        """
        tied = csr_array(self.equalities != 0.0).astype(np.float64)
        n_parts, part = connected_components(tied.T @ tied, directed=False)
        pieces = []
        for k in range(n_parts):
            index = np.flatnonzero(part == k)
            rows = np.any(self.equalities[:, index] != 0.0, axis=1)
            equalities = self.equalities[np.ix_(rows, index)]
            pieces.append((index, Cone(equalities, self.to_target[:, index], self.total[index], self.p_y)))
        return pieces


@dataclass(frozen=True)
class ConeSplit:
    """A way to split the total of a cone among common symbols, and what is proved about it.

    Attributes
    ----------
    lower, upper : float
        The value of `parts` and a bound on that of any split, in nats.
    parts : ndarray, shape (n_q, n)
        Masses of each symbol: points of the cone that sum to the total.
    status : str
        "converged", "max_iter", "time_limit", "size_limit" or "stalled".
    iterations, n_programs : int
    """

    lower: float
    upper: float
    parts: FloatArray
    status: str
    iterations: int
    n_programs: int
