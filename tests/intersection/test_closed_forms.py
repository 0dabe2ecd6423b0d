"""MMI and Williams-Beer I_min: closed forms and the published values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.intersection import mmi_redundancy, williams_beer_redundancy
from tests.intersection.joints import TABLE, dirichlet


@pytest.mark.parametrize("name", TABLE)
def test_table(name: str) -> None:
    assert mmi_redundancy(TABLE[name].p) == pytest.approx(TABLE[name].mmi, abs=1e-6)


def test_williams_beer_by_the_definition() -> None:
    p = dirichlet((3, 2, 4), 0)
    p_y = p.sum((1, 2))
    total = 0.0
    for y in range(3):
        specific = []
        for pair in (p.sum(2), p.sum(1)):
            specific.append(
                sum(pair[y, x] / p_y[y] * np.log2(pair[y, x] / pair[:, x].sum() / p_y[y]) for x in range(pair.shape[1]))
            )
        total += p_y[y] * min(specific)
    assert williams_beer_redundancy(p) == pytest.approx(total, abs=1e-12)
    assert williams_beer_redundancy(p, unit="nats") == pytest.approx(total * np.log(2.0), abs=1e-12)


@pytest.mark.parametrize(("name", "value"), [("UNQ", 1.0), ("XOR", 0.0), ("AND", 0.31127812), ("RDN", 1.0)])
def test_williams_beer_values(name: str, value: float) -> None:
    assert williams_beer_redundancy(TABLE[name].p) == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("measure", [mmi_redundancy, williams_beer_redundancy])
def test_errors(measure: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="unit must be"):
        measure(TABLE["AND"].p, unit="dits")
    with pytest.raises(InputError, match="sums to 2"):
        measure(2.0 * TABLE["AND"].p)
