"""The model of codes: one P(y) for both layers, reached by the least change of posteriors, and BROJA's own solution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError, SolverError, solve_broja
from pidkit.representations import coded_model as module
from pidkit.representations.coded_model import coded_model, with_frequencies


def posteriors(n: int, classes: int, seed: int, sharp: float = 0.5) -> np.ndarray:
    q = np.random.default_rng(seed).dirichlet(np.full(classes, sharp), size=n)
    return np.asarray((1 - 1e-6) * q + 1e-6 / classes)


@given(st.integers(3, 50), st.integers(2, 6), st.sampled_from([0.05, 0.5, 20.0]), st.integers(0, 10**6))
def test_the_mean_becomes_the_frequencies_by_one_tilt(n: int, classes: int, sharp: float, seed: int) -> None:
    q = posteriors(n, classes, seed, sharp)
    p_y = np.random.default_rng(seed + 1).dirichlet(np.full(classes, 5.0))
    found = with_frequencies(q, p_y)
    assert np.abs(found.mean(0) - p_y).max() <= 1e-12
    assert found.sum(1) == pytest.approx(np.ones(n))
    tilt = np.log(found / q)
    tilt = tilt - tilt[:, :1]  # one vector for all rows, up to each row's normalisation
    assert np.abs(tilt - tilt[0]).max() < 1e-7


def test_posteriors_that_agree_stay() -> None:
    q = posteriors(30, 3, 0)
    assert with_frequencies(q, q.mean(0)) == pytest.approx(q, abs=1e-12)


def test_posteriors_that_are_nearly_certain_are_tilted_too() -> None:
    """A perfect decoder with one mistake: its predictions count 51 and 49 where the labels count 50 and 50."""
    q = np.where(np.arange(100)[:, None] < 51, [1 - 1e-7, 1e-7], [1e-7, 1 - 1e-7])
    found = with_frequencies(q, np.array([0.5, 0.5]))
    assert found[:51, 0].sum() + found[51:, 0].sum() == pytest.approx(50.0)
    assert found[51:, 1].min() > 0.999


def test_the_solution_is_that_of_the_tables_of_mean_posteriors() -> None:
    q_1, q_2, p_y = posteriors(200, 3, 0), posteriors(200, 3, 1), np.array([0.2, 0.3, 0.5])
    codes_1, codes_2 = np.arange(200) % 5, np.arange(200) % 3
    model = coded_model(q_1, q_2, codes_1, codes_2, p_y)
    tables = [
        np.stack([q[codes == k].sum(0) for k in range(codes.max() + 1)], axis=1) / 200
        for q, codes in ((model.posteriors_1, codes_1), (model.posteriors_2, codes_2))
    ]
    expected = solve_broja(*tables, unit="nats")
    assert model.solution.redundancy == pytest.approx(expected.redundancy, abs=1e-6)
    assert model.centroids_1 == pytest.approx((tables[0] / tables[0].sum(0)).T)
    assert model.centroids_2[2] == pytest.approx(model.posteriors_2[codes_2 == 2].mean(0))


def test_bad_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    q, codes, p_y = posteriors(6, 2, 0), np.arange(6) % 2, np.array([0.5, 0.5])
    with pytest.raises(
        InputError, match=r"^posteriors_1, posteriors_2 and p_y must have shapes .* not \(6, 2\), \(5, 2\)"
    ):
        coded_model(q, q[1:], codes, codes, p_y)
    with pytest.raises(
        InputError, match=r"^codes_1 and codes_2 must hold one code a row; they have shapes \(6,\) and \(5,"
    ):
        coded_model(q, q, codes, codes[1:], p_y)
    monkeypatch.setattr(module, "TILT_STEPS", 1)
    with pytest.raises(
        SolverError, match=r"^the mean posterior stayed .* away from the frequencies of the classes; mix"
    ):
        with_frequencies(q, np.array([0.9, 0.1]))
