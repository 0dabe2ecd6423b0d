"""Linear programs that are solved again and again: HiGHS restarts from its last basis after a change."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np

from pidkit.errors import SolverError
from pidkit.types import FloatArray

FEASIBILITY = 1e-10
"""The primal and dual tolerance of every program, the smallest that HiGHS takes."""

LEAST_COEFFICIENT = 1e-12
"""Coefficients up to this are dropped by HiGHS, the least that it takes: a rare outcome's may be 1e-11."""

MOST_STEPS, MOST_INTERIOR_STEPS = 20, 200
"""Steps of the simplex method for each row and column, with 1000 more for all, and of the interior point, after which a
program counts as given up: rounding may send HiGHS round in circles for ever. Others end after about one for each."""

LEAST_SECONDS = 0.05
"""Seconds that a program has in any case: those that are solved after the deadline end a search in order."""

_ANSWERS = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
"""The statuses with which HiGHS has decided a program; all others ask for another try."""

_OTHER_WAYS: tuple[dict[str, str | int | float], ...] = (
    {"solver": "ipm"},
    {"simplex_strategy": 4},
    {"simplex_scale_strategy": 2},
    {"primal_feasibility_tolerance": 10.0 * FEASIBILITY, "dual_feasibility_tolerance": 10.0 * FEASIBILITY},
)
"""What is tried in turn where an optimum was not found: the interior point, the primal simplex method, rows and columns
scaled to equal size, and a coarser tolerance, which the residual of the result then shows."""


@dataclass(frozen=True)
class Optimum:
    """The optimum of a linear program: its value, the point and the dual variables, one price for each row."""

    value: float
    point: FloatArray
    prices: FloatArray


class LinearProgram:
    """Hold min <costs, v> subject to rows @ v = bounds, v >= 0, and solve it again from the last basis.

    Parameters
    ----------
    costs : ndarray, shape (n,)
    rows : ndarray, shape (m, n)
    bounds : ndarray, shape (m,)
    deadline : float
        As time.perf_counter() counts: a program that is not solved by then, or in .05 seconds, counts as given up.

    Examples
    --------
    >>> import numpy as np
    >>> program = LinearProgram(np.array([1.0, 2.0]), np.array([[1.0, 1.0]]), np.array([1.0]))
    >>> program.solve().value
    1.0
    >>> program.add_column(0.5, np.array([1.0]))
    >>> program.solve().point.tolist()
    [0.0, 0.0, 1.0]
    """

    def __init__(self, costs: FloatArray, rows: FloatArray, bounds: FloatArray, *, deadline: float = np.inf) -> None:
        """Load the model into HiGHS, single-threaded and silent."""
        self.deadline = deadline
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._set({"output_flag": False, "threads": 1, "presolve": "off", "small_matrix_value": LEAST_COEFFICIENT})
        self._set({"primal_feasibility_tolerance": FEASIBILITY, "dual_feasibility_tolerance": FEASIBILITY})
        n_rows, n_columns = rows.shape
        most = MOST_STEPS * (n_rows + n_columns) + 1000
        self._set({"simplex_iteration_limit": most, "ipm_iteration_limit": MOST_INTERIOR_STEPS})
        self.n_columns = n_columns
        self.n_solves = 0
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = n_columns, n_rows
        model.col_cost_ = costs
        model.col_lower_, model.col_upper_ = np.zeros(n_columns), np.full(n_columns, np.inf)
        model.row_lower_, model.row_upper_ = bounds, bounds
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        column, row = np.nonzero(rows.T)
        model.a_matrix_.start_ = np.searchsorted(column, np.arange(n_columns + 1)).astype(np.int32)
        model.a_matrix_.index_ = row.astype(np.int32)
        model.a_matrix_.value_ = rows[row, column]
        self._highs.passModel(model)

    def _set(self, options: Mapping[str, bool | int | float | str]) -> None:
        """Set options of HiGHS by name."""
        for name, value in options.items():
            self._highs.setOptionValue(name, value)

    def set_costs(self, costs: FloatArray) -> None:
        """Replace the costs of all columns."""
        self._highs.changeColsCost(self.n_columns, np.arange(self.n_columns, dtype=np.int32), costs)

    def set_bounds(self, rows: range, bounds: FloatArray) -> None:
        """Replace the right-hand sides of some rows."""
        for row, bound in zip(rows, bounds.tolist(), strict=True):
            self._highs.changeRowBounds(row, bound, bound)

    def add_column(self, cost: float, column: FloatArray) -> None:
        """Append a non-negative variable with its cost and its dense column."""
        index = np.flatnonzero(column).astype(np.int32)
        self._highs.addCol(cost, 0.0, np.inf, len(index), index, column[index])
        self.n_columns += 1

    def solve(self) -> Optimum:
        """Return the optimum of a program that has one; raise SolverError where HiGHS finds none."""
        optimum = self.solve_if_possible()
        for options in _OTHER_WAYS:  # among nearly equal columns one method loses the point, another does not
            if optimum is not None:
                break
            usual = {name: self._highs.getOptionValue(name)[1] for name in options}
            self._highs.clearSolver()
            self._set(options)
            optimum = self._read(self._run())
            self._set(usual)
        if optimum is None:
            status = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise SolverError(
                f"HiGHS ended a linear program that has an optimum with status {status!r}; the joint may hold masses "
                "near rounding: set those to zero and renormalise"
            )
        return optimum

    def solve_if_possible(self) -> Optimum | None:
        """Return the optimum, or None where no point satisfies the rows (or rounding keeps HiGHS from telling)."""
        self.n_solves += 1
        status = self._run()
        if status not in _ANSWERS:  # lost on a warm basis: once more from a cold one
            self._highs.clearSolver()
            status = self._run()
        return self._read(status)

    def _read(self, status: highspy.HighsModelStatus) -> Optimum | None:
        """Return the solution that HiGHS holds, or None where its status is not optimal."""
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        return Optimum(
            value=self._highs.getInfo().objective_function_value,
            point=np.array(solution.col_value),
            prices=np.array(solution.row_dual),
        )

    def _run(self) -> highspy.HighsModelStatus:
        """Run HiGHS until the deadline and return the status of the model."""
        if np.isfinite(self.deadline):  # HiGHS counts the seconds of all runs together
            seconds = max(self.deadline - time.perf_counter(), LEAST_SECONDS)
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds)
        self._highs.run()
        return self._highs.getModelStatus()
