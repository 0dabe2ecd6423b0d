"""Choosing a solver: by name, by size and tolerance, and honestly."""

import time

import numpy as np
import pytest

from pidkit import bivariate_pid
from pidkit.joint import pair_marginals
from pidkit.pid.solvers import choose_solver


def dense(shape):
    return np.random.default_rng(0).dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "tol", "chosen"),
    [
        ((2, 2, 2), None, "interior-point"),
        ((10, 20, 20), 1e-6, "interior-point"),
        ((10, 50, 50), None, "interior-point"),
        ((10, 50, 50), 1e-6, "scaling"),
        ((100, 30, 30), None, "scaling"),
        ((100, 30, 30), 1e-9, "scaling"),
    ],
)
def test_auto_goes_by_the_cost_of_a_newton_step_and_the_tolerance(shape, tol, chosen):
    assert choose_solver("auto", *pair_marginals(dense(shape)), tol=tol) == chosen


def test_auto_avoids_the_dense_tensor():
    """One code a class: a Newton step is cheap, but the interior point would hold 500 x 300 x 300 cells."""
    first = np.zeros((500, 300))
    first[np.arange(500), np.arange(500) % 300] = 1.0 / 500.0
    assert choose_solver("auto", first, first) == "scaling"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(10, 20, 20), (20, 25, 25), (10, 50, 50), (50, 25, 25)])
@pytest.mark.parametrize("tol", [1e-6, None])
def test_crossover(shape, tol):
    """What auto takes is at most four times as slow as the other solver, in CPU time, to the same kind of gap."""
    p = dense(shape)
    seconds = {}
    for solver in ("interior-point", "scaling"):
        wanted = tol if tol is not None else {"interior-point": 1e-9, "scaling": 1e-8}[solver]
        bivariate_pid(p, solver=solver, tol=1e-3)
        began = time.process_time()
        bivariate_pid(p, solver=solver, tol=wanted)
        seconds[solver] = time.process_time() - began
    chosen = choose_solver("auto", *pair_marginals(p), tol=tol)
    other = ({"interior-point", "scaling"} - {chosen}).pop()
    assert seconds[chosen] <= 4.0 * seconds[other] + 0.02
