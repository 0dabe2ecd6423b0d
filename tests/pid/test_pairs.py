"""The pieces of the compiled iteration that have a one-line twin."""

import numpy as np
import pytest

from pidkit.pid._kernels.pairs import evaluate


@pytest.mark.parametrize("shift", [0.0, 900.0, -900.0])
def test_evaluate_is_log_sum_exp_and_softmax_at_any_scale(shift):
    rng = np.random.default_rng(0)
    lam, mu, w = rng.normal(size=(3, 5)), rng.normal(size=(4, 5)) + shift, rng.random((3, 4))
    lam[0, 1] = mu[2, 3] = -np.inf
    active = np.ones((3, 4), bool)
    active[1, 2] = False
    w[1, 2] = 0.0
    pi, h, sum1, sum2 = np.zeros((3, 4, 5)), np.ones((3, 4)), np.ones((3, 5)), np.ones((4, 5))
    evaluate(lam, mu, active, w, pi, h, sum1, sum2)
    exponent = lam[:, None] + mu[None]
    expected = np.logaddexp.reduce(exponent, axis=2)
    np.testing.assert_allclose(h, np.where(active, expected, 0.0), atol=1e-12)
    softmax = np.where(active[..., None], np.exp(exponent - expected[..., None]), 0.0)
    np.testing.assert_allclose(pi[active], softmax[active], rtol=1e-11)
    np.testing.assert_allclose(sum1, np.einsum("ij,ijy->iy", w, softmax), rtol=1e-11)
    np.testing.assert_allclose(sum2, np.einsum("ij,ijy->jy", w, softmax), rtol=1e-11)
