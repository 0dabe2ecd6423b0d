"""Conditional information: closed forms, the chain rule, independence given c, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, MIEstimate, PidkitWarning, estimate_conditional_mi, estimate_mi
from pidkit.info import conditional_mutual_information
from pidkit.mi import CONDITIONAL_ESTIMATORS

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")

CONTINUOUS = ("calibrated", "ksg", "mixed", "gaussian", "gaussian-copula")
SYMBOLIC = ("plugin", "miller-madow")


def estimate(name: str, *samples: Any, **options: Any) -> MIEstimate:
    return estimate_conditional_mi(*samples, estimator=name, **{"unit": "nats", **options})  # type: ignore[arg-type]


def confounded(n: int, d: int, seed: int, shared: float = 0.0) -> tuple[np.ndarray, ...]:
    """Draw a and b that both hold c, and beside it share noise, whose information is `truth`."""
    rng = np.random.default_rng(seed)
    c, common = rng.normal(size=(2, n, d))
    return *(c + shared * common + rng.normal(size=(n, d)) for _ in range(2)), c


def truth(d: int, shared: float) -> float:
    """Return I(A; B | C) = -d/2 log(1 - rho²), with the partial correlation rho = shared² / (1 + shared²)."""
    return -0.5 * d * math.log(1.0 - (shared**2 / (1.0 + shared**2)) ** 2)


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("shared", [0.0, 1.5])
def test_gaussian_samples_give_the_closed_form(name: str, shared: float) -> None:
    found = estimate(name, *confounded(1500, 1, 0, shared))
    assert found.value == pytest.approx(truth(1, shared), abs=0.07)
    assert abs(found.value - truth(1, shared)) < 4.0 * float(found.stderr or 0.0)
    assert found.estimator.startswith("conditional ")


def test_the_condition_explains_what_the_sides_share() -> None:
    a, b, c = confounded(1000, 1, 1)
    assert estimate_mi(a, b, unit="nats").value > 0.1
    assert abs(estimate("calibrated", a, b, c).value) < 0.06


def test_calibration_takes_the_bias_off_in_many_columns() -> None:
    samples, right = confounded(1000, 4, 0, 2.0), truth(4, 2.0)
    low, calibrated = estimate("ksg", *samples), estimate("calibrated", *samples)
    assert low.value < right - 0.5
    assert low.warnings[-1].startswith("off on surrogates: ")
    assert calibrated.value == pytest.approx(right, abs=0.15)


@pytest.mark.parametrize("name", [*SYMBOLIC, "mixed"])
def test_exclusive_or_is_a_bit_given_one_of_its_arguments(name: str) -> None:
    a, b = np.random.default_rng(0).integers(2, size=(2, 2000))
    assert estimate(name, a, a ^ b, b, unit="bits").value == pytest.approx(1.0, abs=0.02)
    assert abs(estimate_mi(a, a ^ b, estimator="plugin").value) < 0.01


def test_the_plug_in_obeys_the_chain_rule_and_is_that_of_the_joint() -> None:
    rng = np.random.default_rng(3)
    a, b, c = rng.integers(3, size=300), rng.integers(2, size=300), rng.integers(4, size=300)
    b = (a + b + c) % 2
    given = estimate("plugin", a, b, c).value
    together = estimate_mi(a, [f"{x}{y}" for x, y in zip(b, c, strict=True)], estimator="plugin", unit="nats").value
    assert given == pytest.approx(together - estimate_mi(a, c, estimator="plugin", unit="nats").value, abs=1e-12)
    p = np.zeros((3, 2, 4))
    np.add.at(p, (a, b, c), 1.0 / 300)
    assert given == pytest.approx(conditional_mutual_information(p), abs=1e-12)
    assert given == pytest.approx(conditional_mutual_information(p.transpose(2, 0, 1), a=1, b=2), abs=1e-12)


def test_miller_and_madow_take_the_bias_off() -> None:
    values = {name: [] for name in SYMBOLIC}  # type: dict[str, list[float]]
    for seed in range(20):
        samples = np.random.default_rng(seed).integers(4, size=(3, 500))
        for name in SYMBOLIC:
            values[name].append(estimate(name, *samples).value)
    assert np.mean(values["plugin"]) > 0.03
    assert abs(np.mean(values["miller-madow"])) < 0.004


def test_a_decoder_gains_what_the_condition_does_not_tell() -> None:
    rng = np.random.default_rng(0)
    y, other = rng.integers(2, size=(2, 800))
    told = y[:, None] + 0.05 * rng.normal(size=(800, 2))
    other_told = other[:, None] + 0.05 * rng.normal(size=(800, 2))
    assert estimate("label-decoder", told, y, other_told).value == pytest.approx(math.log(2.0), abs=0.02)
    assert abs(estimate("label-decoder", told, y, told + 0.01).value) < 0.01


def test_permutations_keep_what_the_condition_says() -> None:
    a, b, c = confounded(300, 1, 2)
    none = estimate("ksg", a, b, c, n_null=39)
    assert none.p_value is not None
    assert none.p_value > 0.05
    assert len(none.null) == 39
    a, b, c = confounded(300, 1, 2, 1.5)
    assert estimate("ksg", a, b, c, n_null=39).p_value == 1 / 40
    symbols = np.random.default_rng(0).integers(3, size=(3, 400))
    assert estimate("plugin", *symbols, n_null=19).p_value > 0.05  # type: ignore[operator]


def views(n: int, copies: int, seed: int, spread: float = 0.01) -> tuple[np.ndarray, ...]:
    """Draw n samples of a, b and c that share c alone, `copies` views of each, and the sample of every row."""
    a, b, c = confounded(n, 1, seed)
    noise = spread * np.random.default_rng(seed + 1000).normal(size=(3, n * copies, 1))
    return *(np.repeat(side, copies, axis=0) + one for side, one in zip((a, b, c), noise, strict=True)), np.repeat(
        np.arange(n), copies
    )


def test_views_call_nothing_real_unless_they_move_as_wholes() -> None:
    false = {"rows": 0, "groups": 0}
    for seed in range(12):
        a, b, c, groups = views(25, 6, seed)
        false["rows"] += estimate("gaussian", a, b, c, n_null=19).p_value <= 0.05  # type: ignore[operator]
        p_value = estimate("gaussian", a, b, c, n_null=19, groups=groups).p_value
        false["groups"] += p_value <= 0.05  # type: ignore[operator]
    assert false["rows"] >= 5
    assert false["groups"] <= 2


def test_a_decoder_keeps_groups_in_one_fold_and_its_error_allows_for_them() -> None:
    """Labels that have nothing to do with a: one that has seen a view of the sample knows its label all the same."""
    rng = np.random.default_rng(0)
    _, b, c, groups = views(60, 5, 0)
    a = np.repeat(rng.normal(size=(60, 50)), 5, axis=0) + 0.01 * rng.normal(size=(300, 50))
    labels = np.repeat(rng.integers(2, size=60), 5)
    torn = estimate("label-decoder", a, labels, c)
    kept = estimate("label-decoder", a, labels, c, groups=iter(groups.tolist()), n_null=2)
    assert torn.value > kept.value + 0.1
    assert abs(kept.value) < 0.1
    assert len(kept.null) == 2
    told = labels[:, None] + np.repeat(rng.normal(size=(60, 1)), 5, axis=0)
    by_rows, by_groups = (estimate("label-decoder", told, labels, c, groups=own).stderr for own in (None, groups))
    assert by_groups > 1.5 * by_rows  # type: ignore[operator]
    with pytest.raises(InputError, match=r"^groups: 'ksg' has no folds to keep them in, and without permutations"):
        estimate("ksg", a, b, c, groups=groups)
    with pytest.raises(InputError, match=r"^groups must name the group of every row; there are 299 for 300 rows"):
        estimate("ksg", a, b, c, groups=groups[1:], n_null=2)


@pytest.mark.parametrize("name", CONDITIONAL_ESTIMATORS)
def test_a_constant_side_is_zero_and_a_constant_condition_is_refused(name: str) -> None:
    symbolic = name in SYMBOLIC
    rows = np.random.default_rng(0).integers(2, size=60)
    side = rows if symbolic else rows[:, None] + np.random.default_rng(1).normal(size=(60, 1))
    labels = rows if symbolic or name == "label-decoder" else side[::-1]
    still = np.zeros_like(side)
    with pytest.warns(PidkitWarning, match="a is constant"):
        found = estimate(name, still, labels, side)
    assert (found.value, found.kind) == (0.0, "exact")
    with pytest.raises(InputError, match=r"^c is constant, so that there is nothing to condition on; use estimate_mi"):
        estimate(name, side, labels, still)
    with pytest.raises(InputError, match=r"^c must have one row a sample, as a and b have; it has 59 for 60"):
        estimate(name, side, labels, side[1:])


def test_unknown_names_and_options_are_refused() -> None:
    a, b, c = confounded(60, 1, 0)
    with pytest.raises(InputError, match=r"^estimator must be one of 'calibrated', 'ksg'"):
        estimate("kraskov", a, b, c)
    with pytest.raises(InputError, match=r"^estimator 'ksg' has no option 'folds'; its options are k$"):
        estimate("ksg", a, b, c, folds=2)
    with pytest.raises(InputError, match=r"given c|share a linear combination"):
        estimate("gaussian", a, a + c, c)
