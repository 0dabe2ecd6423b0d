"""What `Solver` in pidkit/pid/solvers/problem.py asks of every solver in the registry of choice.py."""

from typing import Any, get_args

import numpy as np
import pytest

from pidkit.pid.certificate import log_dual_slack
from pidkit.pid.solvers.choice import _SOLVERS, DEFAULT_TOL, load_solver
from pidkit.pid.solvers.kept_symbols import kept_symbols
from pidkit.pid.solvers.problem import CONTRADICTION, Candidate
from pidkit.types import SolverName
from tests.pid.strategies import KINDS, random_joint

every_solver = pytest.mark.parametrize("name", _SOLVERS)
every_kind = pytest.mark.parametrize("kind", KINDS)

SHAPES = [(2, 2, 2), (3, 5, 4), (1, 3, 2), (4, 1, 3)]


def pair(kind: str, shape: tuple[int, int, int] = (3, 5, 4)) -> tuple[np.ndarray, np.ndarray]:
    """Return the pair marginals of a random joint without the symbols that have no mass, which no solver sees."""
    p = random_joint(np.random.default_rng(1), shape, kind)
    kept = kept_symbols(p.sum(2), p.sum(1))
    return kept.pair_1(p.sum(2)), kept.pair_2(p.sum(1))


def solve(name: str, marginals: tuple[np.ndarray, np.ndarray], **options: Any) -> Candidate:
    return load_solver(name)(*marginals, **{"tol": DEFAULT_TOL[name] * np.log(2.0), **options})


def check_bounds(found: Candidate, p_yx1: np.ndarray, p_yx2: np.ndarray) -> None:
    """Assert that both bounds are proved: by feasible potentials, and by a coupling with the right marginals."""
    lam, mu = found.lower.lam, found.lower.mu
    assert log_dual_slack(lam, mu).max() <= 1e-12
    finite = [(p[p > 0.0] * x[p > 0.0]).sum() for p, x in ((p_yx1, lam), (p_yx2, mu))]
    assert found.lower.value == pytest.approx(sum(finite), abs=1e-11)
    coupling = found.upper.to_dense()
    assert coupling.min() >= 0.0
    np.testing.assert_allclose(coupling.sum(2), p_yx1, atol=1e-12)
    np.testing.assert_allclose(coupling.sum(1), p_yx2, atol=1e-12)
    mass = coupling[coupling > 0.0]
    value = (mass * np.log(mass / np.broadcast_to(coupling.sum(0), coupling.shape)[coupling > 0.0])).sum()
    assert value <= found.upper.value + 1e-12
    assert found.lower.value <= found.upper.value + CONTRADICTION
    assert found.gap == found.upper.value - found.lower.value


def test_names_tolerances_and_the_type_of_names_agree() -> None:
    assert set(_SOLVERS) == set(DEFAULT_TOL) == set(get_args(SolverName)) - {"auto"}


@every_solver
@every_kind
def test_both_bounds_are_proved_and_the_default_gap_is_reached(name: str, kind: str) -> None:
    found = solve(name, pair(kind))
    check_bounds(found, *pair(kind))
    assert found.gap <= DEFAULT_TOL[name] * np.log(2.0)
    assert found.status == "converged"
    assert found.iterations >= 0


@every_solver
@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_is_that_of_the_others(name: str, shape: tuple[int, int, int]) -> None:
    found, reference = (solve(each, pair("dense", shape)) for each in (name, "interior-point"))
    assert found.lower.value <= reference.upper.value + CONTRADICTION
    assert reference.lower.value <= found.upper.value + CONTRADICTION


@every_solver
@every_kind
def test_a_solve_cut_short_proves_what_it_has(name: str, kind: str) -> None:
    found = solve(name, pair(kind), max_iter=1, tol=1e-14)
    check_bounds(found, *pair(kind))
    assert found.status in ("converged", "max_iter", "stalled")
    assert found.iterations <= 1


@every_solver
def test_a_warm_start_is_taken(name: str) -> None:
    first = solve(name, pair("dense"))
    again = solve(name, pair("dense"), init=(first.lam, first.mu, first.weights))
    check_bounds(again, *pair("dense"))
    assert again.iterations <= first.iterations


@every_solver
def test_exchanged_sources_exchange_the_answer(name: str) -> None:
    found, exchanged = solve(name, pair("dense")), solve(name, pair("dense")[::-1])
    check_bounds(exchanged.swapped(), *pair("dense"))
    assert found.lower.value <= exchanged.upper.value + CONTRADICTION
    assert exchanged.lower.value <= found.upper.value + CONTRADICTION


@every_solver
def test_the_same_problem_has_the_same_answer_and_is_left_alone(name: str) -> None:
    marginals = pair("dense")
    kept = [table.copy() for table in marginals]
    for table in marginals:
        table.flags.writeable = False
    first, second = solve(name, marginals), solve(name, marginals)
    assert (first.lower.value, first.upper.value) == (second.lower.value, second.upper.value)
    for table, before in zip(marginals, kept, strict=True):
        np.testing.assert_array_equal(table, before)


@every_solver
def test_progress_is_told_iterations_and_gaps_in_nats(name: str) -> None:
    told: list[tuple[int, float]] = []
    found = solve(name, pair("dense"), progress=lambda iteration, gap: told.append((iteration, gap)))
    assert [iteration for iteration, _ in told] == sorted(iteration for iteration, _ in told)
    assert all(type(iteration) is int for iteration, _ in told)
    assert all(gap >= found.gap - CONTRADICTION for _, gap in told)
