"""The ground-truth suite: every truth against an independent computation."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from pidkit import InputError
from pidkit.mi import TASKS, gaussian_task
from pidkit.mi.tasks import paired_covariance

PUBLISHED = {
    "normal 1x1": 0.41334,
    "additive noise": 1.70944,
    "swiss roll": 0.41334,
    "dense 5x5": 0.59281,
    "pair 5x5": 1.02165,
    "mixed": 1.05492,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_truths_are_those_published(name: str) -> None:
    assert TASKS[name].mi == pytest.approx(PUBLISHED[name], abs=5e-6)


@pytest.mark.parametrize("name", TASKS)
def test_samples_have_the_shapes_promised_and_repeat(name: str) -> None:
    task = TASKS[name]
    (a, b), (a2, b2) = (task.sample(50, rng=3) for _ in range(2))
    assert len(a) == len(b) == 50
    assert a.reshape(50, -1).shape[1] == task.d_a
    assert b.reshape(50, -1).shape[1] == task.d_b
    assert (a == a2).all()
    assert (b == b2).all()


def test_additive_noise_by_quadrature() -> None:
    """I = h(Y) - h(noise), h(Y) from the density of a sum of two uniforms."""
    e = 0.1

    def density(y: float) -> float:
        return max(0.0, (min(1.0, y + e) - max(0.0, y - e))) / (2 * e)

    h_y = quad(lambda y: -density(y) * math.log(density(y)), -e + 1e-12, 1 + e - 1e-12, points=[e, 1 - e])[0]
    assert TASKS["additive noise"].mi == pytest.approx(h_y - math.log(2 * e), abs=1e-8)


def test_mixed_by_quadrature() -> None:
    """I = h(Y) - log 2: Y's density is the mean of five uniform ones on [x, x + 2]."""
    heights = np.array([sum(x <= left < x + 2 for x in range(5)) / 10 for left in range(6)])
    assert TASKS["mixed"].mi == pytest.approx(-(heights * np.log(heights)).sum() - math.log(2), abs=1e-12)


def test_channel_by_its_joint() -> None:
    p = np.full((8, 8), 0.2 / 64) + np.eye(8) * 0.8 / 8
    assert TASKS["channel"].mi == pytest.approx((p * np.log(p * 64)).sum(), abs=1e-12)


def test_gaussian_truth_is_the_sum_over_pairs() -> None:
    rho = [0.3, -0.9, 0.5]
    task = gaussian_task("three", paired_covariance(3, rho), 3)
    assert task.mi == pytest.approx(-0.5 * sum(math.log(1 - r * r) for r in rho), abs=1e-12)
    a, b = task.sample(20_000, rng=0)
    assert np.corrcoef(a[:, 1], b[:, 1])[0, 1] == pytest.approx(-0.9, abs=0.01)


def test_a_covariance_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"^covariance must be symmetric and positive definite$"):
        gaussian_task("bad", [[1.0, 2.0], [2.0, 1.0]], 1)
    with pytest.raises(InputError, match=r"^d_a must be at most the rows of covariance less one, 1, not 2"):
        gaussian_task("bad", np.eye(2), 2)
    with pytest.raises(InputError, match=r"^n must be a whole number >= 1, not 0$"):
        TASKS["mixed"].sample(0)
