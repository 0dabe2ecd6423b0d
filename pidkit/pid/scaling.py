"""Solver "scaling": matrix products alone, an accelerated mirror ascent on pair weights, for problems of any size.

The optimal coupling is Q[y] = A[y] W B[y] with A = exp(lam), B = exp(mu) and weights W >= 0 on the pairs (x1, x2).
For given W the potentials solve n_y matrix scalings with the shared kernel W (`matrix_scaling`). What remains is to
maximise a concave function of W alone whose gradient is A'B - 1, and the multiplicative step

    W <- W (A'B)^step

is mirror ascent on it. Alone it is sublinear where the optimum is degenerate. Nesterov's momentum in log W makes it
ten to a hundred times faster, on three conditions that were found by measurement: it is dropped where it points
downhill, for all pairs together and by degrees for single ones; it may not carry a weight far; and the scalings are
accurate enough for the gradient to be trusted.

The method is written once, for a stack of problems of one shape on numpy arrays or torch tensors (CPU or GPU): every
problem has its own momentum, accuracy and certificate, and leaves the stack when it is solved. One problem is a stack
of one.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from pidkit.pid.array_math import LAST_TWO, Array, Stack, choose, logarithm
from pidkit.pid.best_bounds import BestBounds
from pidkit.pid.certificate import bound_above, bound_below
from pidkit.pid.matrix_scaling import MatrixScalings
from pidkit.pid.problem import Candidate, Progress, Start
from pidkit.pid.weight_domain import WeightDomain

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

CHECK_EVERY = 30
"""Iterations between two certificates, at first; later a tenth of the iterations done."""


def solve_scaling(
    p_yx1: Array,
    p_yx2: Array,
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
    p_yx1, p_yx2 : array, shape (n_y, n_x1) and (n_y, n_x2)
        Pair marginals with the same P(y), float64, both numpy arrays or both torch tensors on one device. Zeros are
        allowed; so are symbols without mass, whose potentials are -inf and whose weights are zero.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Iterations allowed; None is MAX_ITER.
    init : tuple of array, optional
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

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25], [0.0, 0.25]])
    >>> candidate = solve_scaling(p, p, tol=1e-9)
    >>> candidate.status, candidate.gap < 1e-9
    ('converged', True)
    """
    stack = None if init is None else (init[0][None], init[1][None], init[2][None])
    return solve_scaling_stack(p_yx1[None], p_yx2[None], tol=tol, max_iter=max_iter, init=stack, progress=progress)[0]


