"""Where the pair weights of the scaling solver live: which pairs share a y, how small a weight gets, where to start."""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from pidkit.pid.array_math import Array, Stack, finite_maximum, logarithm, ratio
from pidkit.pid.problem import Start, conditionally_independent, shared_support

FLOOR_SHARE = 1e-3
"""Weights are kept above P(x1) P(x2) times this share of the gap, so that a pair dropped too early can come back."""

LOG_FLOOR = 35.0
"""The same floor never lies lower than P(x1) P(x2) exp(-LOG_FLOOR), a mass below machine precision."""

LOWEST_LOG = 600.0
"""Nats by which a potential of a warm start may lie below the largest one of its y."""


class WeightDomain(Stack):
    """The domain of a stack of problems, shape (b, n_x1, n_x2); pairs that share no y stay finite, with weight zero."""

    def __init__(self, p_yx1: Array, p_yx2: Array) -> None:
        """Find the pairs that share a y; pairs with a symbol without mass share none."""
        self.xp = xp = array_namespace(p_yx1, p_yx2)
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        self.shared = xp.astype(shared_support(p_yx1, p_yx2), p_yx1.dtype)
        self.apart = 1.0 - self.shared
        log_1, log_2 = (_log_mass(p.sum(-2, keepdims=True)) for p in (p_yx1, p_yx2))
        self.log_independent = log_1.mT + log_2
        self.log_floor = self.log_independent - LOG_FLOOR

    def lower_floor(self, gap: Array) -> None:
        """Put the floor where its mass costs no more than FLOOR_SHARE of the gap per nat of slack.

        Kernels that fall apart but for weights of rounding size leave the potentials of their blocks to drift.
        """
        log_gap = self.xp.log(gap.clip(None, 1.0))[:, None, None]
        self.log_floor = self.log_independent + (math.log(FLOOR_SHARE) + log_gap).clip(-LOG_FLOOR, None)

    def start(self, init: Start | None) -> tuple[Array, Array]:
        """Return the first log weights and B: of the coupling X1 - Y - X2, or of `init`."""
        xp = self.xp
        if init is None:
            a = ratio(self.p_yx1, self.p_yx1.sum(-2, keepdims=True))
            b = ratio(ratio(self.p_yx2, self.p_yx2.sum(-2, keepdims=True)), self.p_yx2.sum(-1, keepdims=True))
            weights = conditionally_independent(self.p_yx1, self.p_yx2) / (a.mT @ b + self.apart)
            return xp.maximum(logarithm(weights + self.apart), self.log_floor), b
        _, mu, weights = init
        # Any positive B is a start: the gauge of each y is free, and what would underflow is kept away from zero.
        b = xp.exp((mu - finite_maximum(mu, axis=-1)).clip(-LOWEST_LOG, None)) * (self.p_yx2 > 0.0)
        return xp.maximum(logarithm(weights), self.log_floor), b

    def restore(self, log_weights: Array, gap: Array) -> Array:
        """Return the weights of a warm start, none below P(x1) P(x2) sqrt(gap).

        What the other problem did without may be needed in this one: the worse the start, the more is put back.
        """
        xp = self.xp
        return xp.maximum(log_weights, self.log_independent + 0.5 * xp.log(gap.clip(None, 1.0))[:, None, None])

    def slack(self, a: Array, b: Array) -> Array:
        """Return log A'B, zero for pairs that share no y."""
        product = a.mT @ b
        product += self.apart
        return self.xp.log(product)

    def exponentiate(self, log_weights: Array) -> Array:
        """Return the weights, zero for pairs that share no y."""
        weights = self.xp.exp(log_weights)
        weights *= self.shared
        return weights


def _log_mass(mass: Array) -> Array:
    """Return log P(x), zero where there is no mass: any finite number serves there."""
    xp = array_namespace(mass)
    return xp.log(xp.where(mass > 0.0, mass, 1.0))
