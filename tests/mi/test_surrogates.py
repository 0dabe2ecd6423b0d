"""Surrogates: the correlations and tails of what they are fitted to, and an information that is theirs."""

import math

import numpy as np
import pytest

from pidkit.mi import BEYOND_NORMAL
from pidkit.mi.canonical import normal_scores, shared_correlations
from pidkit.mi.surrogates import fit_surrogates, lowered


def scores(name: str, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    a, b = BEYOND_NORMAL[name].sample(n, rng=seed)
    return normal_scores(np.asarray(a, dtype=float)), normal_scores(np.asarray(b, dtype=float))


@pytest.mark.parametrize("name", ["dense 3x3", "2-pair 5x5", "dense 25x25"])
def test_gaussian_samples_get_gaussian_surrogates_of_their_correlations(name: str) -> None:
    a, b = scores(name, 3000)
    law = fit_surrogates(a, b)
    assert math.isinf(law.dof)
    assert law.tails == 0.0
    assert law.information == pytest.approx(BEYOND_NORMAL[name].mi, abs=0.06)
    drawn = np.hstack(law.draw(np.random.default_rng(0)))
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(np.hstack([a, b]).T), atol=0.08)


def test_the_information_of_a_surrogate_is_that_of_its_correlations() -> None:
    law = fit_surrogates(*scores("2-pair 5x5", 3000))
    a, b = law.draw(np.random.default_rng(0))
    assert shared_correlations(a, b).raw == pytest.approx(law.gaussian, abs=0.02)


@pytest.mark.parametrize(("name", "dof"), [("Student t 2x2 (dof 1)", 1.0), ("Student t 5x5 (dof 3)", 3.0)])
def test_shared_tails_are_found_whatever_the_margins(name: str, dof: float) -> None:
    a, b = scores(name, 2000)
    law = fit_surrogates(a, b)
    assert law.dof == dof
    assert law.information == pytest.approx(BEYOND_NORMAL[name].mi, abs=0.02)
    assert fit_surrogates(*law.draw(np.random.default_rng(1))).dof == dof


def test_columns_that_depend_on_others_change_nothing() -> None:
    a, b = scores("Student t 3x3 (dof 2)", 1500)
    plain, doubled = fit_surrogates(a, b), fit_surrogates(np.hstack([a, a]), b)
    assert doubled.dof == plain.dof
    assert doubled.information == pytest.approx(plain.information, abs=1e-6)
    drawn, _ = doubled.draw(np.random.default_rng(0))
    np.testing.assert_allclose(drawn[:, :3], drawn[:, 3:], atol=0.05)


def test_noise_is_taken_off_the_small_correlations_first() -> None:
    pairs = np.array([1.0, 0.2, 0.1, 0.05])
    np.testing.assert_allclose(lowered(pairs, 1.05), [1.0 - 0.25 / 3, 0.2 - 0.25 / 3, 0.1 - 0.25 / 3, 0.0])
    np.testing.assert_allclose(lowered(pairs, 0.0), 0.0)
    np.testing.assert_array_equal(lowered(pairs, 2.0), pairs)
    independent = fit_surrogates(*(np.random.default_rng(0).normal(size=(2, 400, 10))))
    assert independent.information < 0.05
