"""The calibrated estimator: right in many columns, invariant, with honest errors, and flagged where it is not right."""

import warnings

import numpy as np
import pytest

from pidkit import InputError
from pidkit.mi import BEYOND_NORMAL, KSG, Calibrated, MIEstimate


def estimate(name: str, n: int = 1200, seed: int = 0) -> MIEstimate:
    return Calibrated().estimate(*BEYOND_NORMAL[name].sample(n, rng=seed), unit="nats", rng=seed)


RIGHT = [
    "half-cube 1x1",
    "swiss roll 2x1",
    "additive noise 0.1",
    "2-pair 5x5",
    "2-pair 25x25",
    "dense 25x25",
    "Student t 1x1 (dof 1)",
    "Student t 5x5 (dof 2)",
    "asinh Student t 3x3 (dof 2)",
]


@pytest.mark.parametrize("name", RIGHT)
def test_values_are_right_where_dependence_is_elliptical_or_in_few_columns(name: str) -> None:
    assert estimate(name).value == pytest.approx(BEYOND_NORMAL[name].mi, abs=0.1)


def test_nearest_neighbours_alone_are_not() -> None:
    for name in ("2-pair 5x5", "Student t 5x5 (dof 2)"):
        task = BEYOND_NORMAL[name]
        assert KSG().estimate(*task.sample(1200), unit="nats").value < task.mi - 0.15


@pytest.mark.parametrize("name", ["spiral 3x3", "spiral 5x5"])
def test_dependence_that_is_not_elliptical_in_many_columns_is_flagged(name: str) -> None:
    found = estimate(name)
    assert found.value < BEYOND_NORMAL[name].mi - 0.2
    assert found.warnings[0].startswith("not elliptical: ")


def test_what_nearest_neighbours_cannot_see_is_flagged() -> None:
    found = estimate("spiral 25x25")
    assert found.warnings[-1].startswith("blind: of surrogates' 0.")
    assert found.diagnostics["surrogate_found"] < 0.5 * found.diagnostics["surrogate_known"]


def test_increasing_maps_of_single_columns_change_nothing() -> None:
    a, b = (np.asarray(side) for side in BEYOND_NORMAL["2-pair 3x3"].sample(800))
    mapped = Calibrated().estimate(np.sinh(3.0 * a), np.arctan(b), unit="nats").value
    assert mapped == pytest.approx(Calibrated().estimate(a, b, unit="nats").value, abs=1e-9)


def test_independent_sides_are_within_three_standard_errors_of_zero() -> None:
    tails = np.random.default_rng(0).standard_cauchy(size=(2, 6, 1000, 2))
    found = [Calibrated().estimate(a, b, rng=seed) for seed, (a, b) in enumerate(zip(*tails, strict=True))]
    assert all(abs(one.value) < 3.0 * float(one.stderr or 0.0) for one in found)
    assert all(float(one.stderr or 1.0) < 0.08 for one in found)


def test_standard_errors_cover_the_spread_over_samples() -> None:
    name = "2-pair 2x2"
    found = [estimate(name, 500, seed) for seed in range(20)]
    values, errors = (np.array([float(getattr(one, field)) for one in found]) for field in ("value", "stderr"))
    assert 0.6 < np.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.8
    assert np.mean(np.abs(values - BEYOND_NORMAL[name].mi) < 2.0 * errors) >= 0.85


def test_values_that_repeat_are_flagged() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Calibrated().estimate(np.arange(200) % 5, np.random.default_rng(0).normal(size=200))
    assert found.warnings[0].startswith("ties: 98 % of the rows of a repeat another")


def test_what_cannot_be_used_is_refused() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(InputError, match=r"^n_surrogates must be a whole number >= 2, not 1"):
        Calibrated(n_surrogates=1)
    with pytest.raises(InputError, match=r"^a and b share a linear combination of columns, so their Gaussian"):
        Calibrated().estimate(rows, np.exp(rows[:, 0]))
    with pytest.raises(InputError, match=r"^a and b hold 7 samples of 3 and 3 independent columns; a covariance"):
        Calibrated().estimate(rows[:7], rows[7:14])
