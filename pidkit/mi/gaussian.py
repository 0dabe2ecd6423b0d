"""Gaussian estimators: log-determinants with Wishart's correction, and the same after normal scores."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Literal, get_args

from pidkit.arguments import Rng, keep_checked, one_of, seed_name
from pidkit.mi.canonical import SharedCorrelations, normal_scores, principal_parts, shared_correlations
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_rows, standardise, tail_warnings
from pidkit.types import FloatArray, Unit

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
    @doubted(check="correlations")
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
        return dataclasses.replace(
            found,
            warnings=(*tail_warnings(rows_a, "a", "the correlations"), *tail_warnings(rows_b, "b", "the correlations")),
        )


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
    @doubted(check="correlations")
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


def _gaussian(a: FloatArray, b: FloatArray, correction: WishartCorrection, estimator: str, unit: str) -> MIEstimate:
    began = time.perf_counter()
    shared = shared_correlations(a, b)
    return in_nats(
        shared.raw - shared.bias if correction == "wishart" else shared.raw,
        kind="estimate",
        estimator=estimator,
        n_samples=len(a),
        unit=unit,
        stderr=shared.stderr(len(a)),
        information={"uncorrected": shared.raw, "bias": shared.bias},
        diagnostics={"canonical_correlations": [float(r) for r in shared.rho]},
        seconds=time.perf_counter() - began,
    )


def conditional_gaussian(a: FloatArray, b: FloatArray, c: FloatArray) -> SharedCorrelations:
    """Return the canonical correlations of what is left of a and b after regression on c, rows (n, d) each.

    Raises
    ------
    InputError
        If there are no more samples than columns, or a combination of columns of a is one of b given c.
    """
    left_c, _ = principal_parts(c)
    left_a, left_b = (standardise(side) for side in (a, b))
    left_a, left_b = (side - left_c @ (left_c.T @ side) for side in (left_a, left_b))
    return shared_correlations(left_a, left_b, taken=left_c.shape[1])
