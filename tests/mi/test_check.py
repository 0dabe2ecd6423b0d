"""The doctor: every sign is found where it is and not where it is not, and the estimator fits the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, check_samples, estimate_mi

RNG = np.random.default_rng(0)
N = 400
PLAIN, OTHER = RNG.normal(size=(2, N, 2))
LABELS = np.arange(N) % 3
HOLED = PLAIN.copy()
HOLED[:7, 1] = np.nan
OUTLIER = PLAIN.copy()
OUTLIER[5, 0] = 1e9
SMALL = np.where(np.arange(N) < 3, 3, LABELS)

CASES: dict[str, tuple[Any, Any, set[str], str | None]] = {
    "plain": (PLAIN, OTHER, set(), "calibrated"),
    "labels": (PLAIN, LABELS, set(), "ross"),
    "labels, many columns": (RNG.normal(size=(N, 30)), LABELS, set(), "label-decoder"),
    "symbols": (list("abcd") * 100, LABELS, set(), "miller-madow"),
    "missing values": (HOLED, OTHER, {"missing values"}, None),
    "constant columns": (np.hstack([PLAIN, np.ones((N, 1))]), OTHER, {"constant columns"}, "calibrated"),
    "duplicate columns": (np.hstack([PLAIN, PLAIN[:, :1]]), OTHER, {"duplicate columns"}, "calibrated"),
    "grid": (np.round(PLAIN[:, :1], 1), OTHER, {"grid values"}, "gao"),
    "ReLU": (np.maximum(PLAIN, 0.0), np.maximum(OTHER, 0.0), {"grid values"}, "gao"),
    "copies": (np.repeat(PLAIN[:100], 4, 0), np.repeat(OTHER[:100], 4, 0), {"copies", "grid values"}, "gao"),
    "copies, labels": (np.repeat(PLAIN[:100], 4, 0), np.repeat(LABELS[:100], 4), {"copies", "grid values"}, "ross"),
    "outliers": (OUTLIER, OTHER, {"outliers"}, "calibrated"),
    "nearly unique labels": (PLAIN, np.arange(N), {"nearly unique labels"}, "ross"),
    "small classes": (PLAIN, SMALL, {"small classes"}, "ross"),
    "shared columns": (PLAIN, np.hstack([OTHER, PLAIN[:, :1]]), {"shared columns"}, "calibrated"),
    "few samples": (PLAIN[:20], OTHER[:20], {"few samples"}, "calibrated"),
    "wide": (RNG.normal(size=(N, 90)), RNG.normal(size=(N, 90)), {"few samples"}, "infonce"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_sign_is_found_where_it_is_and_nowhere_else(case: str) -> None:
    a, b, signs, estimator = CASES[case]
    found = check_samples(a, b)
    assert set(found.signs) == signs, found
    assert found.estimator == estimator
    assert found.n_samples == len(a)
    assert found.why in repr(found)


def test_findings_say_how_much_and_tables_show_them() -> None:
    found = check_samples(HOLED, OTHER)
    assert [(one.sign, one.side) for one in found.findings] == [("missing values", "a")]
    assert found.findings[0].text == "7 of 400 rows hold NaN or infinity"
    assert "missing values, a" in found._repr_html_()
    assert found.to_dict()["findings"][0]["sign"] == "missing values"


def test_what_it_names_can_be_estimated() -> None:
    for case in ("labels", "symbols", "grid", "copies", "plain", "ReLU"):
        a, b, _, estimator = CASES[case]
        with pytest.warns() if case == "copies" else _quiet():
            assert np.isfinite(estimate_mi(a, b, estimator=estimator).value)  # type: ignore[arg-type]


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match=r"^a and b must have one row a sample, in the same order; they have 400"):
        check_samples(PLAIN, OTHER[:9])
    with pytest.raises(InputError, match=r"^a must hold real numbers"):
        check_samples(PLAIN.astype(complex), OTHER)


def _quiet() -> Any:
    from contextlib import nullcontext

    return nullcontext()
