"""The certificate: bounds that hold for any candidate, and every formula against a dense slow twin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit.joint import pair_marginals
from pidkit.pid.broja import solve_broja
from pidkit.pid.certificate import centre_gauge, feasible_coupling, feasible_potentials, log_dual_slack
from tests.pid.strategies import generators, joints


def kept_marginals(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pair marginals without symbols that have no mass, as solvers see them."""
    for axis in range(3):
        p = np.compress(p.sum(tuple({0, 1, 2} - {axis})) > 0.0, p, axis)
    return pair_marginals(p)


def random_candidate(
    p_yx1: np.ndarray, p_yx2: np.ndarray, rng: np.random.Generator, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return potentials and weights with nothing to recommend them, -inf off the supports."""
    lam = np.where(p_yx1 > 0.0, scale * rng.normal(size=p_yx1.shape), -np.inf)
    mu = np.where(p_yx2 > 0.0, scale * rng.normal(size=p_yx2.shape), -np.inf)
    return lam, mu, rng.gamma(0.5, size=(p_yx1.shape[1], p_yx2.shape[1]))


def slow_objective(coupling: np.ndarray) -> float:
    """Sum Q log Q(y|x1,x2), cell by cell."""
    pair = coupling.sum(0)
    cells = ((coupling[cell], pair[cell[1:]]) for cell in np.ndindex(coupling.shape))
    return sum(mass * np.log(mass / total) for mass, total in cells if mass > 0.0)


def slow_dual(p_yx1: np.ndarray, p_yx2: np.ndarray, lam: np.ndarray, mu: np.ndarray) -> float:
    """Sum P lam + P mu, cell by cell on the supports."""
    first = sum(p_yx1[c] * lam[c] for c in np.ndindex(p_yx1.shape) if p_yx1[c] > 0.0)
    return first + sum(p_yx2[c] * mu[c] for c in np.ndindex(p_yx2.shape) if p_yx2[c] > 0.0)


@settings(max_examples=150)
@given(joints(), generators(), st.sampled_from([0.01, 1.0, 10.0, 300.0]))
def test_bounds_hold_for_any_candidate(p: np.ndarray, rng: np.random.Generator, scale: float) -> None:
    p_yx1, p_yx2 = kept_marginals(p)
    lam, mu, weights = random_candidate(p_yx1, p_yx2, rng, scale)
    optimum = solve_broja(p_yx1, p_yx2, unit="nats")
    lower = feasible_potentials(p_yx1, p_yx2, lam, mu)
    upper = feasible_coupling(p_yx1, p_yx2, lam, mu, weights)
    assert lower.value <= optimum.upper
    assert upper.value >= optimum.lower
    assert upper.marginal_residual <= 1e-12
    coupling = upper.to_dense()
    assert coupling.min() >= 0.0
    np.testing.assert_allclose(coupling.sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(1), p_yx2, atol=1e-12)


@settings(max_examples=60)
@given(joints(largest=4), generators())
def test_against_the_dense_twins(p: np.ndarray, rng: np.random.Generator) -> None:
    p_yx1, p_yx2 = kept_marginals(p)
    lam, mu, weights = random_candidate(p_yx1, p_yx2, rng, 1.0)
    total = np.exp(lam[:, :, None] + mu[:, None, :]).sum(0)
    found = np.exp(log_dual_slack(lam, mu))
    np.testing.assert_allclose(found, total, rtol=1e-12, atol=1e-200)

    lower = feasible_potentials(p_yx1, p_yx2, lam, mu)
    assert np.exp(lower.lam[:, :, None] + lower.mu[:, None, :]).sum(0).max() <= 1.0 + 1e-12
    assert lower.value == pytest.approx(slow_dual(p_yx1, p_yx2, lower.lam, lower.mu), abs=1e-12)

    upper = feasible_coupling(p_yx1, p_yx2, lam, mu, weights)
    coupling = upper.to_dense()
    np.testing.assert_allclose(upper.pair_mass(), coupling.sum(0), atol=1e-15)
    for y in range(len(p_yx1)):
        np.testing.assert_array_equal(upper.block(y), coupling[y])
        slow = upper.a[y][:, None] * upper.w * upper.b[y]
        if upper.r[y].any():
            slow = slow + np.outer(upper.r[y], upper.c[y]) / upper.r[y].sum()
        np.testing.assert_allclose(coupling[y], slow, atol=1e-15)
    # The bound splits Q into two parts, so it may exceed the objective of Q, never fall below it.
    assert upper.value >= slow_objective(coupling)


@settings(max_examples=60)
@given(joints())
def test_a_feasible_candidate_is_left_alone(p: np.ndarray) -> None:
    p_yx1, p_yx2 = kept_marginals(p)
    solution = solve_broja(p_yx1, p_yx2, unit="nats")
    lower = feasible_potentials(p_yx1, p_yx2, solution.lam, solution.mu)
    assert lower.value == pytest.approx(solution.lower, abs=1e-12)
    coupling = solution.coupling()
    assert solution.upper == pytest.approx(slow_objective(coupling), abs=solution.report.gap + 1e-12)
    assert slow_objective(coupling) >= solution.lower


@given(joints(largest=4), generators())
def test_the_gauge_is_free(p: np.ndarray, rng: np.random.Generator) -> None:
    p_yx1, p_yx2 = kept_marginals(p)
    lam, mu, weights = random_candidate(p_yx1, p_yx2, rng, 1.0)
    shift = rng.normal(size=(len(p_yx1), 1))
    centred = centre_gauge(lam + shift, mu - shift)
    np.testing.assert_allclose(centred[0].max(1), 0.0, atol=1e-15)
    for first, second in ((lam + shift, mu - shift), centred):
        lower = feasible_potentials(p_yx1, p_yx2, first, second)
        assert lower.value == pytest.approx(feasible_potentials(p_yx1, p_yx2, lam, mu).value, abs=1e-11)
        upper = feasible_coupling(p_yx1, p_yx2, first, second, weights)
        assert upper.value == pytest.approx(feasible_coupling(p_yx1, p_yx2, lam, mu, weights).value, abs=1e-11)


def test_weights_of_nothing_give_the_independent_coupling() -> None:
    rng = np.random.default_rng(5)
    p_yx1, p_yx2 = pair_marginals(rng.dirichlet(np.ones(24)).reshape(2, 3, 4))
    lam, mu, weights = random_candidate(p_yx1, p_yx2, rng, 1.0)
    upper = feasible_coupling(p_yx1, p_yx2, lam, mu, np.zeros_like(weights))
    independent = p_yx1[:, :, None] * p_yx2[:, None, :] / p_yx1.sum(1)[:, None, None]
    np.testing.assert_allclose(upper.to_dense(), independent, atol=1e-15)


@pytest.mark.parametrize("p_y", [[1.0], [0.25, 0.75]])
def test_bounds_meet_to_rounding_where_the_optimum_is_known(p_y: list[float]) -> None:
    """X1 = X2 = Y: Q must be P, F* = 0, and zero potentials on the support prove it."""
    table = np.diag(p_y)
    with np.errstate(divide="ignore"):
        zero = np.log(np.eye(len(p_y)))
    lower = feasible_potentials(table, table, zero, zero)
    upper = feasible_coupling(table, table, zero, zero, table)
    assert -1e-14 <= lower.value <= 0.0 <= upper.value <= 1e-14
