"""Gaussian estimators: log-determinants with Wishart's correction, and the same after normal scores."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

from pidkit.arguments import Rng, keep_checked, one_of, seed_name
from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_pairs, check_rows, standardise
from pidkit.types import FloatArray, Unit

HEAVY_TAILS = 10.0
"""Excess kurtosis of a column from which a few rows decide its correlations; that of an exponential variable is 6."""

NEGLIGIBLE = 1e-10
"""Singular values below this share of the largest are linear combinations of others."""


WishartCorrection = Literal["wishart", "none"]
"""What is done about the bias of log-determinants."""


@dataclass(frozen=True)
class GaussianMI:
    """Compute I(A; B) as if A and B were jointly Gaussian: ½ log(det S_aa det S_bb / det S) = -½ sum log(1 - rho_i²).

    rho_i are the canonical correlations. From n samples this is biased upwards by about d_a d_b / (2 n);
    log det S of d columns has the bias sum_i psi((n - i) / 2) - d log((n - 1) / 2), i = 1..d, which is subtracted.

    Parameters
    ----------
    correction : str
        "wishart" or "none".

    Notes
    -----
    For samples that are not Gaussian this may be anything; if the marginals are Gaussian it is a lower bound.

    References
    ----------
    Misra, Singh & Demchuk, Journal of Multivariate Analysis 92, 2005; Ince et al., Human Brain Mapping 38, 2017.

    Examples
    --------
    >>> from pidkit.mi import GaussianMI, TASKS
    >>> task = TASKS["dense 25x25"]
    >>> bool(abs(GaussianMI().estimate(*task.sample(5000), unit="nats").value - task.mi) < 0.05)
    True
    """

    correction: WishartCorrection = "wishart"

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, correction=one_of("correction", self.correction, get_args(WishartCorrection)))

    @zero_where_constant
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`; nothing is drawn from `rng`.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, there are no more samples than
            columns, or a combination of columns of a is one of b, so that the information is infinite.
        """
        seed_name(rng)  # refuses what is no rng
        rows_a, rows_b = check_rows(a, "a"), check_rows(b, "b")
        found = _gaussian(rows_a, rows_b, self.correction, "gaussian", unit)
        return dataclasses.replace(found, warnings=_tail_warnings(rows_a, "a") + _tail_warnings(rows_b, "b"))


@dataclass(frozen=True)
class GaussianCopulaMI:
    """Compute `GaussianMI` of the normal scores: every column becomes Phi^-1(rank / (n + 1)) first.

    Invariant under increasing maps of single columns; right where only the marginals are not Gaussian.

    Parameters
    ----------
    correction : str
        "wishart" or "none".

    References
    ----------
    Ince et al., A statistical framework for neuroimaging data analysis based on mutual information, 2017.

    Examples
    --------
    >>> from pidkit.mi import GaussianCopulaMI, TASKS
    >>> task = TASKS["half-cube 5x5"]
    >>> bool(abs(GaussianCopulaMI().estimate(*task.sample(5000), unit="nats").value - task.mi) < 0.05)
    True
    """

    correction: WishartCorrection = "wishart"

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, correction=GaussianMI(self.correction).correction)

    @zero_where_constant
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`; nothing is drawn from `rng`.

        Raises
        ------
        InputError
            As `GaussianMI.estimate`.
        """
        seed_name(rng)  # refuses what is no rng
        scores_a, scores_b = normal_scores(check_rows(a, "a")), normal_scores(check_rows(b, "b"))
        return _gaussian(scores_a, scores_b, self.correction, "gaussian-copula", unit)


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
    rotation_a: FloatArray
    rotation_b: FloatArray
    loadings_a: FloatArray
    loadings_b: FloatArray
    bias: float

    @property
    def raw(self) -> float:
        """-½ sum log(1 - rho²), in nats."""
        return -0.5 * float(np.log1p(-(self.rho**2)).sum())


def shared_correlations(a: FloatArray, b: FloatArray) -> SharedCorrelations:
    """Return the canonical correlations of a (n, d_a) and b (n, d_b).

    Raises
    ------
    InputError
        If the lengths differ, there are no more samples than columns, or a combination of columns of a is one of b.
    """
    n = check_pairs(len(a), len(b), at_least=3, reason="a covariance")
    (left_a, loadings_a), (left_b, loadings_b) = principal_parts(a), principal_parts(b)
    d_a, d_b = len(loadings_a), len(loadings_b)
    if n < d_a + d_b + 2:
        raise InputError(
            f"a and b hold {n} samples of {d_a} and {d_b} independent columns; a covariance of both needs at least "
            f"{d_a + d_b + 2}: give more samples, or reduce the columns by PCA first"
        )
    rotation_a, rho, rotation_b = np.linalg.svd(left_a.T @ left_b)
    if rho[0] ** 2 >= 1.0 - 1e-12:
        raise InputError(
            "a and b share a linear combination of columns, so their Gaussian information is infinite; "
            "drop what is copied, or use 'plugin' on codes"
        )
    bias = 0.5 * (wishart_bias(n, d_a) + wishart_bias(n, d_b) - wishart_bias(n, d_a + d_b))
    return SharedCorrelations(rho, rotation_a, rotation_b.T, loadings_a, loadings_b, bias)


def principal_parts(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return left (n, r) with orthonormal columns and loadings (r, d) whose product is the standardised rows.

    r is smaller than d where some columns depend on others.
    """
    left, size, right = np.linalg.svd(standardise(rows), full_matrices=False)
    kept = size > NEGLIGIBLE * size[0]
    return np.asarray(left[:, kept]), np.asarray(size[kept, None] * right[kept])


def _tail_warnings(rows: FloatArray, name: str) -> tuple[str, ...]:
    """Return the warning that a few rows decide a side's covariance."""
    excess = float((standardise(rows) ** 4).mean(axis=0).max()) - 3.0
    if excess <= HEAVY_TAILS:
        return ()
    return (
        f"heavy tails: a column of {name} has an excess kurtosis of {excess:.0f} (a Gaussian's is 0), so a few rows "
        "decide the correlations; use 'gaussian-copula' or 'calibrated'",
    )


def _gaussian(a: FloatArray, b: FloatArray, correction: WishartCorrection, estimator: str, unit: str) -> MIEstimate:
    began = time.perf_counter()
    shared = shared_correlations(a, b)
    return in_nats(
        shared.raw - shared.bias if correction == "wishart" else shared.raw,
        kind="estimate",
        estimator=estimator,
        n_samples=len(a),
        unit=unit,
        stderr=math.sqrt(float((shared.rho**2).sum()) / len(a)),
        information={"uncorrected": shared.raw, "bias": shared.bias},
        diagnostics={"canonical_correlations": [float(r) for r in shared.rho]},
        seconds=time.perf_counter() - began,
    )
