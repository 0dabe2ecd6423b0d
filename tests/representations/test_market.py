"""The market form of unique information: certified growth rates, BROJA's unique atom attained and not exceeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import bivariate_pid, solve_broja
from pidkit.representations import market as module
from pidkit.representations.market import growth
from pidkit.types import FloatArray


def joint(seed: int) -> np.ndarray:
    """Return p[y, x1, x2], some entries zero."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 6, size=3))
    p = rng.dirichlet(np.full(int(np.prod(shape)), rng.choice([0.1, 0.5, 2.0]))).reshape(shape)
    p[rng.random(shape) < 0.2] = 0.0
    p += (p.sum((1, 2), keepdims=True) == 0.0) + (p.sum((0, 2), keepdims=True) == 0.0)
    p += p.sum((0, 1), keepdims=True) == 0.0
    return np.asarray(p / p.sum())


def advantage(own: FloatArray, other: FloatArray, assets: FloatArray) -> float:
    """Return E h_U(p_T) - E h_U(p_S), a lower bound of Uni(Y:T \\ S), of the joints P(y, t) and P(y, s)."""
    ahead, behind = (growth((table / table.sum(0)).T, assets) for table in (own, other))
    return float(own.sum(0) @ ahead.lower - other.sum(0) @ behind.upper)


@pytest.mark.parametrize(
    "seeds",
    [range(5), pytest.param(range(300), marks=pytest.mark.slow)],  # 300 joints take 18 s
    ids=["5 joints", "300 joints"],
)
def test_the_market_of_the_potentials_attains_the_unique_atom_and_others_stay_below(seeds: range) -> None:
    rng = np.random.default_rng(0)
    for seed in seeds:
        p = joint(seed)
        first, second = p.sum(2), p.sum(1)
        exact = bivariate_pid(p, unit="nats")
        solution = solve_broja(first, second, unit="nats")
        for own, other, assets, unique in (
            (first, second, np.exp(solution.lam.T), exact.unique_1),
            (second, first, np.exp(solution.mu.T), exact.unique_2),
        ):
            best = advantage(own, other, assets)
            assert best == pytest.approx(unique, abs=1e-6), seed
            assert best <= unique + 1e-8, seed
            stranger = rng.gamma(0.5, size=(4, p.shape[0])) + 1e-3
            assert advantage(own, other, stranger) <= unique + 1e-8


@settings(max_examples=50)
@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 10**6))
def test_growth_is_certified_and_no_other_portfolio_grows_more(classes: int, n_assets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    beliefs, assets = rng.dirichlet(np.full(classes, 0.5), size=6), rng.gamma(0.7, size=(n_assets, classes)) + 1e-4
    found = growth(beliefs, assets)
    assert (found.upper - found.lower < 1e-6).all()
    assert found.weights.sum(1) == pytest.approx(np.ones(6))
    assert (beliefs * np.log(found.weights @ assets)).sum(1) == pytest.approx(found.lower, abs=1e-9)
    other = rng.dirichlet(np.ones(n_assets), size=200)
    assert ((beliefs @ np.log(other @ assets).T).max(1) <= found.upper + 1e-9).all()


def test_a_horse_race_grows_by_minus_the_entropy() -> None:
    beliefs = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    found = growth(beliefs, np.eye(3))
    assert found.lower == pytest.approx([(beliefs[0] * np.log(beliefs[0])).sum(), 0.0], abs=1e-6)
    assert found.weights == pytest.approx(beliefs, abs=1e-3)


def test_cash_alone_grows_by_nothing() -> None:
    found = growth(np.array([[0.2, 0.8]]), np.ones((1, 2)))
    assert found.lower == pytest.approx([0.0], abs=1e-12)
    assert found.upper == pytest.approx([0.0], abs=1e-12)


def test_the_antiblocking_market_grows_by_what_is_left_of_the_entropy() -> None:
    """h_{U*}(p) = -H(p) - h_U(p): here U is a horse race at odds 1/r, and U* the race at odds r."""
    belief, odds = np.array([[0.6, 0.3, 0.1]]), np.array([2.0, 5.0, 0.5])
    own, blocking = growth(belief, np.diag(odds)), growth(belief, np.diag(1.0 / odds).sum(0, keepdims=True))
    entropy = -(belief * np.log(belief)).sum()
    assert own.lower + blocking.lower == pytest.approx([-entropy], abs=1e-6)


def test_many_beliefs_are_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    beliefs, assets = rng.dirichlet(np.ones(3), size=50), rng.gamma(1.0, size=(5, 3))
    whole = growth(beliefs, assets)
    monkeypatch.setattr(module, "CHUNK", 30)
    parts = growth(beliefs, assets)
    assert parts.lower == pytest.approx(whole.lower, abs=1e-7)
    assert parts.upper == pytest.approx(whole.upper, abs=1e-7)


def test_bounds_hold_where_the_solver_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    beliefs, assets = rng.dirichlet(np.ones(4), size=20), rng.gamma(0.5, size=(9, 4)) + 1e-3
    exact = growth(beliefs, assets)
    monkeypatch.setattr(module, "GROWTH_ITERATIONS", 3)
    early = growth(beliefs, assets)
    assert (early.upper - early.lower).max() > 1e-3
    assert (early.lower <= exact.upper).all()
    assert (early.upper >= exact.lower).all()


def test_many_classes_take_no_table_of_all_products(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    beliefs, assets = rng.dirichlet(np.full(5, 0.5), size=6), rng.gamma(0.7, size=(8, 5)) + 1e-4
    once = growth(beliefs, assets)
    monkeypatch.setattr(module, "MOST_PRODUCTS", 8 * 5 * 5 - 1)
    np.testing.assert_allclose(growth(beliefs, assets).lower, once.lower, atol=1e-7)
    np.testing.assert_allclose(growth(beliefs, assets).weights, once.weights, atol=1e-4)
