"""Zero information: every estimator is within three standard errors of 0 or says why not."""

from __future__ import annotations

import numpy as np
import pytest

from pidkit import estimate_mi
from pidkit.mi import ESTIMATORS, MIEstimate
from tests.mi.no_information import CONTINUOUS, LABELLED, SYMBOLS, Sampler

TRAINED = {name for name, (module, _, _) in ESTIMATORS.items() if module.endswith("neural")}
"""In neural/test_no_information.py."""

OF_LABELS = {"ross", "label-decoder"}
OF_SYMBOLS = {"plugin", "miller-madow"}
TABLE: dict[tuple[str, str], Sampler] = {
    (name, case): sampler
    for name in ESTIMATORS
    if name not in TRAINED
    for case, sampler in (LABELLED if name in OF_LABELS else SYMBOLS if name in OF_SYMBOLS else CONTINUOUS).items()
}

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")


def near_zero_or_flagged(found: MIEstimate) -> bool:
    """Tell whether a value may pass for no information, or says why it should not be believed."""
    return bool(found.warnings) or abs(found.value) <= 3.0 * float(found.stderr or 0.0)


@pytest.mark.parametrize(("name", "case"), TABLE)
def test_no_information_is_found_or_the_value_is_flagged(name: str, case: str) -> None:
    for seed in range(3):
        a, b = TABLE[name, case](np.random.default_rng(seed), 400)
        found = estimate_mi(a, b, estimator=name, unit="nats", rng=seed)  # type: ignore[arg-type]
        assert near_zero_or_flagged(found), found
        assert np.isfinite(found.value)
        assert found.kind == "v_information" or abs(found.value) < 5.0
