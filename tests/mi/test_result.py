"""MIEstimate: units, the dictionary, what it shows."""

import json
import math
from typing import Any

import pytest

from pidkit import InputError, MIEstimate
from pidkit.mi.result import KINDS, in_nats


def an_estimate(**changes: Any) -> MIEstimate:
    fields = {"value": 1.0, "unit": "bits", "kind": "lower_bound", "estimator": "infonce", "n_samples": 10}
    return MIEstimate(**{**fields, "stderr": 0.5, "cap": 2.0, "cap_name": "log K", **changes})


def test_to_converts_value_error_and_cap_and_leaves_diagnostics() -> None:
    nats = an_estimate(diagnostics={"jsd_objective": -1.0}).to("nats")
    assert nats.unit == "nats"
    assert (nats.value, nats.stderr, nats.cap) == pytest.approx((math.log(2), 0.5 * math.log(2), math.log(4)))
    assert nats.diagnostics == {"jsd_objective": -1.0}
    assert nats.to("bits").value == pytest.approx(1.0)


def test_to_keeps_what_is_not_known() -> None:
    nats = an_estimate(stderr=None, cap=None, cap_name=None).to("nats")
    assert nats.stderr is None
    assert nats.cap is None


def test_to_refuses_other_units() -> None:
    with pytest.raises(InputError, match=r"^unit must be 'bits' or 'nats', not 'trits'$"):
        an_estimate().to("trits")


def test_to_dict_is_json() -> None:
    assert json.loads(json.dumps(an_estimate(warnings=("near the cap",)).to_dict()))["warnings"] == ["near the cap"]


def test_repr_says_kind_cap_and_warnings() -> None:
    assert repr(an_estimate(warnings=("near the cap",))).splitlines() == [
        "MIEstimate (infonce, n = 10)",
        "  1.0000 ± 0.5000 bits: lower_bound, a lower bound, up to sampling error",
        "  cap log K = 2.0000 bits",
        "  warning: near the cap",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_means(kind: str) -> None:
    assert KINDS[kind] in repr(an_estimate(kind=kind))


def test_in_nats_takes_the_unit_asked_for() -> None:
    made = in_nats(math.log(4), kind="plugin", estimator="plugin", n_samples=4, unit="bits", cap=("log n", math.log(4)))
    assert (made.value, made.cap) == pytest.approx((2.0, 2.0))
    assert made.cap_name == "log n"
