"""The calibrated estimator: nearest neighbours, corrected by what they return on surrogates of known information."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from pidkit.arguments import Rng, generator, seed_name
from pidkit.mi.canonical import normal_scores
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted
from pidkit.mi.neighbour_options import WithSurrogates
from pidkit.mi.neighbours import JITTER, neighbour_terms
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_pairs, check_rows, standardise
from pidkit.mi.second_opinion import LARGE_REST, LEAST_SEEN, TRUSTED_COLUMNS, not_elliptical
from pidkit.mi.surrogates import Surrogates, fit_surrogates
from pidkit.types import FloatArray, Unit


@dataclass(frozen=True)
class Calibrated(WithSurrogates):
    """Estimate I(A; B) of continuous samples by nearest neighbours whose bias is measured on surrogates and taken off.

    I_S + KSG(scores of A and B) - mean KSG(S), with S samples of a t copula (Gaussian, where that is likelier) that has
    the correlations and the joint tails of the normal scores, and whose information I_S is known. What KSG misses of
    dependence in many columns it misses in S too, so that it cancels; what S does not have is left to KSG.

    Parameters
    ----------
    k : int
        Neighbours, as in `KSG`.
    n_surrogates : int
        Surrogates that KSG is averaged over; the time grows in proportion.

    Notes
    -----
    Normal scores make the value invariant under increasing maps of single columns. The standard error has three parts:
    of I_S, of KSG given the correlations (the spread over the surrogates), and of the mean over the surrogates. Where
    it fails: dependence that is neither elliptical nor in few columns, for which warnings are given.

    References
    ----------
    Kraskov, Stögbauer & Grassberger, 2004; Ince et al., 2017; Demarta & McNeil, The t copula and related copulas,
    International Statistical Review 73, 2005. The derivation is in docs/meaning/calibrated-information.md.

    Examples
    --------
    >>> from pidkit.mi import Calibrated, KSG, TASKS
    >>> task = TASKS["pair 5x5"]
    >>> sample = task.sample(1000)
    >>> low, right = (found.estimate(*sample, unit="nats").value for found in (KSG(), Calibrated()))
    >>> bool(abs(right - task.mi) < 0.1 < task.mi - low)
    True
    """

    @zero_where_constant
    @doubted(density=True)
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`; `rng` draws the surrogates.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, there are no more samples than columns or fewer
            than k + 2, or a combination of columns of a is one of b, so that the information is infinite.
        """
        began = time.perf_counter()
        rows_a, rows_b = check_rows(a, "a"), check_rows(b, "b")
        n = check_pairs(len(rows_a), len(rows_b), at_least=self.k + 2, reason=f"k = {self.k}")
        x, y = (normal_scores(standardise(rows)) for rows in (rows_a, rows_b))
        law, draws = fit_surrogates(x, y), generator(rng)
        terms = self._terms(x, y, draws)
        seen = [float(self._terms(*law.draw(draws), draws).mean()) for _ in range(self.n_surrogates)]
        value, found, spread = float(terms.mean()), float(np.mean(seen)), float(np.std(seen, ddof=1))
        rest, columns = value - found, x.shape[1] + y.shape[1]
        own = max(float(terms.std(ddof=1)) / math.sqrt(n), math.hypot(law.gaussian_stderr, spread))
        return in_nats(
            law.information + rest,
            kind="estimate",
            estimator="calibrated",
            n_samples=n,
            unit=unit,
            stderr=math.hypot(own, spread / math.sqrt(self.n_surrogates)),
            warnings=_doubts(law, found, rest, columns),
            information={
                "nearest_neighbours": value,
                "surrogate_found": found,
                "surrogate_known": law.information,
                "correlations": law.gaussian,
                "tails": law.tails,
            },
            diagnostics={"k": self.k, "n_surrogates": self.n_surrogates, "inverse_dof": 1.0 / law.dof},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def _terms(self, x: FloatArray, y: FloatArray, draws: np.random.Generator) -> FloatArray:
        """Return the terms of KSG, ties broken as it breaks them."""
        x, y = (side + JITTER * draws.standard_normal(side.shape) for side in map(standardise, (x, y)))
        return neighbour_terms(x, y, k=self.k)


def _doubts(law: Surrogates, found: float, rest: float, columns: int) -> tuple[str, ...]:
    """Return the warnings that the correction cannot be right about everything."""
    texts = []
    if columns > TRUSTED_COLUMNS and abs(rest) > LARGE_REST:
        texts.append(not_elliptical(rest, columns))
    if found < LEAST_SEEN * law.information and law.information > LARGE_REST:
        texts.append(
            f"blind: of surrogates' {law.information:.2f} nats nearest neighbours find {found:.2f}, so that dependence "
            "which is not elliptical is hardly seen; compare with 'infonce'"
        )
    return tuple(texts)
