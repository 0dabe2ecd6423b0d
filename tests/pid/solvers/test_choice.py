"""Choosing a solver: by name, by size and tolerance, and honestly."""

from functools import partial

import numpy as np
import pytest

from pidkit import bivariate_pid, solve_broja
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.choice import LARGEST_CASUAL_STEP, LARGEST_NEWTON_STEP, choose_solver
from pidkit.pid.solvers.problem import newton_cost
from tests.timing import least_cpu_seconds


def dense(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "tol", "chosen"),
    [
        ((2, 2, 2), None, "interior-point"),
        ((10, 20, 20), 1e-6, "interior-point"),
        ((10, 50, 50), None, "interior-point"),
        ((10, 50, 50), 1e-6, "interior-point"),
        ((10, 60, 60), 1e-6, "scaling"),
        ((100, 30, 30), None, "scaling"),
        ((100, 30, 30), 1e-9, "scaling"),
    ],
)
def test_auto_goes_by_the_cost_of_a_newton_step_and_the_tolerance(
    shape: tuple[int, int, int], tol: float | None, chosen: str
) -> None:
    assert choose_solver("auto", *pair_marginals(dense(shape)), tol=tol) == chosen


def test_auto_avoids_the_dense_tensor() -> None:
    """One code a class: a Newton step is cheap, but the interior point would hold 500 x 300 x 300 cells."""
    first = np.zeros((500, 300))
    first[np.arange(500), np.arange(500) % 300] = 1.0 / 500.0
    assert choose_solver("auto", first, first) == "scaling"


def sparse_counts() -> tuple[np.ndarray, np.ndarray]:
    """3000 samples of 100 target symbols and noisy codes of 200 symbols: tables that fall apart into blocks."""
    rng = np.random.default_rng(0)
    y = rng.integers(100, size=3000)
    p_yx1, p_yx2 = np.zeros((2, 100, 200))
    for p, noise in ((p_yx1, 0.3), (p_yx2, 0.4)):
        own = 2 * y + rng.integers(2, size=3000)
        np.add.at(p, (y, np.where(rng.random(3000) < noise, rng.integers(200, size=3000), own)), 1.0 / 3000)
    return p_yx1, p_yx2


def test_auto_keeps_the_interior_point_for_sparse_counts_at_any_tolerance() -> None:
    tables = sparse_counts()
    assert LARGEST_CASUAL_STEP < newton_cost(*tables) < LARGEST_NEWTON_STEP
    assert choose_solver("auto", *tables, tol=1e-5) == choose_solver("auto", *tables) == "interior-point"
    assert choose_solver("auto", *pair_marginals(dense((20, 40, 40))), tol=1e-5) == "scaling"


@pytest.mark.slow
def test_auto_certifies_sparse_counts() -> None:
    """Scaling stalls on such tables: on some at 5e-4 bits, whatever the number of iterations."""
    found = solve_broja(*sparse_counts(), tol=1e-5)
    assert found.report.solver == "interior-point"
    assert found.gap <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(10, 20, 20), (20, 25, 25), (10, 50, 50), (10, 60, 60), (50, 25, 25)])
@pytest.mark.parametrize("tol", [1e-6, None])
def test_crossover(shape: tuple[int, int, int], tol: float | None) -> None:
    """What auto takes is at most four times as slow as the other solver, in CPU time, to the same kind of gap."""
    p = dense(shape)
    wanted = {solver: tol or reached for solver, reached in (("interior-point", 1e-9), ("scaling", 1e-8))}
    seconds = least_cpu_seconds(
        {solver: partial(bivariate_pid, p, solver=solver, tol=wanted[solver]) for solver in wanted}  # type: ignore[arg-type]
    )
    chosen = choose_solver("auto", *pair_marginals(p), tol=tol)
    other = (wanted.keys() - {chosen}).pop()
    assert seconds[chosen] <= 4.0 * seconds[other] + 0.02
