"""The domain of the pair weights of the scaling solver: pairs that share a y, the smallest weight, and the start."""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from pidkit.pid.array_math import LAST_TWO, Array, Stack, finite_maximum, logarithm, ratio
from pidkit.pid.solvers.problem import Start, conditionally_independent, shared_support

FLOOR_SHARE = 1e-3
"""Weights stay above P(x1) P(x2) times this share of the gap (in nats), so that a pair given up too early can grow
again. The mass of this floor costs at most the same share of the gap per nat of slack."""

LOG_FLOOR = 35.0
"""The floor is never lower than P(x1) P(x2) exp(-LOG_FLOOR): exp(-35) = 6e-16 is near machine epsilon, so that smaller
weights would change nothing."""

LOWEST_LOG = 600.0
"""Nats by which a potential of a warm start may lie below the largest one of its y; lower ones are raised, because
exp(-745) is zero in float64."""

SMALLEST_FACTOR = 1e-100
"""The smallest mass that is iterated on: the product of three is still a normal number."""


def away_from_zero(p_yx1: Array, p_yx2: Array, *, share: float) -> tuple[Array, Array]:
    """Return the marginals to iterate on: themselves, where no mass of a problem is below SMALLEST_FACTOR.

    Of the others `share` is spread evenly, over the y and for each y over its cells with mass, so that both tables keep
    one P(y). Certificates are of the true marginals.
    """
    xp = array_namespace(p_yx1)
    least = [xp.min(xp.where(p > 0.0, p, 1.0), axis=LAST_TWO, keepdims=True) for p in (p_yx1, p_yx2)]
    part = xp.where(xp.minimum(*least) < SMALLEST_FACTOR, share, 0.0)
    if not bool(xp.any(part > 0.0)):
        return p_yx1, p_yx2
    first, second = (xp.astype(p > 0.0, p.dtype) for p in (p_yx1, p_yx2))
    first, second = (ratio(has, has.sum(-1, keepdims=True)) for has in (first, second))
    even_1, even_2 = (has / has.sum(LAST_TWO)[..., None, None] for has in (first, second))
    return (1.0 - part) * p_yx1 + part * even_1, (1.0 - part) * p_yx2 + part * even_2


class WeightDomain(Stack):
    """The domain of the weights of a stack of problems.

    A weight is stored as log W / (P(x1) P(x2)). That is a few nats where W matters, so that float32 loses no digits.
    A pair that shares no y has weight zero, but a finite stored logarithm, which nothing reads.

    Attributes
    ----------
    independent : array, shape (b, n_x1, n_x2)
        P(x1) P(x2) of the pairs that share a y, zero for the others.
    apart : array, shape (b, n_x1, n_x2)
        One for the pairs that share no y, zero for the others.
    log_floor : array, shape (b, 1, 1)
        The smallest logarithm that is stored.
    """

    def __init__(self, p_yx1: Array, p_yx2: Array) -> None:
        """Find the pairs that share a y. A symbol without mass shares none with any other."""
        self.xp = xp = array_namespace(p_yx1, p_yx2)
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        shared = xp.astype(shared_support(p_yx1, p_yx2), p_yx1.dtype)
        self.apart = 1.0 - shared
        self.independent = shared * p_yx1.sum(-2, keepdims=True).mT * p_yx2.sum(-2, keepdims=True)
        self.log_floor = xp.max(0.0 * shared, axis=LAST_TWO, keepdims=True) - LOG_FLOOR

    def lower_floor(self, gap: Array) -> None:
        """Lower the floor with the gap, so that its mass costs at most FLOOR_SHARE of the gap per nat of slack.

        A floor is needed for kernels that consist of blocks joined only by weights of the size of rounding errors.
        Nothing determines the potentials of one block relative to another one then, and they drift.
        """
        self.log_floor = (math.log(FLOOR_SHARE) + self._log(gap)).clip(-LOG_FLOOR, None)

    def start(self, init: Start | None) -> tuple[Array, Array]:
        """Return the first log weights and the first B: those of `init`, or of the coupling X1 - Y - X2."""
        xp = self.xp
        if init is None:
            a = ratio(self.p_yx1, self.p_yx1.sum(-2, keepdims=True))
            b = ratio(ratio(self.p_yx2, self.p_yx2.sum(-2, keepdims=True)), self.p_yx2.sum(-1, keepdims=True))
            weights = conditionally_independent(self.p_yx1, self.p_yx2) / (a.mT @ b + self.apart)
            return self._take(weights), b
        _, mu, weights = init
        # Any positive B is a start. A factor for each y is free, so the largest entry can be 1; smaller ones are kept
        # from underflowing to zero.
        b = xp.exp((mu - finite_maximum(mu, axis=-1)).clip(-LOWEST_LOG, None)) * (self.p_yx2 > 0.0)
        return self._take(weights), b

    def restore(self, log_weights: Array, gap: Array) -> Array:
        """Return the weights of a warm start, none below P(x1) P(x2) sqrt(gap).

        Pairs that the other problem did not use may be needed in this one: the worse the start, the more is put back.
        """
        return self.xp.maximum(log_weights, 0.5 * self._log(gap))

    def slack(self, a: Array, b: Array) -> Array:
        """Return log A'B, by which the dual constraint of a pair is violated, and zero for pairs that share no y."""
        product = a.mT @ b
        product += self.apart
        return self.xp.log(product)

    def exponentiate(self, log_weights: Array) -> Array:
        """Return the weights, zero for pairs that share no y."""
        weights = self.xp.exp(log_weights)
        weights *= self.independent
        return weights

    def _take(self, weights: Array) -> Array:
        """Return given weights as they are stored: as logarithms relative to `independent`, not below the floor."""
        return self.xp.maximum(logarithm(ratio(weights, self.independent) + self.apart), self.log_floor)

    def _log(self, gap: Array) -> Array:
        """Return the logarithm of each gap, zero for gaps above one, in a shape that broadcasts over the pairs."""
        xp = self.xp
        return xp.astype(xp.log(gap.clip(None, 1.0)), self.independent.dtype)[:, None, None]
