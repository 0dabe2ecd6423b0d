"""The nearest-neighbour estimators of Kraskov, Stögbauer and Grassberger, for continuous samples."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from pidkit.arguments import Rng, generator, keep_checked, real_number, seed_name, whole_number
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted
from pidkit.mi.neighbour_options import WithNeighbours
from pidkit.mi.neighbours import BRUTE_FORCE_FROM, JITTER, neighbour_terms
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_pairs, check_rows, standardise
from pidkit.types import FloatArray, Unit


@dataclass(frozen=True)
class KSG(WithNeighbours):
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

    version: int = 1
    jitter: float = JITTER

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        jitter = real_number("jitter", self.jitter, least=0.0, below=1.0, remedy="1e-10 breaks ties")
        version = whole_number("version", self.version, least=1, most=2)
        keep_checked(self, version=version, jitter=jitter)

    @zero_where_constant
    @doubted(density=True, check="neighbours")
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
        terms = self.terms(x, y)
        return in_nats(
            terms.mean(),
            kind="estimate",
            estimator=f"ksg-{self.version}",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(n),
            diagnostics={"k": self.k, "brute_force": x.shape[1] + y.shape[1] >= BRUTE_FORCE_FROM},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def terms(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the terms, in nats, whose mean is the estimate, of rows (n, d) without ties."""
        return neighbour_terms(x, y, k=self.k, version=self.version)
