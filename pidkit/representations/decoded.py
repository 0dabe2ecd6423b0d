"""From decoded layers to atoms: codes of their posteriors, the four informations, and what each step may have lost."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pidkit.joint import count_samples
from pidkit.mi.row_groups import variance_of_mean
from pidkit.pid.decomposition import pid_of_counts
from pidkit.pid.result import ATOMS, PIDResult
from pidkit.representations.estimate import TWO_SIDED_95
from pidkit.representations.finite_samples import CodedSamples
from pidkit.representations.held_out import INFORMATIONS, OF_ATOMS
from pidkit.representations.posterior_codes import RowCodes, choose_codes, coding_loss, posterior_codes
from pidkit.representations.row_scores import RowScores
from pidkit.representations.union import score_union, union_of_one
from pidkit.types import FloatArray, IntArray

FEWEST_CODES, MOST_CODES = 10, 80
"""Codes to choose from: these, or as many as classes, and twice and four times as many up to the second number. The
market that they make scores posteriors, not codes, so that more of them gain little."""


@dataclass(frozen=True)
class DecodedScores:
    """Everything that the atoms of two decoded layers are computed from, in nats.

    Attributes
    ----------
    samples : CodedSamples
        The labels and the codes of the posteriors.
    scores : ndarray, shape (n, 3)
        log q(y|.) - log p(y) of every row under the decoder of x1, of x2 and of both, which had not seen its label.
    rows : ndarray of int
        The rows that the union was scored for.
    union : ndarray, shape (rows.size,)
        Their scores under markets that had not seen them.
    union_excess : float
        By how much a market scores higher where it has; NaN where that was not asked.
    union_tol : float
        By how much its portfolios may score below the best.
    claims : ndarray, shape (rows.size, 3)
        What the posteriors expect the scores of I1, I2 and the union to be.
    coded : ndarray, shape (n, 3)
        Held-out scores of I1, I2 and the union of the codes.
    coded_in_sample : ndarray, shape (3,)
    coding_losses : tuple of float
    folds : ndarray of int, shape (n,)
        The fold of every row.
    groups : ndarray of int, shape (n,), optional
        Rows of one group may vary together, which the standard errors allow for.
    with_both : bool
        Whether there was a decoder of both layers. Without one the scores of I12 stand for nothing.
    """

    samples: CodedSamples
    scores: FloatArray
    rows: IntArray
    union: FloatArray
    union_excess: float
    union_tol: float
    claims: FloatArray
    coded: FloatArray
    coded_in_sample: FloatArray
    coding_losses: tuple[float, float]
    folds: IntArray
    groups: IntArray | None = None
    with_both: bool = True

    @cached_property
    def of_rows(self) -> tuple[FloatArray, float]:
        """The held-out scores of every row for I1, I2, U and I12, and a variance that the mean of U has beside.

        Where only some rows were scored for the union, the others' scores are those of their codes and the mean
        difference between the two; that difference is known from the scored rows only.
        """
        n, scored = len(self.scores), self.rows.size
        gain = self.union - self.coded[self.rows, 2]
        union = self.coded[:, 2] + gain.mean()
        union[self.rows] = self.union
        extra = float(gain.var(ddof=1)) * (1.0 / scored - 1.0 / n)
        return np.stack([self.scores[:, 0], self.scores[:, 1], union, self.scores[:, 2]], axis=1), extra

    @cached_property
    def plug_in(self) -> PIDResult:
        """The decomposition of the joint of the labels and the codes."""
        return pid_of_counts(
            count_samples(y=self.samples.y, x1=self.samples.x1, x2=self.samples.x2).compact(), unit="nats"
        )

    def informations(self) -> tuple[FloatArray, FloatArray]:
        """Return I1, I2, U and I12 as estimated and as held out.

        The decoders' informations are held out alone. The union's market is fitted to the rows of other folds, which
        errs downwards by as much, to first order, as fitting it to the row errs upwards: the middle is taken. Both
        layers together tell at least as much as the union, and the union as each layer.
        """
        held_out = self.of_rows[0].mean(0)
        mi_1, mi_2, union, mi_joint = held_out
        union = max(union + 0.5 * self.union_excess, mi_1, mi_2)
        return np.array([mi_1, mi_2, union, max(mi_joint, union)]), held_out

    def standard_errors(self) -> dict[str, float]:
        """Return the standard error of every information and atom, from the scatter of the rows' scores."""
        rows, extra = self.of_rows
        combined = rows @ np.vstack([np.eye(4), OF_ATOMS]).T
        with_union = np.concatenate([np.eye(4)[:, 2], np.abs(OF_ATOMS[:, 2])])
        # Portfolios of both layers are optimal up to union_tol, which no scatter shows.
        variance = variance_of_mean(combined, self.groups)
        errors = np.sqrt(variance + with_union * (extra + (2.0 * self.union_tol) ** 2))
        return dict(zip((*INFORMATIONS, *ATOMS), map(float, errors), strict=True))

    def row_scores(self) -> RowScores:
        """Return what another result of the same rows is compared with."""
        rows, extra = self.of_rows
        union_error = float(np.sqrt(extra + (2.0 * self.union_tol) ** 2))
        if not self.with_both:
            rows = np.where(np.arange(4) == 3, np.nan, rows)
        return RowScores(rows, union_error, self.samples.y, self.folds, self.groups)

    def joint_shortfall(self) -> tuple[float, float]:
        """Return by how much the decoder of both layers reads less than the better one, and its standard error."""
        if not self.with_both:
            return 0.0, 0.0
        mi_1, mi_2, _ = self.scores.mean(0)
        less = self.scores[:, 0 if mi_1 >= mi_2 else 1] - self.scores[:, 2]
        return float(less.mean()), float(np.sqrt(variance_of_mean(less, self.groups)))

    def miscalibration(self) -> tuple[float, float]:
        """Return by how much the redundancy that the posteriors claim exceeds the counted one, and its standard error.

        Claimed is what the scores would be on average if every label were drawn from its row's posterior.
        """
        (excess,), (error,) = self._excess(OF_ATOMS[:1, :3])
        return excess, error

    def undercounted(self) -> tuple[float, float]:
        """Return by how much I1 and I2 as claimed differ from what labels count, beyond 1.96 standard errors."""
        excess, errors = self._excess(np.eye(3)[:2])
        first, second = (max(abs(e) - TWO_SIDED_95 * s, 0.0) for e, s in zip(excess, errors, strict=True))
        return first, second

    def _excess(self, combinations: FloatArray) -> tuple[list[float], list[float]]:
        """Return by how much claimed combinations of I1, I2 and U exceed the counted ones, and standard errors."""
        counted = np.stack([self.scores[self.rows, 0], self.scores[self.rows, 1], self.union], axis=1)
        excess = (self.claims - counted) @ combinations.T
        groups = None if self.groups is None else self.groups[self.rows]
        return excess.mean(0).tolist(), np.sqrt(variance_of_mean(excess, groups)).tolist()

    def coded_redundancy(self) -> float:
        """Return the redundancy of the codes, which that of the posteriors is not below (a garbling lowers it)."""
        mi_1, mi_2, union = 0.5 * (self.coded.mean(0) + self.coded_in_sample)
        return float(mi_1 + mi_2 - max(union, mi_1, mi_2))


