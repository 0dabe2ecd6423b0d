"""Zero information: critics are within three standard errors of 0, or say why their value should not be believed."""

from __future__ import annotations

import numpy as np
import pytest

from pidkit import estimate_mi
from pidkit.mi import ESTIMATORS
from pidkit.nn import TrainingBudget
from tests.mi.no_information import CONTINUOUS
from tests.mi.test_no_information import TRAINED, near_zero_or_flagged

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
HASTY = ("infonce", "Cauchy"), ("nwj", "copies"), ("jsd", "one huge value")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, marks=() if (name, case) in HASTY else pytest.mark.slow)
        for name in ESTIMATORS
        if name in TRAINED
        for case in CONTINUOUS
    ],
)
def test_no_information_is_found_or_the_value_is_flagged(name: str, case: str) -> None:
    a, b = CONTINUOUS[case](np.random.default_rng(0), 400)
    budget = TrainingBudget(learning_rate=3e-3, max_steps=100)
    found = estimate_mi(a, b, estimator=name, unit="nats", budget=budget, folds=1)  # type: ignore[arg-type]
    assert near_zero_or_flagged(found), found
    assert np.isfinite(found.value)
    assert abs(found.value) < 10.0
