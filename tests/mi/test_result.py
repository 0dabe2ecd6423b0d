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


def test_to_converts_value_error_cap_and_the_diagnostics_that_are_information() -> None:
    diagnostics = {"jsd_objective": -1.0, "best_scores": [1.0, 2.0], "train_value": None, "k": 3, "tied_share": 0.5}
    in_unit = ("jsd_objective", "best_scores", "train_value")
    nats = an_estimate(diagnostics=diagnostics, diagnostics_in_unit=in_unit).to("nats")
    assert nats.unit == "nats"
    assert (nats.value, nats.stderr, nats.cap) == pytest.approx((math.log(2), 0.5 * math.log(2), math.log(4)))
    assert nats.diagnostics == {
        "jsd_objective": -math.log(2),
        "best_scores": [math.log(2), pytest.approx(math.log(4))],
        "train_value": None,
        "k": 3,
        "tied_share": 0.5,
    }
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
    assert (made.value, made.cap, made.cap_name) == (pytest.approx(2.0), pytest.approx(2.0), "log n")  # type: ignore[comparison-overlap]


def test_in_nats_tells_information_from_other_diagnostics() -> None:
    made = in_nats(
        math.log(4),
        kind="plugin",
        estimator="plugin",
        n_samples=4,
        unit="bits",
        information={"entropy_y": math.log(2)},
        diagnostics={"folds": 5},
    )
    assert made.diagnostics == {"entropy_y": pytest.approx(1.0), "folds": 5}
    assert made.diagnostics_in_unit == ("entropy_y",)
    assert in_nats(1.0, kind="plugin", estimator="plugin", n_samples=4, unit="nats").diagnostics_in_unit == ()
