"""The structured factorisation of the Newton matrix against numpy on the dense one."""

from typing import Any

import numpy as np
import pytest

from pidkit.pid.solvers._kernels.arrays import Side, Step, System, Variables
from pidkit.pid.solvers._kernels.newton import (
    PROXIMAL,
    add_solution,
    assemble,
    factor,
    fix_gauge,
    number_variables,
)


class Problem:
    """A random Newton system: the structure that `interior_point` sets up, and the dense matrix it stands for."""

    def __init__(
        self, rng: np.random.Generator, n_y: int, n_1: int, n_2: int, density: float, lone: tuple[int, ...] = ()
    ) -> None:
        has1, has2 = rng.random((n_1, n_y)) < density, rng.random((n_2, n_y)) < density
        has1[:, 0] = has2[:, 0] = True  # every pair shares a y
        has1[0] = has2[0] = True  # and every y has both sources
        self.pi = rng.gamma(1.0, size=(n_1, n_2, n_y)) * (has1[:, None] & has2[None])
        self.pi /= self.pi.sum(2, keepdims=True)
        self.w = rng.gamma(1.0, size=(n_1, n_2))
        self.w[:, list(lone)] = 0.0
        self.kappa = self.w * (1.0 / rng.uniform(0.01, 2.0, (n_1, n_2)) - 1.0)
        free = has2.copy()
        free[has2.argmax(0), np.arange(n_y)] = False  # one mu of each y is fixed
        self.number(has1, free)

    def number(self, free1: np.ndarray, free2: np.ndarray) -> None:
        """Number the free variables: what `number_variables` does, in numpy."""
        self.variables: list[Any] = []
        for free in (free1, free2):
            support, count = np.zeros(free.shape, np.intp), free.sum(1).astype(np.intp)
            for i, row in enumerate(free):
                support[i, : row.sum()] = np.flatnonzero(row)
            self.variables.append(Variables(support, count, np.concatenate([[0], count.cumsum()[:-1]]).astype(np.intp)))
        self.place1, self.place2 = (
            np.where(free, np.cumsum(free).reshape(free.shape) - 1, -1) for free in (free1, free2)
        )
        self.n_1, self.n_2 = int(free1.sum()), int(free2.sum())

    def dense(self) -> np.ndarray:
        """Return H on (lam, free mu): the sum over pairs of w diag(pi) + kappa pi pi'."""
        h = np.zeros((self.n_1 + self.n_2,) * 2)
        for i, j in np.ndindex(self.w.shape):
            place = self.place1[i], np.where(self.place2[j] >= 0, self.n_1 + self.place2[j], -1)
            pi = self.pi[i, j]
            local = self.w[i, j] * np.diag(pi) + self.kappa[i, j] * np.outer(pi, pi)
            for rows in place:
                for columns in place:
                    there = np.ix_(rows >= 0, columns >= 0)
                    h[np.ix_(rows[rows >= 0], columns[columns >= 0])] += local[there]
        return h

    def room(self) -> Any:
        """Return the system in memory that holds rubbish, somewhat larger than it needs."""
        n_1, _, n_y = self.pi.shape
        rubbish = (np.full(shape, np.nan) for shape in ((n_1, n_y, n_y), (self.n_1, self.n_2 + 2), (self.n_2 + 1,) * 2))
        longest = max(n_y, self.n_1, self.n_2) + 1
        partner = np.full(n_1, 99, np.intp)
        return System(*self.variables, self.n_1, self.n_2, partner, *rubbish, *np.full((4, longest), np.nan))  # type: ignore[call-arg]

    def factored(self) -> Any:
        """Assemble and factor; return the system, and the diagonal of its mu-mu part in between."""
        system = self.room()
        assemble(self.pi, self.w, self.kappa, system)
        yardstick = np.diag(system.schur)[: self.n_2].copy()
        factor(system)
        return system, yardstick

    def solve(self, rhs: Any) -> Any:
        """Assemble, factor and solve by the structured code, to and from tables with y last."""
        system, _ = self.factored()
        n_1, n_2, n_y = self.pi.shape
        tables = [np.zeros((n_1, n_y)), np.full((n_2, n_y), 7.0)]  # 7 off the free variables
        tables[0][self.place1 >= 0], tables[1][self.place2 >= 0] = rhs[: self.n_1], rhs[self.n_1 :]
        step = [np.full((n_1, n_y), np.nan), np.zeros((n_2, n_y))]
        joint = np.zeros((n_1, n_y))
        unused = np.empty((n_1, n_2))
        add_solution(system, Side(*tables, unused, unused, *tables), Step(*step, joint, unused, unused, unused))  # type: ignore[call-arg]
        np.testing.assert_array_equal(joint[self.place1 < 0], 0.0)
        np.testing.assert_array_equal(step[1][self.place2 < 0], 0.0)
        of_partner = np.where(system.partner[:, None] >= 0, step[1][system.partner], 0.0)
        np.testing.assert_array_equal(step[0], joint - of_partner)
        self.joint = joint
        return np.concatenate([step[0][self.place1 >= 0], step[1][self.place2 >= 0]])


