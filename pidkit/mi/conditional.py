"""Nearest-neighbour estimators of I(A; B | C): for continuous samples, calibrated, and for repeated values."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from pidkit.arguments import Rng, generator, keep_checked, seed_name, whole_number
from pidkit.mi.canonical import SharedCorrelations
from pidkit.mi.conditional_samples import Conditioned, conditioned
from pidkit.mi.doubts import finished
from pidkit.mi.gaussian import conditional_gaussian
from pidkit.mi.knn import KSG
from pidkit.mi.neighbours import JITTER, balls, counts_within
from pidkit.mi.repeats import repeats, tie_warnings
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, row_codes, standardise
from pidkit.mi.second_opinion import OPINION_ROWS, off_on_surrogates
from pidkit.types import FloatArray, IntArray, Unit

REMEDY = "use 'calibrated', or fewer columns"
"""What to do where nearest neighbours alone are off."""


@dataclass(frozen=True)
class _Neighbours:
    """The parameter that estimators by nearest neighbours have: `k`, as KSG checks it."""

    k: int = 3

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, k=KSG(k=self.k).k)


@dataclass(frozen=True)
class ConditionalKSG(_Neighbours):
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

    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n, ...), in `unit`; `rng` seeds the noise that breaks ties.

        Raises
        ------
        InputError
            If a side is not a finite real array, c is constant, the lengths differ, or there are fewer than k + 2.
        """
        began = time.perf_counter()
        rows = conditioned(a, b, c, at_least=self.k + 2)
        draws = generator(rng)
        terms = conditional_terms(rows, self.k, draws)
        some = rows.some(draws.permutation(rows.n)[:OPINION_ROWS]).scores()
        law = GaussianLaw.of(some)
        tried = float(conditional_terms(law.draw(np.random.default_rng(0)), self.k, draws).mean())
        found = in_nats(
            terms.mean(),
            kind="estimate",
            estimator="conditional ksg",
            n_samples=rows.n,
            unit="nats",
            stderr=terms.std(ddof=1) / math.sqrt(rows.n),
            warnings=(*_ties(rows), *off_on_surrogates(some.n, tried, law.shared.raw, remedy=REMEDY)),
            diagnostics={"k": self.k},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )
        return finished(found, repeats(rows.a, rows.b)).to(unit)


@dataclass(frozen=True)
class ConditionalCalibrated(_Neighbours):
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

    n_surrogates: int = 4

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        keep_checked(self, n_surrogates=whole_number("n_surrogates", self.n_surrogates, least=2))

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
        found = in_nats(
            value + float(np.mean(misses)),
            kind="estimate",
            estimator="conditional calibrated",
            n_samples=rows.n,
            unit="nats",
            stderr=math.hypot(own, spread / math.sqrt(self.n_surrogates)),
            warnings=_ties(rows),
            information={
                "nearest_neighbours": value,
                "miss_on_surrogates": float(np.mean(misses)),
                "correlations": linear.raw - linear.bias,
            },
            diagnostics={"k": self.k, "n_surrogates": self.n_surrogates},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )
        return finished(found, repeats(rows.a, rows.b)).to(unit)


@dataclass(frozen=True)
class ConditionalMixed(_Neighbours):
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
        found = in_nats(
            terms.mean(),
            kind="estimate",
            estimator="conditional mixed",
            n_samples=rows.n,
            unit="nats",
            stderr=terms.std(ddof=1) / math.sqrt(rows.n),
            diagnostics={"k": self.k, "tied_share": float((together > self.k).mean())},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )
        return finished(found, repeats(rows.a, rows.b)).to(unit)


@dataclass(frozen=True)
class GaussianLaw:
    """The law of Gaussian rows that have the correlations of normal scores.

    Attributes
    ----------
    n : int
    root : ndarray, shape (d, d)
        A square root of the correlations of all columns.
    widths : tuple of int
        Columns of A and of B.
    shared : SharedCorrelations
        Of A and B given C. Its raw information is that of the law: what sampling added to it is in both.
    """

    n: int
    root: FloatArray
    widths: tuple[int, int]
    shared: SharedCorrelations

    @classmethod
    def of(cls, scores: Conditioned) -> GaussianLaw:
        """Return the law of the correlations of normal scores."""
        values, vectors = np.linalg.eigh(np.corrcoef(np.hstack([scores.a, scores.b, scores.c]).T))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        widths = scores.a.shape[1], scores.b.shape[1]
        return cls(scores.n, root, widths, conditional_gaussian(scores.a, scores.b, scores.c))

    def draw(self, draws: np.random.Generator) -> Conditioned:
        """Draw n rows."""
        drawn = draws.standard_normal((self.n, len(self.root))) @ self.root.T
        return Conditioned(*np.split(drawn, np.cumsum(self.widths), axis=1))


def conditional_terms(rows: Conditioned, k: int, draws: np.random.Generator) -> FloatArray:
    """Return the terms, in nats, whose mean is the estimate of Frenzel and Pompe, ties broken by minute noise."""
    x, y, z = (side + JITTER * draws.standard_normal(side.shape) for side in map(standardise, (rows.a, rows.b, rows.c)))
    radius = np.nextafter(balls(np.hstack([x, y, z]), k), 0.0)
    n_xz, n_yz, n_z = (counts_within(part, radius) for part in (np.hstack([x, z]), np.hstack([y, z]), z))
    return np.asarray(digamma(k) - digamma(n_xz) - digamma(n_yz) + digamma(n_z))


def _ties(rows: Conditioned) -> tuple[str, ...]:
    texts = (tie_warnings(row_codes(side), name) for side, name in ((rows.a, "a"), (rows.b, "b"), (rows.c, "c")))
    return tuple(text.replace("'gao'", "'mixed'") for side in texts for text in side)


def _multiplicity(*codes: IntArray) -> IntArray:
    """Return for every sample how many samples, itself included, have its codes."""
    joint = row_codes(np.column_stack(codes))
    return np.asarray(np.bincount(joint)[joint], dtype=np.int64)
