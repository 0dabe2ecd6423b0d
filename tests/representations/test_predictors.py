"""Shrunken predictors: probabilities without zeros, one P(y), and leave-one-out likelihoods that leave one out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import solve_broja
from pidkit.representations.predictors import (
    STRENGTHS,
    SourcePredictors,
    _leave_one_out,
    fit_sources,
    predict_pairs,
)
from pidkit.types import FloatArray
from tests.representations.systems import draw, looks, modular


def counts_of(p: FloatArray, n: int, seed: int) -> FloatArray:
    """Return the counts [y, x1, x2] of a sample."""
    samples = draw(p, n, seed)
    counts = np.zeros(p.shape)
    np.add.at(counts, (samples.y, samples.x1, samples.x2), 1.0)
    return counts


def fitted(counts: FloatArray) -> tuple[SourcePredictors, FloatArray, FloatArray, FloatArray]:
    """Return the predictors of the sources, BROJA's potentials, and the predictions for every pair of codes."""
    sources = fit_sources(counts.sum(2), counts.sum(1))
    solution = solve_broja(*sources.pair_marginals(), tol=1e-8)
    x1, x2 = (axis.ravel() for axis in np.indices(counts.shape[1:]))
    both = predict_pairs(counts.reshape(counts.shape[0], -1), sources, solution.lam, solution.mu, x1, x2)
    return sources, solution.lam, solution.mu, both


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 60))
def test_predictions_are_probabilities_without_zeros(seed: int, n_symbols: int, n_samples: int) -> None:
    counts = counts_of(looks(n_symbols, 0.8, 0.3), n_samples, seed)
    sources, lam, mu, both = fitted(counts)
    for q in (sources.q_1, sources.q_2, both):
        assert (q > 0.0).all()
        assert np.allclose(q.sum(0), 1.0, atol=1e-12)
    union = np.exp(lam[:, :, None] + mu[:, None, :]).sum(0)
    assert (union <= 1.0 + 1e-12).all()  # BROJA's dual constraint, so the union's scores are valid bounds


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 200))
def test_pair_marginals_share_the_target(seed: int, n_symbols: int, n_samples: int) -> None:
    counts = counts_of(looks(n_symbols, 0.9, 0.2), n_samples, seed)
    sources = fit_sources(counts.sum(2), counts.sum(1))
    first, second = sources.pair_marginals()
    assert first.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.allclose(first.sum(1), sources.p_y, atol=1e-12)
    assert np.allclose(second.sum(1), sources.p_y, atol=1e-12)
    assert first.min() > 0.0


def test_sources_that_tell_nothing_are_shrunk_to_the_target() -> None:
    counts = counts_of(looks(10, 0.0, 0.9), 500, 0)
    sources = fit_sources(counts.sum(2), counts.sum(1))
    assert sources.strength_1 >= 256.0
    assert sources.strength_2 <= 16.0
    assert np.abs(sources.q_1 - sources.p_y[:, None]).max() < 0.05


def test_the_prior_of_a_pair_is_the_one_that_fits() -> None:
    """Independent looks follow the product of what each predicts, copies of one look the union predictor."""
    independent = counts_of(looks(6, 0.7, 0.4), 3000, 0)
    sources, _, _, both = fitted(independent)
    product = sources.q_1[:, :, None] * sources.q_2[:, None, :] / sources.p_y[:, None, None]
    product /= product.sum(0)
    assert np.abs(both.reshape(product.shape) - product).max() < 0.1

    copies = np.zeros((6, 6, 6))
    same = np.arange(6)
    copies[:, same, same] = independent.sum(2)
    sources, *_, both = fitted(copies)
    diagonal = both.reshape(copies.shape)[:, same, same]
    assert np.abs(diagonal - sources.q_1).max() < 0.05


def test_counts_win_where_rows_bear_synergy_out() -> None:
    counts = counts_of(modular(3, 0.9), 5000, 0)
    *_, both = fitted(counts)
    truth = modular(3, 0.9)
    assert np.abs(both.reshape(3, 3, 3) - truth / truth.sum(0)).max() < 0.03


@given(st.integers(0, 2**32 - 1))
def test_leaving_one_out_is_what_a_refit_without_it_gives(seed: int) -> None:
    """The slow twin: take one sample of each cell away, refit both channels with the strengths and P(y) held."""
    counts = counts_of(looks(4, 0.6, 0.5), 40, seed)
    sources = fit_sources(counts.sum(2), counts.sum(1))
    y, x1, x2 = np.nonzero(counts)
    log_v = np.log(sources.q_1[:, x1]) + np.log(sources.q_2[:, x2]) - np.log(sources.p_y)[:, None]
    found = np.exp(_leave_one_out(log_v, sources, y, x1, x2))
    found /= found.sum(0)
    for cell in range(y.size):
        columns = []
        for table, x, strength in (
            (counts.sum(2), x1[cell], sources.strength_1),
            (counts.sum(1), x2[cell], sources.strength_2),
        ):
            column = table[:, x].copy()
            column[y[cell]] -= 1.0
            columns.append((column + strength * sources.p_y) / (column.sum() + strength))
        refit = columns[0] * columns[1] / sources.p_y
        # The own entry is what the likelihood reads; the others are scaled by a common factor.
        assert found[y[cell], cell] == pytest.approx(refit[y[cell]] / refit.sum(), rel=1e-9)


def test_strengths_are_searched_to_where_counts_have_no_say() -> None:
    assert STRENGTHS[0] < 1.0
    assert STRENGTHS[-1] >= 1e6