def solve_scaling_stack(
    p_yx1: Array,
    p_yx2: Array,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    progress: Progress | None = None,
) -> list[Candidate]:
    """Solve many problems of one shape side by side; each gets what `solve_scaling` gives it alone, but for rounding.

    Parameters
    ----------
    p_yx1, p_yx2 : array, shape (b, n_y, n_x1) and (b, n_y, n_x2)
        Pair marginals as `solve_scaling` takes them, one problem after the other. Joints with fewer symbols can be
        padded with symbols without mass.
    tol, max_iter
        As in `solve_scaling`, for each problem.
    init : tuple of array, optional
        Stacks of lam, mu and weights to start from.
    progress : callable, optional
        Called with the iteration and the largest gap, in nats, of the problems not yet solved.

    Returns
    -------
    list of Candidate
        One for each problem, in order; their arrays are of the library, and on the device, of the marginals.

    Examples
    --------
    AND, and a target that its first input alone decides:

    >>> import numpy as np
    >>> p_yx1 = np.array([[[0.5, 0.25], [0.0, 0.25]], [[0.5, 0.0], [0.0, 0.5]]])
    >>> p_yx2 = np.array([[[0.5, 0.25], [0.0, 0.25]], [[0.25, 0.25], [0.25, 0.25]]])
    >>> [candidate.status for candidate in solve_scaling_stack(p_yx1, p_yx2, tol=1e-9)]
    ['converged', 'converged']
    """
    limit = MAX_ITER if max_iter is None else max_iter
    found: dict[int, Candidate] = {}
    ascent, next_check = _Ascent(p_yx1, p_yx2, tol, init), 0
    for iteration in range(limit + 1):
        if iteration in (next_check, limit):
            ascent.certify(iteration)
            if progress is not None:
                progress(iteration, float(array_namespace(p_yx1).max(ascent.bounds.gap)))
            leaving = (ascent.bounds.gap <= tol) | ascent.bounds.stalled(iteration) | (iteration == limit)
            found |= ascent.candidates(leaving, iteration, tol)
            if len(found) == p_yx1.shape[0]:
                break
            if bool(leaving.any()):
                ascent = ascent[ascent.xp.nonzero(~leaving)[0]]
            ascent.adapt(iteration, restore=iteration == 0 and init is not None)
            next_check = iteration + max(CHECK_EVERY, iteration // 10)
        ascent.iterate()
    return [found[place] for place in range(p_yx1.shape[0])]


class _Ascent(Stack):
    """The iterates of the problems not yet solved."""

    def __init__(self, p_yx1: Array, p_yx2: Array, tol: float, init: Start | None) -> None:
        """Start all problems."""
        self.xp = xp = array_namespace(p_yx1, p_yx2)
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        self.scalings, self.domain = MatrixScalings(p_yx1, p_yx2), WeightDomain(p_yx1, p_yx2)
        self.base, b = self.domain.start(init)
        self.point, self.age = self.base, xp.zeros_like(self.base)
        self.weights = self.domain.exponentiate(self.point)
        self.accuracy = FIT_ACCURACY + 0.0 * p_yx1.sum(LAST_TWO)
        self.a, self.b = self.scalings.fit(b, self.weights, accuracy=tol + 0.0 * self.accuracy)
        self.places = xp.cumulative_sum(xp.ones_like(self.accuracy, dtype=xp.int64)) - 1

    def certify(self, iteration: int) -> None:
        """Bound every problem from both sides."""
        self.lam, self.mu = logarithm(self.a), logarithm(self.b)
        lower = bound_below(self.p_yx1, self.p_yx2, self.lam, self.mu)
        upper = bound_above(self.p_yx1, self.p_yx2, self.lam, self.mu, self.weights)
        if iteration == 0:
            self.bounds = BestBounds(lower, upper)
        else:
            self.bounds.tighten(lower, upper, iteration)

    def adapt(self, iteration: int, *, restore: bool) -> None:
        """Adapt accuracy and floor to the gap; after the first certificate of a warm start, adapt the start as well."""
        gap = self.bounds.gap
        self.accuracy = choose(self.bounds.slow(iteration), 0.5 * self.accuracy, self.accuracy)
        self.accuracy = self.accuracy.clip(FINEST_ACCURACY, None)
        self.domain.lower_floor(gap)
        if restore:
            self.point = self.base = self.domain.restore(self.base, gap)
            self.weights = self.domain.exponentiate(self.point)
            self.a, self.b = self.scalings.fit(self.b, self.weights, accuracy=self.accuracy * gap)

    def iterate(self) -> None:
        """Take one step with momentum, and fit A and B to the new weights."""
        xp, domain = self.xp, self.domain
        slack = domain.slack(self.a, self.b)
        ascent = self.weights * slack
        ahead = xp.maximum(self.point + STEP * slack, domain.log_floor)
        move = ahead - self.base
        age = xp.where(slack * move < 0.0, AGE_KEPT * self.age, self.age)
        downhill = (ascent * move).sum(LAST_TWO) < 0.0
        if True in downhill.tolist():
            age = choose(downhill, 0.0, age)
            # Rare when the scalings are exact: a sign that they are not exact enough.
            accuracy = (0.8 * self.accuracy).clip(FINEST_ACCURACY, None)
            self.accuracy = xp.where(downhill, accuracy, self.accuracy)
        momentum = age / (age + 3.0)
        momentum *= move
        momentum = momentum.clip(-LONGEST_MOMENTUM, LONGEST_MOMENTUM)
        self.point = xp.maximum(ahead + momentum, domain.log_floor)
        self.base, self.age = ahead, age + 1.0
        self.weights = domain.exponentiate(self.point)
        accuracy = self.accuracy * abs(ascent).sum(LAST_TWO)
        self.a, self.b = self.scalings.fit(self.b, self.weights, accuracy=accuracy)

    def candidates(self, leaving: Array, iteration: int, tol: float) -> dict[int, Candidate]:
        """Return the candidates of the problems that leave, by their places in the stack."""
        found = {}
        stalled = self.bounds.stalled(iteration).tolist()
        converged = (self.bounds.gap <= tol).tolist()
        places = self.places.tolist()
        for i in self.xp.nonzero(leaving)[0].tolist():
            status = "converged" if converged[i] else "stalled" if stalled[i] else "max_iter"
            lower, upper = self.bounds.proven(i)
            found[places[i]] = Candidate(self.lam[i], self.mu[i], self.weights[i], lower, upper, iteration, status)
        return found