@pytest.mark.parametrize("density", [1.0, 0.4])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 3, 4), (4, 1, 3), (4, 3, 1), (3, 4, 5), (7, 6, 5), (5, 20, 30), (9, 4, 40), (40, 3, 4)]
)
def test_structured_solve_is_the_dense_solve(shape: tuple[int, int, int], density: float) -> None:
    rng = np.random.default_rng(sum(shape))
    system = Problem(rng, *shape, density)
    h = system.dense()
    rhs = rng.normal(size=len(h))
    np.testing.assert_allclose(h, h.T, atol=1e-15)
    np.testing.assert_allclose(system.solve(rhs), np.linalg.solve(h, rhs), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("density", [1.0, 0.6])
def test_near_copies_keep_the_digits_of_the_small_curvatures(density: float) -> None:
    """Pairs (i, i) have curvatures of 1e9, all others of 1e-9: a step known beforehand is found again.

    The right-hand side is H times that step in long doubles, from joint - mu[partner] + mu[x2] of each pair.
    """
    rng = np.random.default_rng(6)
    system = Problem(rng, 3, 6, 6, density)
    system.w = np.where(np.eye(6) > 0.0, 0.1, 1e-10)
    system.kappa = system.w * (1.0 / np.where(np.eye(6) > 0.0, 1e-10, 0.1) - 1.0)
    free1, free2 = system.place1 >= 0, system.place2 >= 0
    joint, mu = 1e-10 * rng.normal(size=(6, 3)) * free1, rng.normal(size=(6, 3)) * free2
    shifted = joint.astype(np.longdouble) - mu
    b1, b2 = np.zeros((6, 3), np.longdouble), np.zeros((6, 3), np.longdouble)
    for i, j in np.ndindex(6, 6):
        change = np.where(system.pi[i, j] > 0.0, shifted[i] + mu[j], 0.0)
        flow = system.pi[i, j] * (system.w[i, j] * change + system.kappa[i, j] * (system.pi[i, j] * change).sum())
        b1[i] += flow
        b2[j] += flow
    found = system.solve(np.concatenate([b1[free1], b2[free2]]).astype(np.float64))
    np.testing.assert_allclose(found[system.n_1 :], mu[free2], rtol=1e-5)
    np.testing.assert_allclose(system.joint[free1], joint[free1], rtol=1e-4)


def test_a_null_direction_gets_a_zero_step_and_spoils_nothing() -> None:
    """A symbol x2 whose weights are all zero has zero rows in H: its mu stays put, the rest is solved."""
    rng = np.random.default_rng(3)
    system = Problem(rng, 3, 4, 5, 1.0, lone=(4,))
    h = system.dense()
    null = ~h.any(1)
    assert null.sum() == 3
    rhs = np.where(null, 0.0, rng.normal(size=len(h)))
    step = system.solve(rhs)
    np.testing.assert_array_equal(step[null], 0.0)
    np.testing.assert_allclose(step[~null], np.linalg.solve(h[np.ix_(~null, ~null)], rhs[~null]), rtol=1e-8)


def test_a_direction_without_curvature_gets_no_step_to_speak_of() -> None:
    """Copies of one source: pairs (i, i) alone have weight, and only the sum of lam[i, y] and mu[i, y] matters."""
    rng = np.random.default_rng(5)
    system = Problem(rng, 3, 6, 6, 1.0)
    system.w *= np.eye(6)
    system.kappa = system.w * (1.0 / rng.uniform(1e-11, 1e-10, (6, 6)) - 1.0)
    h = system.dense()
    assert np.linalg.matrix_rank(h / np.sqrt(np.outer(np.diag(h), np.diag(h)))) < len(h)
    rhs = h @ rng.normal(size=len(h)) * 1e-6
    factored, yardstick = system.factored()
    assert (
        np.diag(factored.schur)[: system.n_2] ** 2 > PROXIMAL * yardstick
    ).all()  # an infinite one is a null direction
    assert np.abs(system.solve(rhs)).max() < 1.0


def test_without_a_fixed_mu_the_gauge_is_the_null_direction() -> None:
    """What fixing one mu of each y is for: the full H kills lam[y] + 1, mu[y] - 1."""
    rng = np.random.default_rng(4)
    system = Problem(rng, 3, 4, 5, 1.0)
    system.number(np.ones((4, 3), bool), np.ones((5, 3), bool))
    h = system.dense()
    for y in range(3):
        gauge = np.concatenate([np.tile(np.arange(3) == y, 4), -1.0 * np.tile(np.arange(3) == y, 5)])
        np.testing.assert_allclose(h @ gauge, 0.0, atol=1e-13)
    assert np.linalg.matrix_rank(h) == len(h) - 3


def test_variables_are_numbered_by_symbol_and_one_mu_of_each_y_is_fixed_where_most_mass_is() -> None:
    p1, p2 = np.array([[0.1, 0.0, 0.2], [0.3, 0.2, 0.2]]), np.array([[0.4, 0.0, 0.1], [0.0, 0.2, 0.3]])
    fixed = np.full(3, 2, np.intp)  # no x1: all lam are free
    support, (count, offset) = np.full((2, 3), 9, np.intp), np.zeros((2, 2), np.intp)
    assert number_variables(p1, fixed, Variables(support, count, offset)) == 5
    assert (support[0, :2].tolist(), support[1].tolist()) == ([0, 2], [0, 1, 2])
    assert (count.tolist(), offset.tolist()) == ([2, 3], [0, 2])
    fix_gauge(p2, fixed)
    assert fixed.tolist() == [0, 1, 1]
    assert number_variables(p2, fixed, Variables(support, count, offset)) == 1
    assert (support[0, 0], count.tolist(), offset.tolist()) == (2, [1, 0], [0, 1])
