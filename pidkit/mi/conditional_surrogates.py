"""Surrogates of three variables: Gaussian rows of known conditional information, and what neighbours find in rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from pidkit.mi.canonical import SharedCorrelations
from pidkit.mi.conditional_samples import Conditioned
from pidkit.mi.gaussian import conditional_gaussian
from pidkit.mi.neighbours import JITTER, balls, counts_within
from pidkit.mi.samples import standardise
from pidkit.types import FloatArray


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
