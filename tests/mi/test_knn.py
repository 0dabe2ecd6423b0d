"""KSG: the truth on the tasks of low dimension, a readable twin, and what must not change the value."""

from typing import Any

import numpy as np
import pytest
from scipy.special import digamma

from pidkit import InputError
from pidkit.mi import KSG, TASKS


def twin(a: np.ndarray, b: np.ndarray, k: int, version: int) -> float:
    """KSG as Kraskov et al. write it, with loops."""
    n = len(a)
    total = 0.0
    for i in range(n):
        d_a, d_b = np.abs(a - a[i]).max(1), np.abs(b - b[i]).max(1)
        others = np.arange(n) != i
        near = sorted((max(d_a[j], d_b[j]), j) for j in np.flatnonzero(others))[:k]
        members = [j for _, j in near]
        if version == 1:
            n_a, n_b = ((d[others] < near[-1][0]).sum() for d in (d_a, d_b))
            total += digamma(k) - digamma(n_a + 1) - digamma(n_b + 1)
        else:
            n_a, n_b = ((d[others] <= d[members].max()).sum() for d in (d_a, d_b))
            total += digamma(k) - 1 / k - digamma(n_a) - digamma(n_b)
    return total / n + digamma(n)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("name", "k"), [("normal 1x1", 1), ("swiss roll", 3), ("pair 5x5", 4), ("dense 25x25", 3)])
def test_ksg_is_its_readable_twin(name: str, k: int, version: int) -> None:
    a, b = TASKS[name].sample(150, rng=1)
    estimate = KSG(k=k, version=version).estimate(a, b, unit="nats")
    first, second = ((x - x.mean(0)) / x.std(0) for x in (a, b))
    assert estimate.value == pytest.approx(twin(first, second, k, version), abs=1e-9)
    assert estimate.kind == "estimate"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("name", "tolerance"), [("normal 1x1", 0.03), ("additive noise", 0.03), ("swiss roll", 0.03), ("dense 5x5", 0.05)]
)
def test_ksg_finds_the_truth_in_few_dimensions(name: str, tolerance: float, version: int) -> None:
    task = TASKS[name]
    values = [
        KSG(version=version).estimate(*task.sample(5000, rng=s), unit="nats").value
        for s in range(3 if task.d_a < 5 else 1)
    ]
    assert np.mean(values) == pytest.approx(task.mi, abs=tolerance)


def test_the_standard_error_is_that_of_the_samples() -> None:
    task = TASKS["normal 1x1"]
    estimates = [KSG().estimate(*task.sample(500, rng=s), unit="nats") for s in range(40)]
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(np.std([e.value for e in estimates]), rel=0.5)


def test_ksg_does_not_change_with_order_sides_shifts_and_scales() -> None:
    a, b = TASKS["swiss roll"].sample(400, rng=0)
    value = KSG().estimate(a, b).value
    order = np.random.default_rng(0).permutation(400)
    assert KSG().estimate(a[order], b[order]).value == pytest.approx(value, abs=1e-6)
    assert KSG().estimate(b, a).value == pytest.approx(value, abs=1e-6)
    assert KSG().estimate(1e6 * a - 3e6, 1e-6 * b).value == pytest.approx(value, abs=1e-6)
    assert KSG().estimate(np.hstack([a, np.ones((400, 1))]), b).value == pytest.approx(value, abs=1e-6)


def test_negative_values_are_kept() -> None:
    rng = np.random.default_rng(0)
    values = [KSG().estimate(*rng.normal(size=(2, 200))).value for _ in range(20)]
    assert min(values) < 0 < max(values)
    assert np.mean(values) == pytest.approx(0.0, abs=0.05)


def test_the_same_seed_gives_the_same_value_and_is_recorded() -> None:
    a, b = TASKS["normal 1x1"].sample(200)
    assert KSG(jitter=0.1).estimate(a, b, rng=5).value == KSG(jitter=0.1).estimate(a, b, rng=5).value
    assert KSG(jitter=0.1).estimate(a, b, rng=5).value != KSG(jitter=0.1).estimate(a, b, rng=6).value
    assert KSG().estimate(a, b, rng=5).seed == 5
    assert KSG().estimate(a, b, rng=np.random.default_rng(5)).seed == "generator"


def test_ties_are_pointed_out() -> None:
    a, b = TASKS["normal 1x1"].sample(400)
    estimate = KSG().estimate(np.round(a, 1), b)
    assert len(estimate.warnings) == 1
    assert estimate.warnings[0].startswith("ties: ")
    assert "of the rows of a repeat another" in estimate.warnings[0]
    assert not KSG().estimate(a, b).warnings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, r"^k must be a whole number >= 1, not 0$"),
        ({"version": 3}, r"^version must be a whole number from 1 to 2, not 3$"),
        ({"jitter": -1.0}, r"^jitter must be a number in \[0, 1\), not -1.0; 1e-10 breaks ties$"),
    ],
)
def test_bad_parameters_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KSG(**options)


@pytest.mark.parametrize(("name", "says"), [("pair 5x5", True), ("dense 25x25", True), ("dense 5x5", False)])
def test_surrogates_tell_where_it_is_too_low(name: str, says: bool) -> None:
    found = KSG().estimate(*TASKS[name].sample(1500), unit="nats")
    assert [text.split(":")[0] for text in found.warnings] == ["off on surrogates"] * says
    assert (TASKS[name].mi - found.value > 0.1) == says


def test_more_columns_than_rows_cannot_be_checked_and_the_result_says_so() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 20, 15))
    assert KSG().estimate(a, b).warnings[0].startswith("unchecked on surrogates of known information, for a and b hold")
