"""Reconstruction decoders: zero for noise, closed forms for copies and linear Gaussians, named for what they are."""

import math

import numpy as np
import pytest

from pidkit import InputError
from pidkit.mi import TASKS, ReconstructionDecoder
from pidkit.nn import TrainingBudget


def test_copies_of_one_bit_score_a_bit_each_and_are_called_v_information() -> None:
    bit = np.random.default_rng(0).integers(2, size=(800, 1)).astype(float)
    estimate = ReconstructionDecoder("bce", hidden=()).estimate(np.repeat(bit, 16, axis=1), bit)
    assert estimate.kind == "v_information"
    assert estimate.value == pytest.approx(16.0, rel=0.1)
    assert "no bound" in repr(estimate)


@pytest.mark.parametrize("loss", ["bce", "gaussian"])
def test_noise_scores_nothing(loss: str) -> None:
    rng = np.random.default_rng(0)
    estimate = ReconstructionDecoder(loss).estimate(  # type: ignore[arg-type]
        rng.uniform(size=(2000, 3)), rng.normal(size=(2000, 4)), unit="nats"
    )
    assert estimate.value == pytest.approx(0.0, abs=0.02)


def test_linear_gaussian_pixels_score_the_sum_of_their_information() -> None:
    task = TASKS["pair 5x5"]
    estimate = ReconstructionDecoder("gaussian", hidden=()).estimate(*task.sample(5000), unit="nats")
    assert estimate.value == pytest.approx(task.mi, abs=0.06)
    assert estimate.diagnostics["null"] - estimate.diagnostics["decoder"] == pytest.approx(estimate.value)


def test_grey_levels_are_scored_from_zero() -> None:
    """A pixel known exactly saves its null's excess over the floor of grey-level cross-entropy, not all of it."""
    grey = np.random.default_rng(0).uniform(size=(3000, 1))
    estimate = ReconstructionDecoder("bce").estimate(grey, grey, unit="nats")
    floor = 0.5  # -E[x log x + (1 - x) log(1 - x)] for a uniform x
    assert estimate.value == pytest.approx(math.log(2) - floor, abs=0.01)


def test_constant_and_rare_pixels_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(500, 3))
    a[:, 1] = 4.0
    a[:, 2] = rng.uniform(size=500) < 0.002
    estimate = ReconstructionDecoder(hidden=(16,), folds=1).estimate(a, a[:, :1])
    assert np.isfinite(estimate.value)
    assert estimate.value < 8.0


def test_images_are_flattened_and_the_seed_decides() -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(200, 1, 3, 3))
    decoder = ReconstructionDecoder("bce", hidden=(8,), folds=1, budget=TrainingBudget(max_steps=100))
    value = decoder.estimate(images, images[:, 0, 0], rng=3).value
    assert decoder.estimate(images, images[:, 0, 0], rng=3).value == value
    assert decoder.estimate(images, images[:, 0, 0], rng=4).value != value


def test_bad_input_is_refused() -> None:
    a = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(InputError, match=r"^loss must be 'bce' or 'gaussian', not 'mse'$"):
        ReconstructionDecoder("mse")  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=r"^a must lie in \[0, 1\] for loss='bce'; rescale it, or take loss='gaussian'"
    ):
        ReconstructionDecoder("bce").estimate(a, a)
    with pytest.raises(InputError, match=r"^a and b hold 5 samples; a split in three needs at least 10$"):
        ReconstructionDecoder().estimate(a[:5], a[:5])
