"""Decoders, and whatever else is trained, on surrogates of known information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arguments import Rng
from pidkit.mi import BEYOND_NORMAL, GaussianCopulaMI, LabelDecoder, MIEstimate
from pidkit.mi.gaussian import GaussianMI
from pidkit.mi.on_surrogates import SURROGATE_ROWS, TRAINED_REMEDY, tried_on_classes, tried_on_rows
from pidkit.mi.result import in_nats
from pidkit.mi.second_opinion import Verdict
from pidkit.nn import TrainingBudget
from pidkit.types import FloatArray, Unit


@dataclass(frozen=True)
class Share:
    """An estimator that finds a share of what correlations tell, and counts the rows that it is given."""

    share: float = 1.0
    folds: int | None = None
    n_surrogates: int = 1

    def estimate(self, a: FloatArray, b: FloatArray, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        assert self.folds == 1
        found = GaussianMI().estimate(a, b, unit="nats")
        value = self.share * found.value
        return in_nats(value, kind="estimate", estimator="share", n_samples=len(a), unit=unit, stderr=0.01)


def two_pairs(n: int) -> tuple[FloatArray, FloatArray]:
    a, b = BEYOND_NORMAL["2-pair 5x5"].sample(n)
    return a.astype(np.float64), b.astype(np.float64)


@pytest.mark.parametrize(("share", "off"), [(1.0, False), (0.5, True), (1.6, True)])
def test_what_finds_a_share_is_told_from_what_is_right(share: float, off: bool) -> None:
    verdict = tried_on_rows(Share(share, n_surrogates=2), *two_pairs(1000))
    assert isinstance(verdict, Verdict)
    assert verdict.known == pytest.approx(1.02, abs=0.1)
    assert verdict.found == pytest.approx(share * verdict.known, abs=0.05)
    assert bool(verdict.warnings) == off
    if off:
        assert verdict.warnings[0].startswith("off on surrogates: on 1000 samples of the same correlations and tails")
        assert verdict.warnings[0].endswith(TRAINED_REMEDY)


def test_chance_is_no_verdict() -> None:
    assert Verdict(400, found=0.2, known=0.5, chance=0.4).warnings == ()
    assert Verdict(400, found=0.2, known=0.5, chance=0.2).warnings != ()


def test_large_samples_cost_no_more_than_some_rows() -> None:
    a = np.random.default_rng(0).normal(size=(SURROGATE_ROWS + 1000, 1))
    verdict = tried_on_rows(Share(), a, a + 1.0 + np.random.default_rng(1).normal(size=a.shape))
    assert isinstance(verdict, Verdict)
    assert verdict.n == SURROGATE_ROWS


@pytest.mark.parametrize(
    ("a", "reason"),
    [
        (np.random.default_rng(0).normal(size=(100, 30)), "31 columns are too many for surrogates of 100 rows"),
        (np.arange(100.0)[:, None], "a and b share a linear combination of columns"),
    ],
)
def test_where_there_are_no_surrogates_the_reason_is_given(a: FloatArray, reason: str) -> None:
    found = tried_on_rows(Share(), a, np.arange(100.0)[:, None])
    assert isinstance(found, str)
    assert found.startswith(reason)


def classes(n: int, d: int) -> tuple[FloatArray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(n) % 4
    return rng.normal(size=(4, d))[y] + 1.5 * rng.normal(size=(n, d)), y


def test_a_decoder_with_enough_steps_passes_and_one_with_few_does_not() -> None:
    many = LabelDecoder().estimate(*classes(2000, 5), unit="nats")
    seen = many.diagnostics
    assert seen["surrogate_found"] == pytest.approx(seen["surrogate_known"], abs=0.1)
    assert seen["surrogate_rows"] == 2000
    assert many.warnings == ()
    short = LabelDecoder("mlp", budget=TrainingBudget(max_steps=5), n_surrogates=2)
    few = short.estimate(*classes(600, 5), unit="nats")
    assert few.diagnostics["surrogate_found"] < 0.2 * few.diagnostics["surrogate_known"]
    assert any(text.startswith("off on surrogates: on 600 samples") for text in few.warnings)


def test_the_verdict_follows_the_unit_and_can_be_left_out() -> None:
    a, y = classes(300, 2)
    nats, bits = (LabelDecoder().estimate(a, y, unit=unit).diagnostics for unit in ("nats", "bits"))
    for name in ("surrogate_found", "surrogate_known"):
        assert bits[name] == pytest.approx(nats[name] / np.log(2.0))
    assert "surrogate_found" not in LabelDecoder(n_surrogates=0).estimate(a, y).diagnostics
    with pytest.raises(InputError, match=r"^n_surrogates must be a whole number >= 0, not -1"):
        LabelDecoder(n_surrogates=-1)


def test_a_class_that_few_rows_hold_is_a_reason() -> None:
    rng = np.random.default_rng(0)
    found = tried_on_classes(LabelDecoder(), rng.normal(size=(60, 2)), np.arange(60) // 58)
    assert isinstance(found, str)
    assert found.startswith("b has a class with 2 samples")


def test_closed_forms_have_their_verdict_too() -> None:
    """On tails that the columns share, the Gaussian copula finds the correlations alone, of which there are none."""
    found = GaussianCopulaMI().estimate(*BEYOND_NORMAL["Student t 3x3 (dof 3)"].sample(1500), unit="nats")
    assert found.diagnostics["surrogate_found"] < 0.05 < 0.1 < found.diagnostics["surrogate_known"]
