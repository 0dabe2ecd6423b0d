"""Plug-in information of symbols: closed forms, the correction, saturation."""

import math

import numpy as np
import pytest

from pidkit import InputError
from pidkit.info import mutual_information
from pidkit.mi import TASKS, PlugIn


def test_a_copy_has_the_entropy_and_independent_symbols_nothing() -> None:
    a = np.arange(64) % 4
    assert PlugIn().estimate(a, 3 - a).value == pytest.approx(2.0)
    assert PlugIn().estimate(a, np.arange(64) // 16).value == pytest.approx(0.0, abs=1e-12)


def test_it_is_the_information_of_the_empirical_joint() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(5, size=(2, 300))
    p = np.zeros((5, 5))
    np.add.at(p, (a, b), 1 / 300)
    estimate = PlugIn().estimate(a, b, unit="nats")
    assert estimate.value == pytest.approx(mutual_information(p), abs=1e-12)
    assert estimate.cap == pytest.approx(min(-(q * np.log(q)).sum() for q in (p.sum(0), p.sum(1))))


def test_any_symbols_will_do() -> None:
    a = ["x", "y", 0.5, ("t", 1)] * 5
    assert PlugIn().estimate(a, list(range(4)) * 5).value == pytest.approx(2.0)


def test_miller_madow_takes_most_of_the_bias_away() -> None:
    """Independent symbols: the truth is 0, the predicted bias (5 - 1)² / 600."""
    draws = [np.random.default_rng(s).integers(5, size=(2, 300)) for s in range(60)]
    raw, corrected = (
        np.mean([PlugIn(c).estimate(*draw, unit="nats").value for draw in draws]) for c in ("none", "miller-madow")
    )
    assert raw == pytest.approx(16 / 600, rel=0.1)
    assert abs(corrected) < 0.1 * raw


def test_the_standard_error_is_that_of_the_samples() -> None:
    task = TASKS["channel"]
    estimates = [PlugIn().estimate(*task.sample(1000, rng=s)) for s in range(60)]
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(np.std([e.value for e in estimates]), rel=0.3)


def test_symbols_that_hardly_repeat_are_called_saturated() -> None:
    a = np.arange(100)
    estimate = PlugIn().estimate(a, a % 2, unit="nats")
    assert estimate.value == pytest.approx(math.log(2))
    assert [text.split(":")[0] for text in estimate.warnings] == ["saturated"]
    assert "H(A) is 4.61 nats and log n 4.61" in estimate.warnings[0]


def test_bias_is_pointed_out() -> None:
    a, b = np.random.default_rng(0).integers(10, size=(2, 300))
    assert PlugIn().estimate(a, b).warnings[0].startswith("biased: about 0.1")
    assert not PlugIn("miller-madow").estimate(a, b).warnings
    assert PlugIn("miller-madow").estimate(a, b).kind == "estimate"


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"^correction must be 'none' or 'miller-madow', not 'jackknife'$"):
        PlugIn("jackknife")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^a looks like several labels a sample, of shape \(4, 2\); pass one"):
        PlugIn().estimate(np.zeros((4, 2), dtype=int), [0, 1, 0, 1])
    with pytest.raises(InputError, match=r"^a and b must have one row a sample, in the same order; they have 2 and 3$"):
        PlugIn().estimate([0, 1], [0, 1, 1])
    with pytest.raises(InputError, match=r"^a\[1\] is missing \(nan\); drop such samples"):
        PlugIn().estimate([0.0, np.nan], [0, 1])


def test_a_corrected_value_above_the_entropy_of_a_side_is_flagged() -> None:
    found = PlugIn(correction="miller-madow").estimate("abcd", "abcd")
    assert found.cap == pytest.approx(2.0)
    assert found.value == pytest.approx(2.541, abs=1e-3)
    assert any(text.startswith("above the cap: ") for text in found.warnings)
    assert not any("above the cap" in text for text in PlugIn().estimate("abcd", "abcd").warnings)
