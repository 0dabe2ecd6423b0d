"""The interior-point solver: its iterations, its fall-back on awkward joints, its warm start, its report."""

import numpy as np
import pytest

from pidkit import solve_broja
from pidkit.joint import pair_marginals
from pidkit.pid.certificate import feasible_coupling, feasible_potentials, log_dual_slack
from pidkit.pid.solvers import interior_point
from pidkit.pid.solvers.interior_point import solve_interior_point
from pidkit.pid.solvers.interior_point_batch import solve_interior_point_batch
from tests.pid.strategies import KINDS, random_joint
from tests.pid.test_awkward_families import near_copy
from tests.pid.test_fuzz import awkward_joint, random_shape

TOL = 1e-9 * np.log(2.0)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"zero-mass symbol"}))
@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 1, 1), (2, 2, 2), (5, 5, 5), (3, 9, 2), (10, 6, 8)])
def test_reaches_its_tolerance_and_both_certificates_agree(kind: str, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    p_yx1, p_yx2 = pair_marginals(random_joint(rng, shape, kind) + 1e-9 * (kind != "deterministic"))
    p_yx1, p_yx2 = p_yx1 / p_yx1.sum(), p_yx2 / p_yx2.sum()
    found = solve_interior_point(p_yx1, p_yx2, tol=TOL)
    assert found.status == "converged"
    assert -1e-14 < found.gap <= TOL
    assert log_dual_slack(found.lower.lam, found.lower.mu).max() <= 1e-12
    # certificate.py, which shares no code with the compiled one, comes to the same bounds.
    lower = feasible_potentials(p_yx1, p_yx2, found.lam, found.mu)
    upper = feasible_coupling(p_yx1, p_yx2, found.lam, found.mu, found.weights)
    assert lower.value == pytest.approx(found.lower.value, abs=1e-12)
    assert upper.value == pytest.approx(found.upper.value, abs=TOL)


@pytest.mark.parametrize("shape", [(2, 2, 2), (10, 10, 10), (5, 30, 20), (100, 10, 10)])
def test_takes_about_ten_iterations_whatever_the_size(shape: tuple[int, int, int]) -> None:
    p = random_joint(np.random.default_rng(1), shape)
    assert solve_interior_point(*pair_marginals(p), tol=TOL).iterations <= 20


def test_masses_over_many_orders_of_magnitude() -> None:
    """Regression: one pair of small masses used to send Newton's method to infinity (5 joints in 100 at 1e-4)."""
    rng = np.random.default_rng(2)
    for decades in (4, 6, 8, 10, 12, 16):
        for _ in range(20):
            shape = tuple(rng.integers(2, 9, 3))
            p = rng.gamma(1.0, size=shape) * 10.0 ** (-decades * rng.random(shape))
            found = solve_interior_point(*pair_marginals(p / p.sum()), tol=TOL)
            assert found.status == "converged", decades
            assert found.gap <= TOL


def test_continuation_alone_finds_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(3), (4, 5, 6)))
    direct = solve_interior_point(p_yx1, p_yx2, tol=TOL)
    monkeypatch.setattr(interior_point, "DIRECT_ITERATIONS", 1)
    continued = solve_interior_point(p_yx1, p_yx2, tol=TOL)
    assert continued.status == "converged"
    assert continued.iterations > direct.iterations
    assert continued.upper.value == pytest.approx(direct.upper.value, abs=TOL)


def test_cutting_a_solve_into_single_iterations_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(4), (4, 6, 5)))
    whole = solve_interior_point(p_yx1, p_yx2, tol=TOL)
    monkeypatch.setattr(interior_point, "LONGEST_CALL", 0.0)
    seen = []
    cut = solve_interior_point(p_yx1, p_yx2, tol=TOL, progress=lambda *args: seen.append(args))
    assert abs(cut.iterations - whole.iterations) <= 1  # the certificate may be satisfied an iteration earlier
    assert [iteration for iteration, _ in seen] == list(range(1, cut.iterations + 1))
    assert seen[-1][1] == cut.gap
    assert cut.upper.value == pytest.approx(whole.upper.value, abs=TOL)


def test_running_out_of_iterations_still_gives_valid_bounds() -> None:
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(5), (5, 6, 7)))
    exact = solve_interior_point(p_yx1, p_yx2, tol=TOL)
    gaps = []
    for max_iter in (1, 3, 5):
        early = solve_interior_point(p_yx1, p_yx2, tol=TOL, max_iter=max_iter)
        assert (early.status, early.iterations) == ("max_iter", max_iter)
        assert early.lower.value <= exact.upper.value
        assert early.upper.value >= exact.lower.value
        assert early.upper.marginal_residual <= 1e-15
        gaps.append(early.gap)
    assert gaps == sorted(gaps, reverse=True)


