"""The nearest-neighbour estimators of Kraskov, Stögbauer and Grassberger, for continuous samples."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from pidkit.arguments import Rng, check_count, generator, keep_checked, real_number, seed_name, whole_number
from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.gaussian import normal_scores
from pidkit.mi.neighbours import BRUTE_FORCE_FROM, counts_within, nearest_pairs
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_pairs, check_rows, standardise
from pidkit.mi.surrogates import fit_surrogates
from pidkit.types import FloatArray, Unit

TIED_SHARE = 0.05
"""Share of repeated rows from which KSG's assumption of a density is in doubt."""

TRUSTED_COLUMNS = 3
"""Columns of both sides together up to which nearest neighbours need no correction."""

VERDICT_ROWS = 1000
"""Rows of the surrogate on which KSG is tried."""

LARGEST_MISS, LARGEST_MISS_SHARE = 0.1, 0.3
"""Nats, and share of a surrogate's information, by which KSG may miss it without a warning."""


@dataclass(frozen=True)
class KSG:
    """Estimate I(A; B) of continuous samples from the distances to the k-th neighbour.

    Version 1: psi(k) + psi(n) - mean[psi(n_a + 1) + psi(n_b + 1)], with n_a and n_b how many samples lie nearer in one
    marginal than the k-th neighbour in the joint space (maximum norm). Version 2 measures each marginal by its own
    side of the rectangle that holds the k neighbours, and subtracts 1/k.

    Parameters
    ----------
    k : int
        Neighbours; a larger k lowers the variance and raises the bias. Kraskov et al. recommend 2 to 4.
    version : int
        1 or 2.
    jitter : float
        Standard deviation of the noise that breaks ties, relative to that of each column.

    References
    ----------
    Kraskov, Stögbauer & Grassberger, Estimating mutual information, Physical Review E 69, 066138, 2004, eq. 8 and 9.

    Examples
    --------
    >>> from pidkit.mi import KSG, TASKS
    >>> task = TASKS["normal 1x1"]
    >>> estimate = KSG().estimate(*task.sample(1000, rng=0), unit="nats")
    >>> bool(abs(estimate.value - task.mi) < 0.1)
    True
    """

    k: int = 3
    version: int = 1
    jitter: float = 1e-10

    def __post_init__(self) -> None:
        """Check the parameters."""
        jitter = real_number("jitter", self.jitter, least=0.0, below=1.0, remedy="1e-10 breaks ties")
        version = whole_number("version", self.version, least=1, most=2)
        keep_checked(self, k=check_count("k", self.k), version=version, jitter=jitter)

    @zero_where_constant
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, or there are fewer than k + 2.
        """
        began = time.perf_counter()
        rows_a, rows_b = check_rows(a, "a"), check_rows(b, "b")
        n = check_pairs(len(rows_a), len(rows_b), at_least=self.k + 2, reason=f"k = {self.k}")
        noise = generator(rng)
        x, y = (
            scaled + self.jitter * noise.standard_normal(scaled.shape)
            for scaled in (standardise(rows_a), standardise(rows_b))
        )
        terms = neighbour_terms(x, y, k=self.k, version=self.version)
        return in_nats(
            terms.mean(),
            kind="estimate",
            estimator=f"ksg-{self.version}",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(n),
            warnings=tie_warnings(rows_a, "a") + tie_warnings(rows_b, "b") + self._verdict(x, y),
            diagnostics={"k": self.k, "brute_force": x.shape[1] + y.shape[1] >= BRUTE_FORCE_FROM},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def _verdict(self, x: FloatArray, y: FloatArray) -> tuple[str, ...]:
        """Return the warning that on surrogates of known information this estimator is off by a third.

        Up to TRUSTED_COLUMNS columns it is right, and nothing is drawn. At most VERDICT_ROWS rows bound the time.
        """
        if x.shape[1] + y.shape[1] <= TRUSTED_COLUMNS:
            return ()
        draws = np.random.default_rng(0)
        rows = draws.permutation(len(x))[:VERDICT_ROWS]
        try:
            law = fit_surrogates(
                *(normal_scores(standardise(check_rows(side[rows], name))) for side, name in ((x, "a"), (y, "b")))
            )
        except InputError as error:
            return (f"unchecked on surrogates of known information, for {error}",)
        surrogate = (standardise(side) for side in law.draw(draws))
        found = float(neighbour_terms(*surrogate, k=self.k, version=self.version).mean())
        if abs(found - law.information) <= max(LARGEST_MISS, LARGEST_MISS_SHARE * law.information):
            return ()
        return (
            f"off on surrogates: on {len(rows)} samples of the same correlations and tails it returns {found:.2f} for "
            f"{law.information:.2f} nats; use 'calibrated'",
        )


def neighbour_terms(x: FloatArray, y: FloatArray, *, k: int, version: int = 1) -> FloatArray:
    """Return the terms, in nats, whose mean is the estimate of I(X; Y) from rows x and y without ties."""
    neighbours = nearest_pairs(x, y, k)
    if version == 1:
        radius = np.nextafter(neighbours.distance, 0.0)
        n_x, n_y = counts_within(x, radius), counts_within(y, radius)
        constant = digamma(k)
    else:
        n_x, n_y = counts_within(x, neighbours.side_a) - 1, counts_within(y, neighbours.side_b) - 1
        constant = digamma(k) - 1.0 / k
    return np.asarray(constant + digamma(len(x)) - digamma(n_x) - digamma(n_y))


def tie_warnings(rows: FloatArray, name: str) -> tuple[str, ...]:
    """Return the warning that a side repeats its rows, which a density does not."""
    share = 1.0 - len(np.unique(rows, axis=0)) / len(rows)
    if share <= TIED_SHARE:
        return ()
    return (
        f"ties: {100 * share:.0f} % of the rows of {name} repeat another, so it has no density; use 'gao' or codes",
    )
