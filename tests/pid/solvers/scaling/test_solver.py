"""The scaling solver: exact gates, an independent reference, honest statuses, memory, and every awkward support."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from pidkit import bivariate_pid, bivariate_pid_batch
from pidkit.gates import GATES
from pidkit.info import conditional_entropy
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.conic import solve_conic
from pidkit.pid.solvers.problem import Candidate
from pidkit.pid.solvers.scaling.solver import solve_scaling
from pidkit.units import NATS_PER_UNIT
from tests.memory import traced_memory
from tests.pid.strategies import joints

BITS = NATS_PER_UNIT["bits"]


def kept_marginals(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pair marginals without symbols that have no mass, as solvers see them."""
    for axis in range(3):
        p = np.compress(p.sum(tuple({0, 1, 2} - {axis})) > 0.0, p, axis)
    return pair_marginals(p)


def dirichlet_pair(rng: np.random.Generator, n_y: int, n_x1: int, n_x2: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two random pair marginals with the same P(y)."""
    p_y = rng.dirichlet(np.ones(n_y))[:, None]
    return p_y * rng.dirichlet(np.ones(n_x1), size=n_y), p_y * rng.dirichlet(np.ones(n_x2), size=n_y)


def check_certificate(candidate: Candidate, p_yx1: np.ndarray, p_yx2: np.ndarray) -> None:
    """Check what the bounds claim without `certificate`: feasible potentials, exact marginals, ordered values."""
    slack = np.einsum("yi,yj->ij", np.exp(candidate.lower.lam), np.exp(candidate.lower.mu))
    assert slack.max() <= 1.0 + 1e-12
    coupling = candidate.upper.to_dense()
    assert coupling.min() >= 0.0
    np.testing.assert_allclose(coupling.sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(1), p_yx2, atol=1e-12)
    assert candidate.lower.value <= candidate.upper.value


@pytest.mark.parametrize("name", GATES)
def test_gates(name: str) -> None:
    gate = GATES[name]
    p_yx1, p_yx2 = kept_marginals(gate.joint)
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-8 * BITS)
    assert candidate.status == "converged"
    assert candidate.gap <= 1e-8 * BITS
    unique_1 = conditional_entropy(p_yx2) / BITS + np.array([candidate.lower.value, candidate.upper.value]) / BITS
    assert unique_1[0] - 1e-12 <= gate.unique_1 <= unique_1[1] + 1e-12
    check_certificate(candidate, p_yx1, p_yx2)


@pytest.mark.parametrize("seed", range(4))
def test_interval_meets_that_of_the_conic_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(3 * 4 * 5, 0.3)).reshape(3, 4, 5)
    p_yx1, p_yx2 = kept_marginals(p)
    ours, reference = solve_scaling(p_yx1, p_yx2, tol=1e-9), solve_conic(p_yx1, p_yx2, tol=1e-5)
    assert ours.status == "converged"
    assert ours.lower.value <= reference.upper.value
    assert ours.upper.value >= reference.lower.value
    assert ours.upper.value == pytest.approx(reference.upper.value, abs=1e-5)


@settings(max_examples=60)
@given(joints(largest=6))
def test_random_joints_converge_to_a_sound_certificate(p: np.ndarray) -> None:
    p_yx1, p_yx2 = kept_marginals(p)
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-5, max_iter=5000)
    assert candidate.status == "converged"
    check_certificate(candidate, p_yx1, p_yx2)


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-4, 1e-2])
def test_sources_that_almost_agree(noise: float) -> None:
    # The kernel nearly falls apart into blocks: without Newton steps in the scalings this stalls at 1e-2.
    rng = np.random.default_rng(3)
    p_yx1 = rng.dirichlet(np.full(4 * 6, 0.3)).reshape(4, 6)
    p_yx2 = p_yx1 @ ((1.0 - noise) * np.eye(6) + noise / 6)
    assert solve_scaling(p_yx1, p_yx2, tol=1e-8).status == "converged"


def test_sources_with_disjoint_supports_and_a_single_target() -> None:
    p_yx1 = np.array([[0.3, 0.2, 0.0], [0.0, 0.0, 0.5]])
    candidate = solve_scaling(p_yx1, p_yx1, tol=1e-10)
    assert candidate.upper.value == pytest.approx(0.0, abs=1e-10)
    assert candidate.weights[0, 2] == 0.0
    candidate = solve_scaling(np.array([[0.25, 0.75]]), np.array([[0.5, 0.5]]), tol=1e-10)
    assert candidate.status == "converged"
    assert candidate.upper.value == pytest.approx(0.0, abs=1e-10)


def test_probabilities_down_to_1e_12() -> None:
    rng = np.random.default_rng(0)
    p = 10.0 ** -rng.uniform(0, 12, size=(4, 6, 5))
    p_yx1, p_yx2 = pair_marginals(p / p.sum())
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-9)
    assert candidate.status == "converged"
    check_certificate(candidate, p_yx1, p_yx2)


def test_warm_start_saves_iterations() -> None:
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(5 * 12 * 12)).reshape(5, 12, 12)
    near = 0.999 * p + 0.001 * rng.dirichlet(np.ones(5 * 12 * 12)).reshape(5, 12, 12)
    first = solve_scaling(*pair_marginals(p), tol=1e-8)
    start = (first.lam, first.mu, first.weights)
    again = solve_scaling(*pair_marginals(p), tol=1e-8, init=start)
    cold = solve_scaling(*pair_marginals(near), tol=1e-5)
    warm = solve_scaling(*pair_marginals(near), tol=1e-5, init=start)
    assert warm.status == cold.status == again.status == "converged"
    assert again.iterations < 0.5 * first.iterations
    assert warm.iterations < 0.7 * cold.iterations


def test_warm_start_with_other_zeros_is_only_a_start() -> None:
    p = np.random.default_rng(2).dirichlet(np.ones(24)).reshape(2, 4, 3)
    p_yx1, p_yx2 = pair_marginals(p)
    start = (np.zeros((2, 4)), np.array([[0.0, -5000.0, 0.0], [0.0, 3.0, 1.0]]), np.zeros((4, 3)))
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-8, init=start)
    assert candidate.status == "converged"


def test_max_iter_is_reported_with_an_honest_gap() -> None:
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(0), 6, 9, 8)
    best = solve_scaling(p_yx1, p_yx2, tol=1e-9)
    cut = solve_scaling(p_yx1, p_yx2, tol=1e-9, max_iter=3)
    assert (cut.status, cut.iterations) == ("max_iter", 3)
    assert cut.gap > 1e-9
    assert cut.lower.value <= best.lower.value
    assert best.upper.value <= cut.upper.value
    check_certificate(cut, p_yx1, p_yx2)


def test_a_tolerance_below_machine_precision_stalls() -> None:
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(0), 2, 3, 2)
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-18)
    assert candidate.status == "stalled"
    assert candidate.gap < 1e-12


def test_progress_sees_a_gap_that_only_falls() -> None:
    seen = []
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(0), 10, 20, 20)
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-7, progress=lambda iteration, gap: seen.append((iteration, gap)))
    iterations, gaps = zip(*seen, strict=True)
    assert iterations[0] == 0
    assert iterations[-1] == candidate.iterations
    assert gaps[-1] == candidate.gap <= 1e-7
    assert all(later <= earlier for earlier, later in itertools.pairwise(gaps))


def test_swapping_the_sources_swaps_the_answer() -> None:
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(4), 4, 6, 3)
    one, two = solve_scaling(p_yx1, p_yx2, tol=1e-9), solve_scaling(p_yx2, p_yx1, tol=1e-9)
    assert one.lower.value <= two.upper.value
    assert two.lower.value <= one.upper.value


def test_the_dense_tensor_is_never_built() -> None:
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(0), 60, 300, 300)
    with traced_memory() as traced:
        candidate = solve_scaling(p_yx1, p_yx2, tol=5e-3)
    assert candidate.status == "converged"
    tables = 300 * 300 + 60 * 600
    assert traced.peak < 20 * 8 * tables < 0.5 * 8 * 60 * 300 * 300


def test_a_large_problem_to_1e_5_bits() -> None:
    p_yx1, p_yx2 = dirichlet_pair(np.random.default_rng(0), 100, 200, 200)
    candidate = solve_scaling(p_yx1, p_yx2, tol=1e-5 * BITS, max_iter=400)
    assert candidate.status == "converged"


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 4, 3)])
def test_masses_over_the_whole_range_of_floats_are_certified_without_a_warning(shape: tuple[int, int, int]) -> None:
    """Products of three of these masses underflow: bounds of NaN, and dozens of warnings under errstate raise, once."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, *shape)) * 10 ** rng.uniform(0.0, 2.8, (40, 1, 1, 1))
    p = np.exp(logits - logits.max((1, 2, 3), keepdims=True))
    p /= p.sum((1, 2, 3), keepdims=True)
    with np.errstate(all="raise"):
        batch = bivariate_pid_batch(p, solver="scaling", tol=1e-5)
        cut = bivariate_pid_batch(p, solver="scaling", tol=1e-12, max_iter=3, check=False)
        alone = [bivariate_pid(one, solver="scaling", tol=1e-5) for one in p]
    assert np.isfinite([cut.redundancy, cut.unique_1, cut.synergy, cut.solutions.gap]).all()
    assert batch.redundancy == pytest.approx([one.redundancy for one in alone], abs=1e-5)
    assert batch.redundancy == pytest.approx(bivariate_pid_batch(p).redundancy, abs=1.1e-5)
