"""The optimisation problem behind BROJA's atoms as every solver sees it: arguments, candidates, certificates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, get_args, overload

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace

from pidkit.pid.array_math import Array, ratio
from pidkit.pid.certificate import FactoredCoupling, FeasiblePotentials, feasible_coupling, feasible_potentials
from pidkit.types import FloatArray, IntArray, SolverStatus

Start = tuple[FloatArray, FloatArray, FloatArray]
"""A warm start: lam, mu (log potentials, -inf off the supports) and weights."""

Progress = Callable[[int, float], object]
"""Called now and then by a solver with the iteration and the gap in nats."""

CONTRADICTION = 1e-12
"""Nats by which a lower bound may exceed an upper one through rounding; more would be a fault of the certificate."""

NEWTON_STEP_LIMIT = 400
"""Newton steps that the interior point may take where nobody says otherwise; it takes 5 to 20 but for a few joints."""

STATUS_NAMES: tuple[SolverStatus, ...] = get_args(SolverStatus)
"""The status of a solve as results show it; compiled code counts with the positions."""

CONVERGED, OUT_OF_ITERATIONS, STALLED = range(len(STATUS_NAMES))
"""The positions in STATUS_NAMES."""

TINY_MASS = 1e-300
"""Masses below are counted as zero by the solvers."""

SPARSE_TARGETS = 20
"""Target symbols that a symbol meets on average below which tables of many target symbols are sparse."""


@dataclass(frozen=True)
class Candidate:
    """What a solver returns: potentials, weights and the two bounds of F* that they prove, in nats.

    Attributes
    ----------
    lam, mu : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        Log potentials, -inf off the supports.
    weights : ndarray, shape (n_x1, n_x2)
        exp(lam[y]) weights exp(mu[y]) is the coupling before rounding.
    lower, upper : FeasiblePotentials, FactoredCoupling
        The best bounds met on the way; they may come from different iterates.
    iterations : int
    status : str
        "converged", "max_iter" or "stalled".
    """

    lam: FloatArray
    mu: FloatArray
    weights: FloatArray
    lower: FeasiblePotentials
    upper: FactoredCoupling
    iterations: int
    status: str

    @property
    def gap(self) -> float:
        """The certified gap in nats: how far the two bounds are apart."""
        return self.upper.value - self.lower.value

    def verdict(self, tol: float) -> str:
        """Return the status that the bounds bear out: "converged" exactly where they prove a gap of at most `tol`."""
        return verdict(self.status, proves(self.gap, tol))

    def swapped(self) -> Candidate:
        """Return the same candidate with the two sources exchanged."""
        low, up = self.lower, self.upper
        return replace(
            self,
            lam=self.mu,
            mu=self.lam,
            weights=self.weights.T,
            lower=replace(low, lam=low.mu, mu=low.lam),
            upper=replace(up, a=up.b, b=up.a, w=up.w.T, r=up.c, c=up.r),
        )


@dataclass(frozen=True)
class CandidateBatch:
    """What a solver returns for many problems of one shape: of every `Candidate` what results show, in nats.

    Attributes
    ----------
    lam, mu : ndarray or Tensor, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        The dual-feasible log potentials that prove `lower`, -inf off the supports.
    weights : ndarray or Tensor, shape (n, n_x1, n_x2)
        Q(x1, x2) of the couplings, up to the certified gap.
    lower, upper : ndarray, shape (n,)
        The best bounds of F*.
    marginal_residual : ndarray, shape (n,)
        Largest error of the marginals of each coupling.
    iterations : ndarray of int, shape (n,)
    status : ndarray of str, shape (n,)
        "converged", "max_iter" or "stalled", as the solver says.
    """

    lam: FloatArray
    mu: FloatArray
    weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    marginal_residual: FloatArray
    iterations: IntArray
    status: npt.NDArray[np.str_]

    @property
    def gap(self) -> FloatArray:
        """The certified gap of every problem in nats, shape (n,)."""
        return self.upper - self.lower

    def verdict(self, tol: float) -> npt.NDArray[np.str_]:
        """Return the status of every problem that its bounds bear out, as `Candidate.verdict` does, shape (n,)."""
        proved = proves(self.gap, tol)
        found = [verdict(*one) for one in zip(self.status.tolist(), proved.tolist(), strict=True)]
        return np.array(found, dtype=np.str_)

    def swapped(self) -> CandidateBatch:
        """Return the same candidates with the two sources exchanged."""
        return replace(self, lam=self.mu, mu=self.lam, weights=self.weights.mT)


@overload
def proves(gap: float, tol: float) -> bool: ...
@overload
def proves(gap: FloatArray, tol: float) -> npt.NDArray[np.bool_]: ...
def proves(gap: float | FloatArray, tol: float) -> bool | npt.NDArray[np.bool_]:
    """Return whether bounds that lie `gap` apart prove F* to within `tol`, both in nats; elementwise for arrays.

    A NaN proves nothing; nor does a lower bound that exceeds the upper one by more than rounding (CONTRADICTION).

    Examples
    --------
    >>> [proves(gap, 1e-9) for gap in (1e-10, -1e-15, 1e-8, -1e-11, float("nan"))]
    [True, True, False, False, False]
    """
    return (gap >= -CONTRADICTION) & (gap <= tol)


def verdict(status: str, proved: bool) -> str:  # noqa: FBT001
    """Return "converged" where the bounds prove the tolerance, else why not: what the solver said, or "stalled".

    A solver that claims to have converged where its bounds do not prove it was defeated by rounding.
    """
    if proved:
        return "converged"
    return "stalled" if status == "converged" else status


class Solver(Protocol):
    """One way to solve the problem.

    `tol` is the certified gap asked for, in nats. Every y, x1 and x2 has mass, and both marginals have the same P(y).
    """

    def __call__(
        self,
        p_yx1: FloatArray,
        p_yx2: FloatArray,
        *,
        tol: float,
        max_iter: int | None = None,
        init: Start | None = None,
        progress: Progress | None = None,
    ) -> Candidate:
        """Return the best candidate found, whether or not it reached `tol`."""
        ...


def certify(p_yx1: FloatArray, p_yx2: FloatArray, start: Start, *, iterations: int, status: str) -> Candidate:
    """Bound F* from both sides with one pair of potentials and weights."""
    lam, mu, weights = start
    lower = feasible_potentials(p_yx1, p_yx2, lam, mu)
    upper = feasible_coupling(p_yx1, p_yx2, lam, mu, weights)
    return Candidate(lam, mu, weights, lower, upper, iterations, status)


def without_tiny_masses(p_yx1: FloatArray, p_yx2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the pair marginals, shapes (..., n_y, n_x1) and (..., n_y, n_x2), with masses below TINY_MASS at zero.

    Next to the smallest float64 numbers a mass has no digits left, and its inverse is infinite. A y that loses all its
    mass in one table loses it in both. A mass m moved changes -H(Y|X1,X2) by less than m (1 + log(n_y / m)), which for
    a million of these masses is below 1e-290 nats: added to a gap, it changes no digit of it.

    Examples
    --------
    >>> import numpy as np
    >>> without_tiny_masses(np.array([[1.0], [4e-305]]), np.array([[0.5, 0.5], [0.0, 4e-305]]))[1]
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    pair = (p_yx1, p_yx2)
    if not any(((p > 0.0) & (p < TINY_MASS)).any() for p in pair):
        return pair
    first, second = (np.where(p < TINY_MASS, 0.0, p) for p in pair)
    both = first.any(-1, keepdims=True) & second.any(-1, keepdims=True)
    return first * both, second * both


def shared_support(p_yx1: Array, p_yx2: Array) -> Array:
    """Return which pairs (x1, x2) share a y: elsewhere every coupling in Delta_P is zero."""
    xp = array_namespace(p_yx1)
    first, second = (xp.astype(p > 0.0, p.dtype) for p in (p_yx1, p_yx2))
    return first.mT @ second > 0.0


def conditionally_independent(p_yx1: Array, p_yx2: Array) -> Array:
    """Return sum_y P(y, x1) P(y, x2) / P(y): the pair mass of the coupling with X1 - Y - X2, a member of Delta_P."""
    return ratio(p_yx1, p_yx1.sum(-1, keepdims=True)).mT @ p_yx2


def is_sparse(p_yx1: Array, p_yx2: Array) -> bool:
    """Return whether the symbols of either source meet few target symbols on average: under half of them, and under 20.

    Such tables, counts of few samples, fall apart into blocks. A Newton step is cheap there and scaling slow to
    certify what it has found: the blocks' potentials may drift against one another, which costs the lower bound.
    """
    few = min(SPARSE_TARGETS, 0.5 * p_yx1.shape[-2])
    return any(float((p > 0.0).sum()) < few * float((p.sum(-2) > 0.0).sum()) for p in (p_yx1, p_yx2))


def newton_cost(p_yx1: FloatArray, p_yx2: FloatArray) -> float:
    """Estimate the multiplications of one Newton step: forming and factoring the Schur complement."""
    small, large = sorted((np.count_nonzero(p_yx1), np.count_nonzero(p_yx2)))
    return 0.5 * small**2 * large + small**3 / 6.0
