"""Results: units, dictionaries, and what they show."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.intersection import intersection_information
from tests.intersection.joints import TABLE, dirichlet


def test_units_go_there_and_back() -> None:
    result = intersection_information(TABLE["AND"].p)
    back = result.to("nats").to("bits")
    assert back.lower == pytest.approx(result.lower, abs=1e-15)
    assert result.to("nats").report.tol == pytest.approx(result.report.tol * np.log(2.0))
    assert result.to("nats").report.unit == "nats"
    with pytest.raises(InputError, match="unit must be"):
        result.to("bans")


@pytest.mark.parametrize("measure", ["griffith-ho", "blackwell", "gacs-koerner"])
def test_a_dictionary_survives_json(measure: Any) -> None:
    result = intersection_information(TABLE["AND"].p, measure=measure)
    fields = json.loads(json.dumps(result.to_dict()))
    assert fields["lower"] == result.lower
    assert fields["report"]["status"] == "converged"
    assert len(fields["channels"]) == 2
    assert (fields["common"] is None) == (measure == "blackwell")


def test_repr_shows_a_value_or_an_interval() -> None:
    exact = repr(intersection_information(TABLE["AND"].p))
    assert "value 0.12255625 (exact)   n_q = 2" in exact
    wide = repr(intersection_information(dirichlet((4, 4, 4), 0), max_iter=2))
    assert "value in [0." in wide
    assert "max_iter" in wide


def test_the_value_is_what_the_channel_attains_and_the_residual_has_a_unit_where_it_is_information() -> None:
    for measure, of in (
        ("griffith-ho", "total variation"),
        ("blackwell", "total variation"),
        ("gacs-koerner", "total variation"),
    ):
        result = intersection_information(TABLE["AND"].p, measure=measure)  # type: ignore[arg-type]
        report = replace(result.report, residual=0.5)
        assert result.value == result.lower
        assert report.residual_kind == of
        assert report.to("nats").residual == pytest.approx(0.5 * (np.log(2.0) if of == "information" else 1.0))
