"""Warm linear programs against SciPy's, and what is said where there is no optimum."""

import numpy as np
import pytest
from scipy.optimize import linprog

from pidkit.errors import SolverError
from pidkit.intersection.linear_program import LinearProgram


def test_changes_between_solves_match_scipy() -> None:
    rng = np.random.default_rng(0)
    rows, point = rng.normal(size=(3, 8)), rng.random(8)
    costs = rng.random(8)
    program = LinearProgram(costs, rows, rows @ point)
    for _ in range(5):
        expected = linprog(costs, A_eq=rows, b_eq=rows @ point)
        found = program.solve()
        assert found.value == pytest.approx(expected.fun, abs=1e-9)
        assert found.prices @ (rows @ point) == pytest.approx(expected.fun, abs=1e-9)
        point = rng.random(8)
        program.set_bounds(range(3), rows @ point)
        costs = rng.random(len(costs))
        program.set_costs(costs)
    assert program.n_solves == 5


def test_added_columns_enter() -> None:
    program = LinearProgram(np.array([1.0]), np.ones((1, 1)), np.ones(1))
    program.add_column(-2.0, np.array([4.0]))
    assert program.solve().value == pytest.approx(-0.5)


def test_no_solution() -> None:
    program = LinearProgram(np.ones(2), np.ones((1, 2)), -np.ones(1))
    assert program.solve_if_possible() is None
    with pytest.raises(SolverError, match="has an optimum with status 'Infeasible'"):
        program.solve()
    unbounded = LinearProgram(-np.ones(2), np.array([[1.0, -1.0]]), np.zeros(1))
    with pytest.raises(SolverError, match="has an optimum with status 'Unbounded'"):
        unbounded.solve()
