"""The pieces of the compiled iteration that have a one-line twin."""

import numpy as np
import pytest

from pidkit.pid.solvers._kernels.arrays import Model, State, Step, Tables
from pidkit.pid.solvers._kernels.pairs import evaluate, hessian_times, pair_means


@pytest.mark.parametrize("shift", [0.0, 900.0, -900.0])
def test_evaluate_is_log_sum_exp_and_softmax_at_any_scale(shift: float) -> None:
    rng = np.random.default_rng(0)
    lam, mu, w = rng.normal(size=(3, 5)), rng.normal(size=(4, 5)) + shift, rng.random((3, 4))
    lam[0, 1] = mu[2, 3] = -np.inf
    active = np.ones((3, 4), bool)
    active[1, 2] = False
    w[1, 2] = 0.0
    pi, h, sum1, sum2 = np.ones((3, 4, 5)), np.ones((3, 4)), np.ones((3, 5)), np.ones((4, 5))
    state = State(active, lam, mu, w, np.ones((3, 4)))
    evaluate(state, Model(pi, h), Tables(sum1, sum2), Tables(np.empty((3, 5)), np.empty((4, 5))))
    assert not pi[~active].any()
    exponent = lam[:, None] + mu[None]
    expected = np.logaddexp.reduce(exponent, axis=2)
    np.testing.assert_allclose(h, np.where(active, expected, 0.0), atol=1e-12)
    softmax = np.where(active[..., None], np.exp(exponent - expected[..., None]), 0.0)
    np.testing.assert_allclose(pi[active], softmax[active], rtol=1e-11)
    np.testing.assert_allclose(sum1, np.einsum("ij,ijy->iy", w, softmax), rtol=1e-11)
    np.testing.assert_allclose(sum2, np.einsum("ij,ijy->jy", w, softmax), rtol=1e-11)


def test_hessian_times_is_the_sum_over_pairs_and_gives_the_means() -> None:
    rng = np.random.default_rng(1)
    pi, w, kappa = rng.dirichlet(np.ones(5), size=(3, 4)), rng.random((3, 4)), rng.random((3, 4))
    w[1, 2] = kappa[1, 2] = 0.0
    pi[1, 2] = 0.0
    d1, d2 = rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    out1, out2, mean, alone = np.ones((3, 5)), np.ones((4, 5)), np.ones((3, 4)), np.ones((3, 4))
    unused = np.ones((3, 4)), np.ones((3, 4))
    partner = np.array([1, -1, 3], np.intp)
    joint = np.where(partner[:, None] >= 0, d1 + d2[partner], d1)
    joint[2] += 1.0  # what a pair of partners sees is this, and not the sum
    hessian_times(pi, w, kappa, partner, Step(d1, d2, joint, mean, *unused), Tables(out1, out2))
    change = d1[:, None] + d2[None]
    change[2, 3] += 1.0
    expected = (pi * change).sum(2)
    flow = w[..., None] * pi * change + (kappa * expected)[..., None] * pi
    np.testing.assert_allclose(mean, expected, atol=1e-15)
    np.testing.assert_allclose(out1, flow.sum(1), rtol=1e-12)
    np.testing.assert_allclose(out2, flow.sum(0), rtol=1e-12)
    pair_means(pi, partner, Step(d1, d2, joint, alone, *unused))
    np.testing.assert_allclose(alone, expected, atol=1e-15)
