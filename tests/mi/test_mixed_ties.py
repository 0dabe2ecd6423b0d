"""Gao and Ross on repeated values at any distance: independent sides have no information, dependent ones keep it."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from pidkit.mi import TASKS, Gao, Ross

Pair = tuple[np.ndarray, np.ndarray]
N = 1500


def rare(rng: np.random.Generator) -> np.ndarray:
    """Six of 1500 samples in the second class: H(Y) = .038 bits."""
    return rng.permutation(np.arange(N) < 6).astype(int)


INDEPENDENT: dict[str, Callable[[np.random.Generator], Pair]] = {
    "grid of two decimals, fair label": lambda g: (np.round(g.normal(size=N), 2), g.integers(2, size=N)),
    "grid of one decimal, fair label": lambda g: (np.round(g.normal(size=N), 1), g.integers(2, size=N)),
    "grid of two decimals, rare class": lambda g: (np.round(g.normal(size=N), 2), rare(g)),
    "plane grid, rare class": lambda g: (np.round(g.normal(size=(N, 2)), 1), rare(g)),
    "two grids": lambda g: (np.round(g.normal(size=N), 1), np.round(g.normal(size=N), 1)),
    "grid of integers, continuous": lambda g: (np.round(g.normal(size=N)), g.normal(size=N)),
    "five ReLU columns, label": lambda g: (np.maximum(g.normal(size=(N, 5)), 0.0), g.integers(2, size=N)),
    "five ReLU columns on both sides": lambda g: tuple(np.maximum(g.normal(size=(2, N, 5)), 0.0)),
    "counts, label": lambda g: (g.poisson(3, size=N), g.integers(2, size=N)),
    "copies of every row": lambda g: (np.repeat(g.normal(size=N // 2), 2), g.normal(size=N)),
}


LABELLED = [name for name in INDEPENDENT if name.endswith(("label", "rare class"))]


@pytest.mark.parametrize(
    ("estimator", "name"),
    [*((Gao(), name) for name in INDEPENDENT), *((Ross(discrete="b"), name) for name in LABELLED)],
)
def test_independent_sides_are_within_three_standard_errors_of_zero(estimator: Gao | Ross, name: str) -> None:
    seeds = range(3)
    estimates = [estimator.estimate(*INDEPENDENT[name](np.random.default_rng(seed)), rng=seed) for seed in seeds]
    mean = float(np.mean([estimate.value for estimate in estimates]))
    error = math.sqrt(sum(float(estimate.stderr or 0.0) ** 2 for estimate in estimates)) / len(estimates)
    assert abs(mean) < 3.0 * error
    assert error < 0.03


@pytest.mark.parametrize("decimals", [1, 2])
def test_a_grid_keeps_the_information_of_what_was_rounded(decimals: int) -> None:
    task = TASKS["normal 1x1"]
    pairs = [[np.round(side, decimals) for side in task.sample(N, rng=seed)] for seed in range(4)]
    values = [Gao().estimate(*pair, unit="nats").value for pair in pairs]
    assert np.mean(values) == pytest.approx(task.mi, abs=0.04)


def test_a_grid_keeps_the_information_about_a_label() -> None:
    task = TASKS["mixed"]
    values = []
    for seed in range(3):
        label, x = task.sample(N, rng=seed)
        values.append(Gao().estimate(label, np.floor(10.0 * x) / 10.0, unit="nats").value)
    assert np.mean(values) == pytest.approx(task.mi, abs=0.03)


def test_ties_broken_by_another_seed_give_nearly_the_same_value() -> None:
    pair = INDEPENDENT["two grids"](np.random.default_rng(0))
    first, again, other = (Gao().estimate(*pair, rng=seed) for seed in (0, 0, 1))
    assert first.value == again.value
    assert first.value != other.value
    assert abs(first.value - other.value) < 3.0 * float(first.stderr or 0.0)
