"""Solver "scaling": matrix products alone, an accelerated mirror ascent on pair weights, for problems of any size.

The optimal coupling is Q[y] = A[y] W B[y] with A = exp(lam), B = exp(mu) and weights W >= 0 on the pairs (x1, x2).
For given W the potentials solve n_y matrix scalings with the shared kernel W (`matrix_scaling`). What remains is to
maximise a concave function of W alone whose gradient is A'B - 1, and the multiplicative step

    W <- W (A'B)^step

is mirror ascent on it. Alone it is sublinear where the optimum is degenerate. Nesterov's momentum in log W makes it
ten to a hundred times faster, on three conditions that were found by measurement: it is dropped where it points
downhill, for all pairs together and by degrees for single ones; it may not carry a weight far; and the scalings are
accurate enough for the gradient to be trusted.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pidkit.pid.certificate import FactoredCoupling, FeasiblePotentials, feasible_coupling, feasible_potentials
from pidkit.pid.matrix_scaling import MatrixScalings
from pidkit.pid.problem import Candidate, Progress, Start, conditionally_independent, shared_support

FloatArray = npt.NDArray[np.float64]

MAX_ITER = 50_000
"""Iterations allowed where the caller sets no limit."""

STEP = 1.25
"""Exponent of the multiplicative step. Nesterov's method bears up to 4/3; the plain step's 1.8 diverges with it."""

LONGEST_MOMENTUM = 0.1
"""Nats by which momentum may change a log weight: a weight rising from nothing must not be carried past its place."""

AGE_KEPT = 0.7
"""Share of its momentum's age that a pair keeps whose slack points against its own move."""

FIT_ACCURACY = 0.3
"""Error of the marginals aimed at, as a share of the total ascent sum W |log A'B|. At 0.6 some problems stall."""

FINEST_ACCURACY = 0.05
"""The share to which it is tightened step by step where the gap falls slowly or momentum has to be dropped."""

FLOOR_SHARE = 1e-3
"""Weights are kept above P(x1) P(x2) times this share of the gap, so that a pair dropped too early can come back."""

LOG_FLOOR = 35.0
"""The same floor never lies lower than P(x1) P(x2) exp(-LOG_FLOOR), a mass below machine precision."""

LOWEST_LOG = 600.0
"""Nats by which a potential of a warm start may lie below the largest one of its y."""

CHECK_EVERY = 30
"""Iterations between two certificates, at first; later a tenth of the iterations done."""