@pytest.mark.parametrize(("n", "eps"), [(4, 1e-7), (8, 1e-9), (6, 1e-3)])
def test_more_iterations_never_prove_less(n: int, eps: float) -> None:
    """Every iterate is certified where their number is given: the 4th of these proves 1e-7, the 5th alone .1."""
    pair = pair_marginals(near_copy(np.random.default_rng(n), n=n, eps=eps, kind="copies"))
    counts = (1, 2, 3, 4, 5, 6, 8, 12, 100, 110, 126, 151, 200)
    for tol in (TOL, 1e-17):
        gaps = [solve_interior_point(*pair, tol=tol, max_iter=count).gap for count in counts]
        assert gaps == sorted(gaps, reverse=True)
        assert solve_interior_point(*pair, tol=tol).gap <= max(gaps[-1], tol)
        batch = [solve_interior_point_batch(*(p[None] for p in pair), tol=tol, max_iter=count) for count in counts[:7]]
        assert [found.gap[0] for found in batch] == gaps[:7]


@pytest.mark.parametrize("kind", ["copies", "random"])
def test_a_tolerance_beyond_rounding_gives_what_rounding_allows(kind: str) -> None:
    rng = np.random.default_rng(0)
    p = near_copy(rng, n=6, eps=1e-7, kind=kind) if kind == "copies" else rng.dirichlet(np.ones(60)).reshape(3, 4, 5)
    found = solve_interior_point(*pair_marginals(p), tol=1e-17)
    assert found.status in ("stalled", "max_iter")
    assert 0.0 <= found.gap <= 1e-13  # it was 1e-3 on the random joint, the state after 400 steps


def test_an_iterate_that_is_lost_is_reported_and_never_nan() -> None:
    """Potentials of 1e5 nats as a warm start: whatever happens, bounds are finite and the status is honest."""
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(6), (3, 4, 4)))
    init = (1e5 * np.ones_like(p_yx1), -3e5 * np.ones_like(p_yx2), np.ones((4, 4)))
    found = solve_interior_point(p_yx1, p_yx2, tol=TOL, init=init)
    assert np.isfinite([found.lower.value, found.upper.value]).all()
    assert found.status == "converged"


def test_the_sources_are_swapped_so_that_the_smaller_system_is_factored() -> None:
    p = random_joint(np.random.default_rng(7), (3, 2, 9))
    wide, tall = (
        solve_interior_point(*pair_marginals(p), tol=TOL),
        solve_interior_point(*pair_marginals(p)[::-1], tol=TOL),
    )
    np.testing.assert_allclose(wide.upper.to_dense(), tall.upper.to_dense().transpose(0, 2, 1), atol=1e-15)
    np.testing.assert_array_equal(wide.lower.lam, tall.lower.mu)
    np.testing.assert_array_equal(wide.weights, tall.weights.T)


def test_the_same_problem_gives_the_same_numbers_and_nothing_is_left_behind() -> None:
    p_yx1, p_yx2 = pair_marginals(random_joint(np.random.default_rng(8), (3, 4, 5)))
    before = p_yx1.copy(), p_yx2.copy(), np.geterr()
    first, second = (solve_interior_point(p_yx1, p_yx2, tol=TOL) for _ in range(2))
    np.testing.assert_array_equal(first.upper.to_dense(), second.upper.to_dense())
    assert np.array_equal(before[0], p_yx1)
    assert np.array_equal(before[1], p_yx2)
    assert np.geterr() == before[2]


def test_codes_of_two_classifiers_with_single_errors() -> None:
    """Counts of 0 to 3 beside counts of 130: an early version left the potentials far apart and never came back."""
    a = [[0, 0, 1, 131, 0, 0], [1, 0, 1, 0, 1, 131], [130, 0, 0, 0, 1, 0], [1, 3, 1, 0, 129, 1], [0, 0, 133, 1, 0, 0],
         [0, 126, 1, 3, 3, 1]]  # fmt: skip
    b = [[0, 115, 6, 1, 10, 0], [4, 11, 10, 1, 6, 102], [104, 1, 21, 2, 2, 1], [3, 3, 127, 0, 1, 1],
         [0, 3, 0, 117, 8, 6], [2, 3, 9, 4, 116, 0]]  # fmt: skip
    solution = solve_broja(np.array(a) / 800, np.array(b) / 800, solver="interior-point")
    assert solution.gap <= 1e-9
    assert solution.report.iterations <= 20


@pytest.mark.parametrize(("seed", "k"), [(901, 13884), (902, 15404)])
def test_the_last_steps_settle(seed: int, k: int) -> None:
    """The curvature of a predictor that aims far beyond the step taken once kept these circling above 1e-9 bits."""
    rng = np.random.default_rng([seed, k])
    p = awkward_joint(rng, random_shape(rng))
    assert solve_interior_point(*pair_marginals(p), tol=TOL).iterations <= 20
