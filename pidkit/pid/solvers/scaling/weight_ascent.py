"""The iterates of the scaling solver: accelerated mirror ascent on log weights, a stack of problems side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from pidkit.pid.array_math import LAST_TWO, Array, Stack, choose, logarithm
from pidkit.pid.certificate import bound_above, bound_below
from pidkit.pid.solvers.problem import Candidate, Start
from pidkit.pid.solvers.scaling.best_bounds import BestBounds
from pidkit.pid.solvers.scaling.matrix_scaling import MatrixScalings
from pidkit.pid.solvers.scaling.precision import SINGLE, SINGLE_GAP, all_sound
from pidkit.pid.solvers.scaling.weight_domain import WeightDomain, away_from_zero

STEP = 1.25
"""Exponent of the multiplicative step W (A'B)^step. With Nesterov's momentum it may be at most 4/3; the 1.8 that is
possible without momentum would diverge."""

LONGEST_MOMENTUM = 0.1
"""Nats by which momentum may change a log weight in one iteration, so that a weight that rises from almost zero is not
carried far beyond its optimum."""

AGE_KEPT = 0.7
"""Damping of the momentum of a single pair. If the gradient log(A'B)[x1, x2] opposes the last step of that pair's log
weight, its Nesterov counter k (momentum factor k / (k + 3)) is multiplied by this. 0 would restart it, 1 would ignore
the opposition."""

FIT_ACCURACY = 0.3
"""Error of the fitted marginals, as a share of the total ascent sum W |log A'B|. A larger share makes iterations
cheaper and the gradient less exact: at 0.6 some problems stall."""

FINEST_ACCURACY = 0.05
"""The smallest share to which FIT_ACCURACY is tightened, where the gap falls slowly or momentum has to be dropped."""

SPREAD_SHARE = 1e-3
"""The share of the tolerance, in nats, of a mass that is spread evenly where products of masses would underflow."""


class WeightAscent(Stack):
    """The iterates of the problems that are not yet solved.

    They may be float32 at first and are float64 later; the bounds are always float64.

    Attributes
    ----------
    base, point : array, shape (b, n_x1, n_x2)
        Log weights, as `WeightDomain` stores them: after the last gradient step, and carried on by the momentum.
    age : array, shape (b, n_x1, n_x2)
        Nesterov's counter k of each pair; its momentum factor is k / (k + 3).
    weights, a, b : array
        The weights W at `point`, and the factors A and B that fit the marginals with them.
    accuracy : array, shape (b,)
        The error allowed to the fit, as a share of the total ascent.
    indices : array, shape (b,)
        The places of these problems in the stack that was given.
    """

    base: Array
    weights: Array
    a: Array
    b: Array

    def __init__(self, p_yx1: Array, p_yx2: Array, tol: float, init: Start | None, *, single: bool) -> None:
        """Make the first iterates of all problems."""
        self.xp = xp = array_namespace(p_yx1, p_yx2)
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        self.near_1, self.near_2 = away_from_zero(p_yx1, p_yx2, share=SPREAD_SHARE * tol)
        self.accuracy = FIT_ACCURACY + 0.0 * p_yx1.sum(LAST_TWO)
        self.indices = xp.cumulative_sum(xp.ones_like(self.accuracy, dtype=xp.int64)) - 1
        self._begin(init, tol, xp.float32 if single else xp.float64)

    @property
    def single(self) -> bool:
        """Whether the iterates are float32."""
        return bool(self.weights.dtype != self.p_yx1.dtype)

    def certify(self, iteration: int) -> None:
        """Compute a lower and an upper bound of every problem, and keep the better ones."""
        if self.single and not (all_sound(self.a, self.p_yx1) and all_sound(self.b, self.p_yx2)):
            self._begin(None, float(self.xp.min(self.accuracy)), self.xp.float64)
        a, b, weights = (self._cast(x, self.xp.float64) for x in (self.a, self.b, self.weights))
        self.lam, self.mu = logarithm(a), logarithm(b)
        lower = bound_below(self.p_yx1, self.p_yx2, self.lam, self.mu)
        upper = bound_above(self.p_yx1, self.p_yx2, self.lam, self.mu, weights)
        if iteration == 0:
            self.bounds = BestBounds(lower, upper)
        else:
            self.bounds.tighten(lower, upper, iteration)

    def adapt(self, iteration: int, *, restore: bool) -> None:
        """Set the accuracy of the fits, the smallest weight and the precision of the iterates as the gap demands.

        With `restore`, also raise the weights of a warm start that are too small. That needs its first certificate.
        """
        gap, slow = self.bounds.gap, self.bounds.slow(iteration)
        if self.single and True in ((gap <= SINGLE_GAP) | self.bounds.flat()).tolist():
            self._promote()
        self.accuracy = choose(slow, 0.5 * self.accuracy, self.accuracy)
        self.accuracy = self.accuracy.clip(FINEST_ACCURACY, None)
        self.domain.lower_floor(gap)
        if restore:
            self.point = self.base = self.domain.restore(self.base, gap)
            self.weights = self.domain.exponentiate(self.point)
            self._fit(self.b, self.accuracy * gap)

    def iterate(self) -> None:
        """Change the weights by one step with momentum, and fit A and B to them."""
        if not self.single:
            self._step()
            return
        # Values that leave the range of float32 are noticed at the next certificate, and the problem begins anew.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            self._step()

    def candidates(self, leaving: Array, iteration: int, tol: float) -> dict[int, Candidate]:
        """Return the candidates of the problems that leave the stack, by their places in the stack that was given."""
        solutions = {}
        stalled = self.bounds.stalled(iteration).tolist()
        converged = (self.bounds.gap <= tol).tolist()
        indices = self.indices.tolist()
        for i in self.xp.nonzero(leaving)[0].tolist():
            status = "converged" if converged[i] else "stalled" if stalled[i] else "max_iter"
            lower, upper = self.bounds.proven(i)
            weights = self._cast(self.weights[i], self.xp.float64)
            solutions[indices[i]] = Candidate(self.lam[i], self.mu[i], weights, lower, upper, iteration, status)
        return solutions

    def _begin(self, init: Start | None, tol: float, dtype: Any) -> None:
        """Make the first iterates, from a warm start if there is one."""
        self._set_problems(dtype)
        if init is not None:
            init = self._cast(init[0], dtype), self._cast(init[1], dtype), self._cast(init[2], dtype)
        self.base, b = self.domain.start(init)
        self.point, self.age = self.base, self.xp.zeros_like(self.base)
        self.weights = self.domain.exponentiate(self.point)
        self._fit(b, tol + 0.0 * self.accuracy)

    def _promote(self) -> None:
        """Convert the float32 iterates to float64, and continue from them."""
        self._set_problems(self.xp.float64)
        for name in ("base", "point", "age", "weights", "a", "b"):
            setattr(self, name, self._cast(getattr(self, name), self.xp.float64))

    def _set_problems(self, dtype: Any) -> None:
        """Build the matrix scalings and the weights' domain of the problems in one precision."""
        first, second = self._cast(self.near_1, dtype), self._cast(self.near_2, dtype)
        self.scalings, self.domain = MatrixScalings(first, second), WeightDomain(first, second)

    def _cast(self, values: Array, dtype: Any) -> Array:
        """Return the values in one precision, without a copy if they have it already."""
        return self.xp.astype(values, dtype, copy=False)

    def _fit(self, b: Array, accuracy: Array) -> None:
        """Fit A and B to the weights. Float32 iterates are not fitted beyond their rounding."""
        accuracy = accuracy.clip(float(SINGLE.eps), None) if self.single else accuracy
        self.a, self.b = self.scalings.fit(b, self.weights, accuracy=accuracy)

    def _step(self) -> None:
        """Make the step that `iterate` describes, whatever the precision."""
        xp, domain = self.xp, self.domain
        slack = domain.slack(self.a, self.b)
        ascent = self.weights * slack
        ahead = xp.maximum(self.point + STEP * slack, domain.log_floor)
        move = ahead - self.base
        age = xp.where(slack * move < 0.0, AGE_KEPT * self.age, self.age)
        downhill = (ascent * move).sum(LAST_TWO) < 0.0
        if True in downhill.tolist():
            age = choose(downhill, 0.0, age)
            # This is rare when the scalings are exact, so it is a sign that they are not exact enough.
            accuracy = (0.8 * self.accuracy).clip(FINEST_ACCURACY, None)
            self.accuracy = xp.where(downhill, accuracy, self.accuracy)
        momentum = age / (age + 3.0)
        momentum *= move
        momentum = momentum.clip(-LONGEST_MOMENTUM, LONGEST_MOMENTUM)
        self.point = xp.maximum(ahead + momentum, domain.log_floor)
        self.base, self.age = ahead, age + 1.0
        self.weights = domain.exponentiate(self.point)
        self._fit(self.b, self.accuracy * abs(ascent).sum(LAST_TWO))
