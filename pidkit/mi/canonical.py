"""Normal scores and canonical correlations of two sides, and what sampling adds to their information."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

from pidkit.errors import InputError
from pidkit.mi.samples import check_pairs, standardise
from pidkit.types import FloatArray

NEGLIGIBLE = 1e-10
"""Singular values below this share of the largest are linear combinations of others."""


def normal_scores(rows: FloatArray) -> FloatArray:
    """Return Phi^-1(rank / (n + 1)) of every column; equal values get equal scores."""
    return np.asarray(ndtri(rankdata(rows, axis=0) / (len(rows) + 1.0)))


def wishart_bias(n: int, d: int) -> float:
    """Return the bias of log det S for the covariance S of n samples of d Gaussian columns, in nats.

    E log det S - log det Sigma = sum_{i=1..d} psi((n - i) / 2) - d log((n - 1) / 2).
    """
    return float(digamma((n - np.arange(1, d + 1)) / 2.0).sum() - d * math.log((n - 1) / 2.0))


@dataclass(frozen=True)
class SharedCorrelations:
    """The canonical correlations of two sides, descending, and what is needed to draw rows that have them.

    A side's columns, standardised, are left @ loadings with orthonormal left, and the columns of left @ rotation are
    the canonical variates. `bias` is what sampling adds to -½ sum log(1 - rho²).
    """

    rho: FloatArray
    left_a: FloatArray
    left_b: FloatArray
    rotation_a: FloatArray
    rotation_b: FloatArray
    loadings_a: FloatArray
    loadings_b: FloatArray
    bias: float

    @property
    def raw(self) -> float:
        """-½ sum log(1 - rho²), in nats."""
        return -0.5 * float(np.log1p(-(self.rho**2)).sum())

    def stderr(self, n: int) -> float:
        """Return the standard error of the information, sqrt(sum rho² / n + d_a d_b / (2 n²)), in nats.

        The second term is that of independent sides, whose n sum rho² is chi² of d_a d_b degrees of freedom.
        """
        independent = len(self.loadings_a) * len(self.loadings_b) / (2.0 * n**2)
        return math.sqrt(float((self.rho**2).sum()) / n + independent)


def shared_correlations(a: FloatArray, b: FloatArray, *, taken: int = 0) -> SharedCorrelations:
    """Return the canonical correlations of a (n, d_a) and b (n, d_b); regression has `taken` degrees of freedom.

    Raises
    ------
    InputError
        If the lengths differ, there are no more samples than columns, or a combination of columns of a is one of b.
    """
    n = check_pairs(len(a), len(b), at_least=3, reason="a covariance")
    (left_a, loadings_a), (left_b, loadings_b) = principal_parts(a), principal_parts(b)
    d_a, d_b = len(loadings_a), len(loadings_b)
    if n < taken + d_a + d_b + 2:
        raise InputError(
            f"a and b hold {n} samples of {d_a} and {d_b} independent columns; a covariance of both needs at least "
            f"{taken + d_a + d_b + 2}: give more samples, or reduce the columns by PCA first"
        )
    rotation_a, rho, rotation_b = np.linalg.svd(left_a.T @ left_b)
    if rho[0] ** 2 >= 1.0 - 1e-12:
        raise InputError(
            "a and b share a linear combination of columns, so their Gaussian information is infinite; "
            "drop what is copied, or use 'plugin' on codes"
        )
    free = n - taken
    bias = 0.5 * (wishart_bias(free, d_a) + wishart_bias(free, d_b) - wishart_bias(free, d_a + d_b))
    return SharedCorrelations(rho, left_a, left_b, rotation_a, rotation_b.T, loadings_a, loadings_b, bias)


def principal_parts(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return left (n, r) with orthonormal columns and loadings (r, d) whose product is the standardised rows.

    r is smaller than d where some columns depend on others.
    """
    left, size, right = np.linalg.svd(standardise(rows), full_matrices=False)
    kept = size > NEGLIGIBLE * size[0]
    return np.asarray(left[:, kept]), np.asarray(size[kept, None] * right[kept])
