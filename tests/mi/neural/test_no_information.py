"""Zero information: critics are within three standard errors of 0, or say why their value should not be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit import estimate_mi
from pidkit.nn import TrainingBudget
from tests.mi.no_information import CONTINUOUS
from tests.mi.test_no_information import TRAINED, near_zero_or_flagged

pytest.importorskip("torch")  # the critics are asked for by name

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
SETTINGS = {
    "small": (300, TrainingBudget(learning_rate=3e-3, max_steps=40), 16),
    "as by default": (400, TrainingBudget(learning_rate=3e-3, max_steps=100), 128),
}
"""Samples, budget and width of the critic; small ones take a tenth of a second each."""


@pytest.mark.parametrize("setting", ["small", pytest.param("as by default", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CONTINUOUS)
@pytest.mark.parametrize("name", sorted(TRAINED))
def test_no_information_is_found_or_the_value_is_flagged(name: str, case: str, setting: str) -> None:
    n, budget, width = SETTINGS[setting]
    a, b = CONTINUOUS[case](np.random.default_rng(0), n)
    options: dict[str, Any] = {"critic_options": {"width": width}, "budget": budget, "folds": 1, "n_surrogates": 0}
    found = estimate_mi(a, b, estimator=name, unit="nats", **options)  # type: ignore[arg-type]
    assert near_zero_or_flagged(found), found
    assert np.isfinite(found.value)
    assert abs(found.value) < 10.0