def solve_scaling(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    progress: Progress | None = None,
) -> Candidate:
    """Minimise sum Q log Q(y|x1,x2) over the couplings of two pair marginals, by accelerated scaling.

    With L = log A'B at the weights V, one iteration is

        log W' = log V + step L,   log V' = log W' + k/(k+3) (log W' - log W),
        then A, B fitted to the marginals with kernel V',

    where the age k of the momentum grows by one, shrinks for a pair whose L and log W' - log W differ in sign, and
    starts again from zero for all when sum V L (log W' - log W) < 0 (O'Donoghue & Candes 2015). An iteration costs
    four or more matrix products of n_y n_x1 n_x2 multiplications; n_x1 n_x2 + n_y (n_x1 + n_x2) numbers are kept, up
    to a constant.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        Pair marginals with the same P(y); every row and column has mass, zeros are allowed.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Iterations allowed; None is MAX_ITER.
    init : tuple of ndarray, optional
        lam, mu and weights to start from, such as those of a neighbouring problem.
    progress : callable, optional
        Called at every certificate with the iteration and the gap in nats.

    Returns
    -------
    Candidate
        The last iterate and the best bounds met; status "converged", "max_iter", or "stalled" where the gap has
        stopped falling: near machine precision, and on counts so sparse (about ten for each target symbol) that the
        tables fall apart into blocks, whose potentials then drift and hold the lower bound back.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost & Ay, Entropy 16(4), 2014 (the problem).
    O'Donoghue & Candes, Foundations of Computational Mathematics 15, 2015 (restarting Nesterov's momentum).

    Examples
    --------
    The target of an AND gate, and its two inputs:

    >>> p = np.array([[0.5, 0.25], [0.0, 0.25]])
    >>> candidate = solve_scaling(p, p, tol=1e-9)
    >>> candidate.status, candidate.gap < 1e-9
    ('converged', True)
    """
    limit = MAX_ITER if max_iter is None else max_iter
    scalings, domain, bounds = MatrixScalings(p_yx1, p_yx2), _Weights(p_yx1, p_yx2), _Bounds()
    base, b = domain.start(init)
    point, age = base, np.zeros_like(base)
    weights = domain.exponentiate(point)
    a, b = scalings.fit(b, weights, accuracy=tol)
    accuracy, next_check = FIT_ACCURACY, 0
    for iteration in range(limit + 1):
        if iteration in (next_check, limit):
            lam, mu = _log(a), _log(b)
            lower = feasible_potentials(p_yx1, p_yx2, lam, mu)
            upper = feasible_coupling(p_yx1, p_yx2, lam, mu, weights)
            bounds.tighten(lower, upper, iteration)
            if progress is not None:
                progress(iteration, bounds.gap)
            if bounds.gap <= tol or bounds.stalled(iteration):
                break
            if bounds.slow(iteration):
                accuracy = max(0.5 * accuracy, FINEST_ACCURACY)
            next_check = iteration + max(CHECK_EVERY, iteration // 10)
            domain.lower_floor(bounds.gap)
            if iteration == 0 and init is not None:
                point = base = domain.restore(base, bounds.gap)
                weights = domain.exponentiate(point)
                a, b = scalings.fit(b, weights, accuracy=accuracy * bounds.gap)
        slack = domain.slack(a, b)
        ascent = weights * slack
        ahead = np.maximum(point + STEP * slack, domain.log_floor)
        move = ahead - base
        if (ascent * move).sum() >= 0.0:
            age = np.where(slack * move < 0.0, AGE_KEPT * age, age)
        else:
            age = np.zeros_like(age)
            # Rare when the scalings are exact: a sign that they are not exact enough.
            accuracy = max(0.8 * accuracy, FINEST_ACCURACY)
        momentum = np.clip(age / (age + 3.0) * move, -LONGEST_MOMENTUM, LONGEST_MOMENTUM)
        point = np.maximum(ahead + momentum, domain.log_floor)
        base, age = ahead, age + 1.0
        weights = domain.exponentiate(point)
        a, b = scalings.fit(b, weights, accuracy=accuracy * float(np.abs(ascent).sum()))
    status = "converged" if bounds.gap <= tol else "stalled" if bounds.stalled(iteration) else "max_iter"
    return Candidate(lam, mu, weights, *bounds.proven(), iteration, status)


class _Weights:
    """The domain of the weights: which pairs share a y, how small a weight may get, and where to start."""

    def __init__(self, p_yx1: FloatArray, p_yx2: FloatArray) -> None:
        """Find the pairs that share a y."""
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        self.shared = shared_support(p_yx1, p_yx2).astype(np.float64)
        self.apart = 1.0 - self.shared
        self.log_independent = np.log(p_yx1.sum(0))[:, None] + np.log(p_yx2.sum(0))
        self.log_floor = self.log_independent - LOG_FLOOR

    def lower_floor(self, gap: float) -> None:
        """Put the floor where its mass costs no more than FLOOR_SHARE of the gap per nat of slack.

        Kernels that fall apart but for weights of rounding size leave the potentials of their blocks to drift.
        """
        self.log_floor = self.log_independent + max(math.log(FLOOR_SHARE * min(gap, 1.0)), -LOG_FLOOR)

    def start(self, init: Start | None) -> tuple[FloatArray, FloatArray]:
        """Return the first log weights and B: of the coupling X1 - Y - X2, or of `init`."""
        if init is None:
            a = self.p_yx1 / self.p_yx1.sum(0)
            b = self.p_yx2 / self.p_yx2.sum(0) / self.p_yx2.sum(1, keepdims=True)
            weights = conditionally_independent(self.p_yx1, self.p_yx2) / (a.T @ b + self.apart)
            return np.maximum(_log(weights + self.apart), self.log_floor), b
        _, mu, weights = init
        # Any positive B is a start: the gauge of each y is free, and what would underflow is kept away from zero.
        b = np.exp(np.maximum(mu - mu.max(1, keepdims=True), -LOWEST_LOG)) * (self.p_yx2 > 0.0)
        return np.maximum(_log(weights), self.log_floor), b

    def restore(self, log_weights: FloatArray, gap: float) -> FloatArray:
        """Return the weights of a warm start, none below P(x1) P(x2) sqrt(gap).

        What the other problem did without may be needed in this one: the worse the start, the more is put back.
        """
        restored: FloatArray = np.maximum(log_weights, self.log_independent + 0.5 * min(math.log(gap), 0.0))
        return restored

    def slack(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return log A'B, zero for pairs that share no y."""
        logs: FloatArray = np.log(a.T @ b + self.apart)
        return logs

    def exponentiate(self, log_weights: FloatArray) -> FloatArray:
        """Return the weights, zero for pairs that share no y."""
        weights: FloatArray = np.exp(log_weights) * self.shared
        return weights


class _Bounds:
    """The best lower and the best upper bound met so far, and when their gap last halved."""

    def __init__(self) -> None:
        """Start with nothing proven."""
        self.lower: FeasiblePotentials | None = None
        self.upper: FactoredCoupling | None = None
        self.gap = self.gap_when_halved = math.inf
        self.halved_at = 0

    def tighten(self, lower: FeasiblePotentials, upper: FactoredCoupling, iteration: int) -> None:
        """Keep what is better than before; either bound may come from any iterate."""
        if self.lower is None or lower.value > self.lower.value:
            self.lower = lower
        if self.upper is None or upper.value < self.upper.value:
            self.upper = upper
        self.gap = self.upper.value - self.lower.value
        if self.gap < 0.5 * self.gap_when_halved:
            self.gap_when_halved, self.halved_at = self.gap, iteration

    def slow(self, iteration: int) -> bool:
        """Return whether the last third of the iterations, a hundred at least, did not halve the gap."""
        return iteration > 1.5 * self.halved_at + 100

    def stalled(self, iteration: int) -> bool:
        """Return whether the last three quarters of the iterations, two thousand at least, did not halve the gap."""
        return iteration > 4 * self.halved_at + 2000

    def proven(self) -> tuple[FeasiblePotentials, FactoredCoupling]:
        """Return the two bounds."""
        assert self.lower is not None, "tighten comes first"
        assert self.upper is not None, "tighten comes first"
        return self.lower, self.upper


def _log(values: FloatArray) -> FloatArray:
    """Return the logarithm, -inf of zero: of a potential off its support, of a weight that underflowed."""
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(values)
    return logs
