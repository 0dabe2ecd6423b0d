"""PIDEstimate: units, JSON, and a printed table that says what to believe."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pidkit import PIDEstimate, estimate_pid
from tests.representations.systems import draw, looks, modular


@pytest.fixture(scope="module")
def estimate() -> Any:
    """Estimate two looks with nulls and a bootstrap."""
    samples = draw(looks(3, 0.9, 0.3), 800, 0)
    return estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, n_null=19, n_bootstrap=5)


def test_another_unit_converts_everything_in_it(estimate: PIDEstimate) -> None:
    nats = estimate.to("nats")
    assert nats.redundancy == pytest.approx(math.log(2.0) * estimate.redundancy)
    assert nats.interval["synergy"][1] == pytest.approx(math.log(2.0) * estimate.interval["synergy"][1])
    assert nats.held_out["union"] == pytest.approx(math.log(2.0) * estimate.held_out["union"])
    assert nats.report.unit == "nats"
    assert nats.null is not None
    assert estimate.null is not None
    assert nats.null["synergy"].high == pytest.approx(math.log(2.0) * estimate.null["synergy"].high)
    assert nats.p_value == estimate.p_value
    assert nats.to("bits").plug_in == pytest.approx(estimate.plug_in)
    assert nats.verdict("redundancy") == estimate.verdict("redundancy")


def test_it_survives_json(estimate: PIDEstimate) -> None:
    found = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert found["redundancy"] == estimate.redundancy
    assert found["interval"]["unique_1"] == list(estimate.interval["unique_1"])
    assert found["n_symbols"] == [3, 3, 3]


def test_the_table_says_what_to_believe(estimate: PIDEstimate) -> None:
    text = repr(estimate)
    assert "unique_1" in text
    assert "above chance (p = 0.05)" in text
    assert "not told from zero" in text  # x2 has nothing of its own
    assert "n = 800, 3 x 3 x 3 symbols, 10 folds" in text
    assert "<table>" in estimate._repr_html_()
    assert "95 % interval" in estimate._repr_html_()


def test_a_small_sample_is_named_as_the_limit() -> None:
    samples = draw(modular(6, 0.6), 120, 0)
    small = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2)
    assert "limited by the sample" in small.verdict("synergy")
