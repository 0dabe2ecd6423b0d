"""Elliptical surrogates: samples that share the correlations and the joint tails of others, of known information."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr
from scipy.special import gammaln, ndtri, stdtrit
from scipy.stats import rankdata

from pidkit.mi.beyond_normal import student_information
from pidkit.mi.canonical import principal_parts, shared_correlations
from pidkit.types import FloatArray

DEGREES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0, 60.0)
"""Degrees of freedom among which the t copula's are sought; infinitely many make it Gaussian."""


@dataclass(frozen=True)
class Surrogates:
    """The law of surrogates of two sides of normal scores: a t copula of the same correlations.

    Attributes
    ----------
    n : int
        Rows.
    correlations : ndarray
        Canonical correlations, with what sampling alone adds to them taken off.
    map_a, map_b : ndarray, shapes (r_a, d_a), (r_b, d_b)
        From canonical variates to columns.
    dof : float
        Degrees of freedom; infinity is the Gaussian copula.
    gaussian, tails : float
        Information in nats: of the correlations alone, and of the tails that the columns share.
    gaussian_stderr : float
        Standard error of `gaussian`.
    """

    n: int
    correlations: FloatArray
    map_a: FloatArray
    map_b: FloatArray
    dof: float
    gaussian: float
    tails: float
    gaussian_stderr: float

    @property
    def information(self) -> float:
        """The mutual information of the surrogates' sides, in nats."""
        return self.gaussian + self.tails

    def draw(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw one surrogate of n rows, as normal scores.

        The Gaussian draws are made orthonormal first, so that every surrogate has the same correlations exactly.
        """
        r_a, r_b, m = len(self.map_a), len(self.map_b), self.correlations.size
        normal = rng.standard_normal((self.n, r_a + r_b))
        orthonormal, _ = qr(normal - normal.mean(axis=0), mode="economic")
        side_a, side_b = math.sqrt(self.n) * orthonormal[:, :r_a], math.sqrt(self.n) * orthonormal[:, r_a:]
        rho = self.correlations
        side_b[:, :m] = rho * side_a[:, :m] + np.sqrt(1.0 - rho**2) * side_b[:, :m]
        scale = 1.0 if math.isinf(self.dof) else np.sqrt(rng.chisquare(self.dof, size=(self.n, 1)) / self.dof)
        return _scores(side_a @ self.map_a / scale), _scores(side_b @ self.map_b / scale)


def fit_surrogates(a: FloatArray, b: FloatArray) -> Surrogates:
    """Fit the law of surrogates to normal scores a (n, d_a) and b (n, d_b).

    I_i = -½ log(1 - rho_i²) of each canonical pair is lowered by one number, not below 0, so that their sum has
    Wishart's bias subtracted: noise makes many small correlations, and hardly changes the large ones.
    """
    shared = shared_correlations(a, b)
    pairs = -0.5 * np.log1p(-(shared.rho**2))
    gaussian = max(float(pairs.sum()) - shared.bias, 0.0)
    rho = np.sqrt(-np.expm1(-2.0 * lowered(pairs, gaussian)))
    dof = _degrees(np.hstack([a, b]))
    root = math.sqrt(len(a))
    return Surrogates(
        n=len(a),
        correlations=rho,
        map_a=shared.rotation_a.T @ (shared.loadings_a / root),
        map_b=shared.rotation_b.T @ (shared.loadings_b / root),
        dof=dof,
        gaussian=gaussian,
        tails=0.0 if math.isinf(dof) else student_information(dof, len(shared.loadings_a), len(shared.loadings_b)),
        gaussian_stderr=float(np.sqrt((rho**2).sum() / len(a))),
    )


def _scores(drawn: FloatArray) -> FloatArray:
    """Return the normal scores of drawn columns, which hold no value twice."""
    n = len(drawn)
    levels = ndtri(np.arange(1, n + 1) / (n + 1.0))
    scores = np.empty_like(drawn)
    np.put_along_axis(scores, np.argsort(drawn, axis=0), levels[:, None], axis=0)
    return scores


def lowered(pairs: FloatArray, total: float) -> FloatArray:
    """Return max(pairs - t, 0) of descending pairs, with the t at which they sum to `total` where they exceed it."""
    if pairs.sum() <= total:
        return pairs
    kept = np.arange(1, pairs.size + 1)
    steps = (np.cumsum(pairs) - total) / kept
    step = steps[np.flatnonzero(pairs > steps)[-1]] if (pairs > steps).any() else pairs[0]
    return np.asarray(np.maximum(pairs - step, 0.0))


def _degrees(scores: FloatArray) -> float:
    """Return the degrees of freedom of the t copula that is most likely, its dispersion being the scores' correlations.

    Where columns depend on others the likelihood of the margins counts in proportion to the independent ones.
    """
    n, d = scores.shape
    _, loadings = principal_parts(scores)
    rank = len(loadings)
    whiten = np.linalg.pinv(loadings / math.sqrt(n))
    levels, index = np.unique(rankdata(scores, axis=0) / (n + 1.0), return_inverse=True)
    index = index.reshape(n, d)

    def likelihood(dof: float) -> float:
        """Return the mean log-likelihood less what does not depend on the degrees of freedom."""
        quantiles = stdtrit(dof, levels)
        joint = -0.5 * (dof + rank) * np.log1p(((quantiles[index] @ whiten) ** 2).sum(axis=1) / dof)
        margins = -0.5 * (dof + 1.0) * np.log1p(quantiles**2 / dof)
        constants = _log_constant(dof, rank) - rank * _log_constant(dof, 1)
        return float(joint.mean() - rank * margins[index].mean() + constants)

    normal = 0.5 * rank * float((scores**2).mean()) - 0.5 * float(((scores @ whiten) ** 2).sum(axis=1).mean())
    heights: dict[float, float] = {}
    low, high = 0, len(DEGREES) - 1
    while low < high:  # the likelihood rises to one top and falls from there
        middle = (low + high) // 2
        for dof in DEGREES[middle : middle + 2]:
            heights[dof] = heights[dof] if dof in heights else likelihood(dof)
        low, high = (middle + 1, high) if heights[DEGREES[middle + 1]] > heights[DEGREES[middle]] else (low, middle)
    best = DEGREES[low]
    return best if heights[best] > normal else math.inf


def _log_constant(dof: float, d: int) -> float:
    """Return the logarithm of the constant of the density of a Student t in d dimensions."""
    return float(gammaln(0.5 * (dof + d)) - gammaln(0.5 * dof) - 0.5 * d * math.log(dof * math.pi))
