"""The best lower and upper bound that an iteration has met, for each problem of a stack, and how fast the gap falls."""

from __future__ import annotations

from array_api_compat import array_namespace

from pidkit.pid.array_math import Array, Stack, choose
from pidkit.pid.certificate import FactoredCoupling, FeasiblePotentials


class BestBounds(Stack):
    """The best lower and the best upper bound of each problem, and when their gap last halved.

    Attributes
    ----------
    lam, mu, below : array
        The potentials that prove the best lower bound so far, and this bound, of shape (b,), as `bound_below` returns.
    a, b, w, r, c, above, residual : array
        The parts of the coupling that proves the best upper bound so far, this bound and its marginal error, as
        `bound_above` returns.
    gap, gap_before : array, shape (b,)
        above - below in nats, now and at the certificate before.
    gap_when_halved, halved_at : array, shape (b,)
        The gap when it last fell to less than half of the previous such gap, and the iteration at which it did.
    """

    def __init__(self, lower: tuple[Array, ...], upper: tuple[Array, ...]) -> None:
        """Start from the bounds of iteration 0."""
        self.lam, self.mu, self.below = lower
        self.a, self.b, self.w, self.r, self.c, self.above, self.residual = upper
        self.gap = self.gap_when_halved = self.above - self.below
        self.gap_before = array_namespace(self.gap).inf + self.gap
        self.halved_at = array_namespace(self.gap).zeros_like(self.gap)

    def tighten(self, lower: tuple[Array, ...], upper: tuple[Array, ...], iteration: int) -> None:
        """Keep whichever bound is better than the best one so far; the two may come from different iterates."""
        xp = array_namespace(self.gap)
        best_lower = self.lam, self.mu, self.below
        best_upper = self.a, self.b, self.w, self.r, self.c, self.above, self.residual
        best_lower = _replaced(best_lower, lower, lower[-1] > self.below)
        best_upper = _replaced(best_upper, upper, upper[-2] < self.above)
        self.lam, self.mu, self.below = best_lower
        self.a, self.b, self.w, self.r, self.c, self.above, self.residual = best_upper
        self.gap_before, self.gap = self.gap, self.above - self.below
        halved = self.gap < 0.5 * self.gap_when_halved
        self.gap_when_halved = xp.where(halved, self.gap, self.gap_when_halved)
        self.halved_at = xp.where(halved, float(iteration), self.halved_at)

    def flat(self) -> Array:
        """Return, for each problem, whether the last certificate reduced the gap by less than a fifth."""
        return self.gap > 0.8 * self.gap_before

    def slow(self, iteration: int) -> Array:
        """Return, for each problem, whether the gap has not halved for a third of all iterations, and for 100."""
        return iteration > 1.5 * self.halved_at + 100

    def stalled(self, iteration: int) -> Array:
        """Return, for each problem, whether the gap has not halved for three quarters of all iterations, and 2000."""
        return iteration > 4 * self.halved_at + 2000

    def proven(self, index: int) -> tuple[FeasiblePotentials, FactoredCoupling]:
        """Return the potentials and the coupling that prove the two bounds of one problem."""
        a, b, w, r, c = (part[index] for part in (self.a, self.b, self.w, self.r, self.c))
        return (
            FeasiblePotentials(self.lam[index], self.mu[index], float(self.below[index])),
            FactoredCoupling(a, b, w, r, c, float(self.above[index]), float(self.residual[index])),
        )


def _replaced(old: tuple[Array, ...], new: tuple[Array, ...], better: Array) -> Array:
    """Return the new arrays of the problems for which they are better, and the old arrays of the others."""
    n_better = int(better.sum())
    if n_better in (0, better.shape[0]):
        return new if n_better else old
    return tuple(choose(better, *pair) for pair in zip(new, old, strict=True))
