"""Cross-validated scores: those of a plain loop over folds, and indifferent to names and to the order of sources."""

from __future__ import annotations

import numpy as np
import pytest

from pidkit import solve_broja
from pidkit.representations.estimate import deal_folds
from pidkit.representations.finite_samples import CodedSamples
from pidkit.representations.held_out import Scores, cross_validate
from pidkit.representations.predictors import fit_sources, predict_pairs
from pidkit.types import FloatArray, IntArray
from tests.representations.systems import draw, looks


def plain_scores(samples: CodedSamples, folds: IntArray, fold: int) -> tuple[FloatArray, IntArray]:
    """Return the scores of one fold, made with a dense table and one solve: the slow twin."""
    shape = tuple(int(codes.max()) + 1 for codes in (samples.y, samples.x1, samples.x2))
    counts = np.zeros(shape)
    train = np.flatnonzero(folds != fold)
    np.add.at(counts, (samples.y[train], samples.x1[train], samples.x2[train]), 1.0)
    sources = fit_sources(counts.sum(2), counts.sum(1))
    solution = solve_broja(*sources.pair_marginals(), tol=1e-9)
    x1, x2 = (axis.ravel() for axis in np.indices(shape[1:]))
    both = predict_pairs(counts.reshape(shape[0], -1), sources, solution.lam, solution.mu, x1, x2).reshape(shape)
    rows = np.flatnonzero(folds == fold)
    scores = []
    for row in rows:
        y, i, j = samples.y[row], samples.x1[row], samples.x2[row]
        union = solution.lam[y, i] + solution.mu[y, j]
        q = (np.log(sources.q_1[y, i]), np.log(sources.q_2[y, j]), union, np.log(both[y, i, j]))
        scores.append(np.array(q) - np.log(sources.p_y[y]))
    return np.array(scores), rows


def scores_of(samples: CodedSamples, n_folds: int = 5) -> tuple[Scores, IntArray]:
    """Return the scores of a sample and its folds."""
    folds = deal_folds(samples.n, n_folds, np.random.default_rng(0))
    return cross_validate(samples, folds), folds


def test_scores_are_those_of_a_plain_loop() -> None:
    samples = draw(looks(4, 0.7, 0.4), 240, 3)
    scores, folds = scores_of(samples)
    for fold in range(5):
        plain, rows = plain_scores(samples, folds, fold)
        assert np.allclose(scores.held_out[rows][:, [0, 1]], plain[:, [0, 1]], atol=1e-12)
        # The potentials of a solve are not unique where a pair of codes carries no mass: means agree, rows nearly.
        assert scores.held_out[rows][:, 2].mean() == pytest.approx(plain[:, 2].mean(), abs=1e-3)
        assert scores.held_out[rows][:, 3].mean() == pytest.approx(plain[:, 3].mean(), abs=1e-3)


def test_predictors_never_see_the_row_they_score() -> None:
    """A source that is unique to each row predicts nothing; one that had been seen would predict everything."""
    n = 60
    rng = np.random.default_rng(0)
    samples = CodedSamples(rng.integers(2, size=n), np.arange(n), np.zeros(n, dtype=np.int64))
    scores, _ = scores_of(samples)
    assert scores.held_out[:, 0].mean() < 0.01
    assert scores.from_half[:, 0].mean() < 0.01
    assert scores.in_sample[0] >= scores.held_out[:, 0].mean()


def test_swapping_sources_swaps_the_scores() -> None:
    samples = draw(looks(3, 0.8, 0.3), 200, 1)
    one, _ = scores_of(samples)
    other, _ = scores_of(CodedSamples(samples.y, samples.x2, samples.x1))
    assert np.allclose(one.held_out[:, [0, 1]], other.held_out[:, [1, 0]], atol=1e-12)
    assert np.allclose(one.held_out[:, [2, 3]].mean(0), other.held_out[:, [2, 3]].mean(0), atol=1e-4)


def test_shares_say_what_predictors_were_fitted_to() -> None:
    scores, _ = scores_of(draw(looks(2, 0.8, 0.3), 50, 1), 10)
    assert (scores.share, scores.half_share) == (0.9, 0.5)
    odd, _ = scores_of(draw(looks(2, 0.8, 0.3), 50, 1), 3)
    assert (odd.share, odd.half_share) == (pytest.approx(2 / 3), pytest.approx(1 / 3))  # type: ignore[comparison-overlap]
