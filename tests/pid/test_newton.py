"""The structured factorisation of the Newton matrix against numpy on the dense one."""

import numpy as np
import pytest

from pidkit.pid._kernels.newton import assemble, factor, solve


class System:
    """A random Newton system: the structure that `interior_point` sets up, and the dense matrix it stands for."""

    def __init__(self, rng, n_y, n_1, n_2, density, lone=()):
        has1, has2 = rng.random((n_1, n_y)) < density, rng.random((n_2, n_y)) < density
        has1[:, 0] = has2[:, 0] = True  # every pair shares a y
        has1[0] = has2[0] = True  # and every y has both sources
        self.pi = rng.gamma(1.0, size=(n_1, n_2, n_y)) * (has1[:, None] & has2[None])
        self.pi /= self.pi.sum(2, keepdims=True)
        self.w = rng.gamma(1.0, size=(n_1, n_2))
        self.w[:, list(lone)] = 0.0
        self.kappa = self.w * (1.0 / rng.uniform(0.01, 2.0, (n_1, n_2)) - 1.0)
        self.support1 = np.zeros((n_1, n_y), np.int64)
        self.count1 = has1.sum(1)
        for i in range(n_1):
            self.support1[i, : self.count1[i]] = np.flatnonzero(has1[i])
        self.offset1 = np.cumsum(self.count1) - self.count1
        free = has2.copy()
        free[has2.argmax(0), np.arange(n_y)] = False  # one mu of each y is fixed
        self.index2 = np.where(free, np.cumsum(free).reshape(free.shape) - 1, -1)
        self.n_1, self.n_2 = int(self.count1.sum()), int(free.sum())

    def dense(self):
        """Return H on (lam, free mu): the sum over pairs of w diag(pi) + kappa pi pi'."""
        h = np.zeros((self.n_1 + self.n_2,) * 2)
        for i, j in np.ndindex(self.w.shape):
            place = np.full((2, self.pi.shape[2]), -1)
            place[0, self.support1[i, : self.count1[i]]] = self.offset1[i] + np.arange(self.count1[i])
            place[1] = np.where(self.index2[j] >= 0, self.n_1 + self.index2[j], -1)
            pi = self.pi[i, j]
            local = self.w[i, j] * np.diag(pi) + self.kappa[i, j] * np.outer(pi, pi)
            for rows in place:
                for columns in place:
                    there = np.ix_(rows >= 0, columns >= 0)
                    h[np.ix_(rows[rows >= 0], columns[columns >= 0])] += local[there]
        return h

    def solve(self, rhs):
        """Assemble, factor and solve by the structured code."""
        n_1, _, n_y = self.pi.shape
        blocks, coupling = np.zeros((n_1, n_y, n_y)), np.zeros((self.n_1, self.n_2))
        schur = np.zeros((self.n_2, self.n_2))
        assemble(
            self.pi, self.w, self.kappa, self.support1, self.count1, self.offset1, self.index2, blocks, coupling, schur
        )
        factor(self.count1, self.offset1, blocks, coupling, schur, np.empty(max(n_y, self.n_2)))
        x1, x2 = rhs[: self.n_1].copy(), rhs[self.n_1 :].copy()
        solve(self.count1, self.offset1, blocks, coupling, schur, x1, x2)
        return np.concatenate([x1, x2])


@pytest.mark.parametrize("density", [1.0, 0.4])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 3, 4), (4, 1, 3), (4, 3, 1), (3, 4, 5), (7, 6, 5), (5, 20, 30), (9, 4, 40)]
)
def test_structured_solve_is_the_dense_solve(shape, density):
    rng = np.random.default_rng(sum(shape))
    system = System(rng, *shape, density)
    h = system.dense()
    rhs = rng.normal(size=len(h))
    np.testing.assert_allclose(h, h.T, atol=1e-15)
    np.testing.assert_allclose(system.solve(rhs), np.linalg.solve(h, rhs), rtol=1e-7, atol=1e-9)


def test_a_null_direction_gets_a_zero_step_and_spoils_nothing():
    """A symbol x2 whose weights are all zero has zero rows in H: its mu stays put, the rest is solved."""
    rng = np.random.default_rng(3)
    system = System(rng, 3, 4, 5, 1.0, lone=(4,))
    h = system.dense()
    null = ~h.any(1)
    assert null.sum() == 3
    rhs = np.where(null, 0.0, rng.normal(size=len(h)))
    step = system.solve(rhs)
    np.testing.assert_array_equal(step[null], 0.0)
    np.testing.assert_allclose(step[~null], np.linalg.solve(h[np.ix_(~null, ~null)], rhs[~null]), rtol=1e-8)


def test_without_a_fixed_mu_the_gauge_is_the_null_direction():
    """What fixing one mu of each y is for: the full H kills lam[y] + 1, mu[y] - 1."""
    rng = np.random.default_rng(4)
    system = System(rng, 3, 4, 5, 1.0)
    system.index2 = np.arange(15).reshape(5, 3)
    system.n_2 = 15
    h = system.dense()
    for y in range(3):
        gauge = np.concatenate([np.tile(np.arange(3) == y, 4), -1.0 * np.tile(np.arange(3) == y, 5)])
        np.testing.assert_allclose(h @ gauge, 0.0, atol=1e-13)
    assert np.linalg.matrix_rank(h) == len(h) - 3