def code_posteriors(
    posteriors: FloatArray, y: IntArray, n_codes: int | None, folds: IntArray, rng: np.random.Generator
) -> RowCodes:
    """Return codes of one layer's posteriors, `n_codes` or as many as score best on held-out rows.

    `rng` is copied: the codes of a layer do not depend on what stands beside it.
    """
    rng = copy.deepcopy(rng)
    if n_codes is not None:
        return posterior_codes(posteriors, n_codes, rng)
    fewest = max(FEWEST_CODES, posteriors.shape[1])
    grid = [n for n in (fewest, 2 * fewest, 4 * fewest) if n <= max(fewest, MOST_CODES)]
    return choose_codes(posteriors, y, grid, folds, rng)


def score_decoded(
    y: IntArray,
    posteriors: tuple[FloatArray, FloatArray, FloatArray | None],
    coded: tuple[RowCodes, RowCodes],
    folds: IntArray,
    rng: np.random.Generator,
    groups: IntArray | None = None,
    constant: tuple[bool, bool] = (False, False),
    among: IntArray | None = None,
    *,
    in_sample: bool = True,
) -> DecodedScores:
    """Score every row for the four informations, by the posteriors of two layers and the codes of these.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    posteriors : tuple of ndarray, shape (n, C)
        Calibrated, of x1, of x2, and of both together, None where nothing read both.
    coded : pair of RowCodes
        Of the posteriors of x1 and of x2.
    folds : ndarray of int, shape (n,)
    rng : numpy.random.Generator
        Copied; it chooses the rows where not all are scored for the union.
    groups : ndarray of int, shape (n,), optional
        Of rows that may vary together.
    constant : pair of bool
        Whether x1 and x2 are constant, so that the union is what the other one tells, without a market.
    among : ndarray of int, optional
        Rows to score for the union; None is all.
    in_sample : bool
        Whether to tell by how much a market scores higher where it has seen a row.
    """
    first, second, both = posteriors
    each = np.arange(y.size), y
    log_p = np.log(np.bincount(y) / y.size)[y]
    scores = np.stack([np.log(q[each]) - log_p for q in (first, second, first if both is None else both)], axis=1)
    # The layer that tells more holds the market; exchanging the layers exchanges the unique atoms.
    a, b = (0, 1) if scores[:, 0].mean() >= scores[:, 1].mean() else (1, 0)
    if any(constant):
        a, b, one = 0, 1, constant.index(False) if False in constant else 0
        scores[:, 2] = scores[:, one]
        told = (first, second)[one]
        found = union_of_one(scores[:, :2], (told * np.log(told)).sum(1), one)
    else:
        pair = (first, second)
        found = score_union(
            y,
            (pair[a], pair[b]),
            (coded[a].codes, coded[b].codes),
            (coded[a].centroids, coded[b].centroids),
            folds,
            copy.deepcopy(rng),
            among,
            in_sample=in_sample,
        )
    in_order = [a, b, 2]
    expected = [(q[found.rows] * np.log(q[found.rows])).sum(1) for q in (first, second)]
    samples = CodedSamples(y, coded[0].codes, coded[1].codes)
    return DecodedScores(
        samples=samples,
        scores=scores,
        rows=found.rows,
        union=found.held_out,
        union_excess=found.excess,
        union_tol=found.tol,
        claims=np.stack([*expected, found.claimed], axis=1) - log_p[found.rows, None],
        coded=found.coded[:, in_order],
        coded_in_sample=found.coded_in_sample[in_order],
        coding_losses=(coding_loss(first, *coded[0]), coding_loss(second, *coded[1])),
        folds=folds,
        groups=groups,
        with_both=both is not None,
    )
