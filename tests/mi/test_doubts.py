"""What every estimator says about its own value: the second opinion, log n, zero, caps, copies and ties."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import estimate_mi
from pidkit.mi import BEYOND_NORMAL, KSG, TASKS, Gao, GaussianCopulaMI, GaussianMI, LabelDecoder, PlugIn, Ross
from pidkit.mi.doubts import finished
from pidkit.mi.repeats import repeats
from pidkit.mi.result import in_nats


def signs(texts: tuple[str, ...]) -> list[str]:
    return [text.split(":")[0] for text in texts]


@pytest.mark.parametrize("name", ["Student t 3x3 (dof 3)", "spiral 3x3", "swiss roll 2x1", "additive noise 0.75"])
def test_a_copula_that_misses_a_third_says_so(name: str) -> None:
    task = BEYOND_NORMAL[name]
    for seed in range(3):
        found = GaussianCopulaMI().estimate(*task.sample(1500, rng=seed), unit="nats")
        assert found.value < 0.7 * task.mi
        assert signs(found.warnings)[0] in ("off on surrogates", "disagrees")


@pytest.mark.parametrize("estimator", [KSG(), Gao(), GaussianMI(), GaussianCopulaMI()])
def test_right_values_are_left_alone(estimator: KSG | Gao | GaussianMI | GaussianCopulaMI) -> None:
    for name in ("normal 1x1", "dense 3x3", "2-pair 2x2"):
        assert estimator.estimate(*BEYOND_NORMAL[name].sample(1500), unit="nats").warnings == ()


@pytest.mark.parametrize("estimator", [KSG(), Gao()])
def test_neighbours_that_miss_a_surrogate_say_by_how_much(estimator: KSG | Gao) -> None:
    text = estimator.estimate(*BEYOND_NORMAL["2-pair 25x25"].sample(1200)).warnings[0]
    assert text.startswith("off on surrogates: on 1000 samples of the same correlations and tails it returns 0.0")
    assert text.endswith(" nats; use 'calibrated'")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_neighbours_say_that_a_spiral_in_many_columns_is_beyond_them(seed: int) -> None:
    task = BEYOND_NORMAL["spiral 5x5"]
    found = KSG().estimate(*task.sample(10_000, rng=seed), unit="nats")
    assert found.value < 0.7 * task.mi
    assert signs(found.warnings)[0] in ("off on surrogates", "disagrees", "not elliptical")


@pytest.mark.parametrize("seed", [1, 2])
def test_half_of_the_information_of_many_rows_is_missed_with_a_flag(seed: int) -> None:
    """An opinion of 1000 rows was not sure of it: .15 of .30 nats had none in two of three samples."""
    task = BEYOND_NORMAL["Student t 5x5 (dof 3)"]
    found = KSG().estimate(*task.sample(10_000, rng=seed), unit="nats")
    assert found.value < 0.6 * task.mi
    assert signs(found.warnings)[0] in ("off on surrogates", "disagrees")


def test_cauchy_pairs_are_flagged_by_their_kurtosis() -> None:
    for seed in range(3):
        a, b = np.random.default_rng(seed).standard_cauchy(size=(2, 1000, 2))
        assert "heavy tails" in signs(GaussianMI().estimate(a, b).warnings)


def classes(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    centres = 3.0 * rng.normal(size=(4, d)) / np.sqrt(d)
    return centres[y] + 1.5 * rng.normal(size=(n, d)), y


def test_ross_in_many_columns_is_tried_on_gaussian_classes() -> None:
    few, many = (Ross().estimate(*classes(800, d)) for d in (2, 30))
    assert few.warnings == ()
    assert signs(many.warnings)[0] == "off on surrogates"


def test_a_decoder_that_reads_less_than_neighbours_find_says_so() -> None:
    a = np.random.default_rng(0).normal(size=(1000, 2))
    found = LabelDecoder().estimate(a, (a[:, 0] * a[:, 1] > 0).astype(int))
    assert found.value < 0.05
    assert signs(found.warnings) == ["disagrees"]
    assert LabelDecoder().estimate(*classes(1000, 3)).warnings == ()


def test_no_estimate_tells_more_than_log_n_without_saying_so() -> None:
    a = np.random.default_rng(0).normal(size=(60, 1))
    assert "near log n" in signs(KSG().estimate(a, 2.0 * a).warnings)
    assert "near log n" not in signs(KSG().estimate(*TASKS["normal 1x1"].sample(60)).warnings)
    assert "near log n" in signs(PlugIn().estimate(np.arange(60), np.arange(60)).warnings)


def test_the_entropy_of_values_that_repeat_caps_every_estimator() -> None:
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(300) < 6).astype(float)
    for name in ("ksg", "gao", "gaussian", "gaussian-copula"):
        with pytest.warns() if name == "ksg" else _maybe():
            found = estimate_mi(rng.normal(size=(300, 1)), y, estimator=name, unit="nats")
        assert found.cap_name == "H(B)"
        assert found.cap == pytest.approx(-0.02 * np.log(0.02) - 0.98 * np.log(0.98))
        assert found.diagnostics["entropy_b"] == found.cap
    assert "above the cap" in signs(KSG().estimate(y[:, None] + 0.0, y, unit="nats").warnings)


def _maybe() -> Any:
    return warnings.catch_warnings(action="ignore")


def test_values_far_below_zero_are_called_errors() -> None:
    x, y = np.arange(90) % 2, np.arange(90) % 3

    def of(value: float) -> list[str]:
        made = in_nats(value, kind="estimate", estimator="made up", n_samples=90, unit="nats", stderr=0.1)
        return signs(finished(made, repeats(x, y)).warnings)

    assert (of(-2.0), of(-0.2), of(0.5), of(0.7)) == (["below zero"], [], [], ["above the cap"])


def test_copies_are_told_from_grids_and_symbols() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(100, 2)), rng.integers(2, size=100)
    assert repeats(np.repeat(rows, 4, 0), np.repeat(labels, 4)).copied_share == 0.75
    grid = np.round(rng.normal(size=(500, 1)), 1)
    assert repeats(grid, rng.integers(2, size=500)).copied_share == 0.0
    assert repeats(rng.integers(3, size=500), rng.integers(2, size=500)).copied_share == 0.0
    assert repeats(rows, labels).copied_share == 0.0


def test_copies_stay_in_one_fold_so_that_a_decoder_cannot_know_them_by_heart() -> None:
    rng = np.random.default_rng(0)
    a, y = np.repeat(rng.normal(size=(60, 40)), 5, axis=0), np.repeat(np.arange(60) % 2, 5)
    found = LabelDecoder().estimate(a, y, unit="nats")
    assert found.value < 0.05
    assert "copies" in signs(found.warnings)
    assert found.diagnostics["copied_share"] == 0.8


def test_every_count_a_multiple_of_four_is_a_design_or_copies() -> None:
    x, y = np.random.default_rng(0).integers(12, size=(2, 150))
    found = PlugIn("miller-madow").estimate(np.repeat(x, 4), np.repeat(y, 4))
    assert found.warnings[0].startswith("copies: every pair occurs a multiple of 4 times")
    assert "undersampled" in signs(PlugIn("miller-madow").estimate(x, y).warnings)
