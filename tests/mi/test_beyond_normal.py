"""The 40 tasks: their truths against densities, and their maps, which have to be injective."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_t, rankdata

from pidkit import InputError
from pidkit.mi import BEYOND_NORMAL, TASKS
from pidkit.mi.beyond_normal import spiral, student_task
from pidkit.mi.tasks import additive_noise_task

STUDENT = [name for name in BEYOND_NORMAL if name.startswith("Student")]
MONOTONE = ["normal CDF 1x1", "bimodal 1x1", "wiggly 1x1", "half-cube 1x1"]


def test_there_are_forty_and_they_agree_with_the_short_suite() -> None:
    assert len(BEYOND_NORMAL) == 40
    for short, long in {"swiss roll": "swiss roll 2x1", "pair 5x5": "2-pair 5x5", "dense 25x25": "dense 25x25"}.items():
        assert TASKS[short].mi == pytest.approx(BEYOND_NORMAL[long].mi, abs=1e-12)
    for name, task in BEYOND_NORMAL.items():
        a, b = task.sample(20, rng=1)
        assert (name, a.shape, b.shape) == (task.name, (20, task.d_a), (20, task.d_b))
        assert np.isfinite(a).all()
        assert np.isfinite(b).all()


@pytest.mark.parametrize("name", STUDENT)
def test_student_truths_are_the_mean_log_ratio_of_densities(name: str) -> None:
    task = BEYOND_NORMAL[name]
    dof = int(name.split("dof ")[1][:-1])
    rows = np.hstack(task.sample(20_000, rng=0)).astype(np.float64)
    joint, left, right = (
        np.asarray(multivariate_t(np.zeros(x.shape[1]), np.eye(x.shape[1]), df=dof).logpdf(x))
        for x in (rows, rows[:, : task.d_a], rows[:, task.d_a :])
    )
    ratios = joint - left - right
    assert abs(ratios.mean() - task.mi) < 4.0 * ratios.std() / math.sqrt(ratios.size)


@pytest.mark.parametrize("name", MONOTONE)
def test_maps_of_single_columns_rise(name: str) -> None:
    for mapped, plain in zip(
        BEYOND_NORMAL[name].sample(3000, rng=2), BEYOND_NORMAL["normal 1x1"].sample(3000, rng=2), strict=True
    ):
        np.testing.assert_array_equal(rankdata(mapped), rankdata(plain))


def test_a_spiral_turns_each_row_by_its_length_and_can_be_turned_back() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    turned = spiral(1, 3)(x)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(x, axis=1))
    np.testing.assert_allclose(spiral(3, 1)(turned), x, atol=1e-12)
    assert np.abs(turned - x).max() > 1.0


def test_parameters_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match=r"^dof must be a whole number >= 1, not 0$"):
        student_task("bad", 0, 1, 1)
    with pytest.raises(InputError, match=r"^noise must be a finite number > 0, not 0"):
        additive_noise_task("bad", 0.0)
