"""Nearest-neighbour estimators of I(A; B | C): for continuous samples, calibrated, and for repeated values."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from pidkit.arguments import Rng, generator, seed_name
from pidkit.mi.conditional_doubts import doubted_given
from pidkit.mi.conditional_samples import Conditioned, conditioned
from pidkit.mi.conditional_surrogates import GaussianLaw, conditional_terms
from pidkit.mi.neighbour_options import WithNeighbours, WithSurrogates
from pidkit.mi.repeats import tie_warnings
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, row_codes
from pidkit.mi.second_opinion import OPINION_ROWS, off_on_surrogates
from pidkit.types import IntArray, Unit

REMEDY = "use 'calibrated', or fewer columns"
"""What to do where nearest neighbours alone are off."""


def _ties(owner: WithNeighbours, rows: Conditioned) -> tuple[str, ...]:
    texts = (tie_warnings(row_codes(side), name) for side, name in ((rows.a, "a"), (rows.b, "b"), (rows.c, "c")))
    return tuple(text.replace("'gao'", "'mixed'") for side in texts for text in side)


def _ties_and_surrogates(owner: WithNeighbours, rows: Conditioned) -> tuple[str, ...]:
    """Return the warnings that values repeat, and that on a surrogate of some of the rows neighbours are off."""
    draws = np.random.default_rng(0)
    some = rows.some(draws.permutation(rows.n)[:OPINION_ROWS]).scores()
    law = GaussianLaw.of(some)
    found = float(conditional_terms(law.draw(draws), owner.k, draws).mean())
    return *_ties(owner, rows), *off_on_surrogates(some.n, found, law.shared.raw, remedy=REMEDY)


@dataclass(frozen=True)
class ConditionalKSG(WithNeighbours):
    """Estimate I(A; B | C) of continuous samples by nearest neighbours.

    psi(k) - mean[psi(n_ac + 1) + psi(n_bc + 1) - psi(n_c + 1)], with n_s the samples that are nearer in the columns s
    than the k-th neighbour is in all of them (maximum norm).

    Parameters
    ----------
    k : int

    References
    ----------
    Frenzel & Pompe, Partial mutual information for coupling analysis of multivariate time series, Physical Review
    Letters 99, 204101, 2007.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> c = rng.normal(size=800)
    >>> a, b = c + rng.normal(size=800), c + rng.normal(size=800)  # independent but for c
    >>> bool(abs(ConditionalKSG().estimate(a, b, c).value) < 0.1)
    True
    """

    @doubted_given(also=_ties_and_surrogates)
    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n, ...), in `unit`; `rng` seeds the noise that breaks ties.

        Raises
        ------
        InputError
            If a side is not a finite real array, c is constant, the lengths differ, or there are fewer than k + 2.
        """
        began = time.perf_counter()
        rows = conditioned(a, b, c, at_least=self.k + 2)
        terms = conditional_terms(rows, self.k, generator(rng))
        return in_nats(
            terms.mean(),
            kind="estimate",
            estimator="conditional ksg",
            n_samples=rows.n,
            unit=unit,
            stderr=terms.std(ddof=1) / math.sqrt(rows.n),
            diagnostics={"k": self.k},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )


@dataclass(frozen=True)
class ConditionalCalibrated(WithSurrogates):
    """Estimate I(A; B | C) of continuous samples by `ConditionalKSG`, its bias taken off as `Calibrated` does.

    I_S + KSG(scores of A, B, C) - mean KSG(S), with S Gaussian samples of the correlations of the normal scores, whose
    conditional information I_S is known.

    Parameters
    ----------
    k : int
    n_surrogates : int

    References
    ----------
    Those of `ConditionalKSG` and `Calibrated`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> c = rng.normal(size=(500, 4))
    >>> a = c + rng.normal(size=(500, 4))
    >>> b = a + c + rng.normal(size=(500, 4))  # two bits
    >>> bool(abs(ConditionalCalibrated().estimate(a, b, c).value - 2.0) < 0.3)
    True
    """

    @doubted_given(also=_ties)
    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n, ...), in `unit`; `rng` draws the surrogates.

        Raises
        ------
        InputError
            As `ConditionalKSG.estimate`; also if a combination of columns of a is one of b given c.
        """
        began = time.perf_counter()
        rows = conditioned(a, b, c, at_least=self.k + 2)
        scores, draws = rows.scores(), generator(rng)
        law = GaussianLaw.of(scores)
        terms, linear = conditional_terms(scores, self.k, draws), law.shared
        misses = [
            linear.raw - float(conditional_terms(law.draw(draws), self.k, draws).mean())
            for _ in range(self.n_surrogates)
        ]
        value, spread = float(terms.mean()), float(np.std(misses, ddof=1))
        own = max(float(terms.std(ddof=1)) / math.sqrt(rows.n), math.hypot(linear.stderr(rows.n), spread))
        return in_nats(
            value + float(np.mean(misses)),
            kind="estimate",
            estimator="conditional calibrated",
            n_samples=rows.n,
            unit=unit,
            stderr=math.hypot(own, spread / math.sqrt(self.n_surrogates)),
            information={
                "nearest_neighbours": value,
                "miss_on_surrogates": float(np.mean(misses)),
                "correlations": linear.raw - linear.bias,
            },
            diagnostics={"k": self.k, "n_surrogates": self.n_surrogates},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )


@dataclass(frozen=True)
class ConditionalMixed(WithNeighbours):
    """Estimate I(A; B | C) of samples that mix continuous values with repeated ones.

    mean[psi(k_i) - psi(n_ac) - psi(n_bc) + psi(n_c)]. Where more than k samples share all three values of a sample, the
    counts are of those that share them, the sample itself included; elsewhere as in `ConditionalKSG`, minute noise
    breaking the ties, as in `Gao`.

    Parameters
    ----------
    k : int

    References
    ----------
    Mesner & Shalizi, Conditional mutual information estimation for mixed, discrete and continuous data, IEEE
    Transactions on Information Theory 67, 2021, of which the counts at distance 0 are.

    Examples
    --------
    >>> a, b = np.random.default_rng(0).integers(2, size=(2, 600))
    >>> round(ConditionalMixed().estimate(a, b, a ^ b).value, 1)
    1.0
    """

    @doubted_given()
    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n, ...), in `unit`; `rng` seeds the noise that breaks ties.

        Raises
        ------
        InputError
            As `ConditionalKSG.estimate`.
        """
        began = time.perf_counter()
        rows = conditioned(a, b, c, at_least=self.k + 2)
        codes = [row_codes(side) for side in (rows.a, rows.b, rows.c)]
        shared = [_multiplicity(codes[0], codes[1], codes[2]), *(_multiplicity(side, codes[2]) for side in codes[:2])]
        together, with_a, with_b, with_c = *shared, _multiplicity(codes[2])
        apart = conditional_terms(rows, self.k, generator(rng))
        tied = digamma(together) - digamma(with_a) - digamma(with_b) + digamma(with_c)
        terms = np.where(together > self.k, tied, apart)
        return in_nats(
            terms.mean(),
            kind="estimate",
            estimator="conditional mixed",
            n_samples=rows.n,
            unit=unit,
            stderr=terms.std(ddof=1) / math.sqrt(rows.n),
            diagnostics={"k": self.k, "tied_share": float((together > self.k).mean())},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )


def _multiplicity(*codes: IntArray) -> IntArray:
    """Return for every sample how many samples, itself included, have its codes."""
    joint = row_codes(np.column_stack(codes))
    return np.asarray(np.bincount(joint)[joint], dtype=np.int64)
