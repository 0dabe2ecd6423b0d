"""Atoms by every measure: they add up, the order holds, the table reads."""

import inspect
from itertools import pairwise

import numpy as np
import pytest

from pidkit import InputError
from pidkit.intersection import MEASURES, compare
from tests.intersection.joints import TABLE, dirichlet


@pytest.mark.parametrize("p", [TABLE["AND"].p, TABLE["PntUnq"].p, dirichlet((2, 2, 3), 0)])
def test_atoms_add_up_in_order(p: np.ndarray) -> None:
    table = compare(p)
    assert [result.measure for result in table.results] == list(MEASURES)
    for result in table.results:
        assert sum(result.atoms.values()) == pytest.approx(result.mi_joint, abs=1e-9)
        assert result.redundancy + result.unique_1 == pytest.approx(result.mi_1, abs=1e-9)
        assert result.redundancy + result.unique_2 == pytest.approx(result.mi_2, abs=1e-9)
    values = [table[measure].redundancy for measure in MEASURES[:5]]
    assert all(small <= large + 1e-8 for small, large in pairwise(values))


def test_table_and_units() -> None:
    table = compare(TABLE["AND"].p, measures=["griffith-ho", "williams-beer"])
    lines = repr(table).splitlines()
    assert lines[0].split() == ["bits", "redundancy", "unique_1", "unique_2", "synergy", "gap"]
    assert lines[1].split()[:5] == ["griffith-ho", "0.122556", "0.188722", "0.188722", "0.311278"]
    nats = table.to("nats")
    assert nats["griffith-ho"].redundancy == pytest.approx(0.12255625 * np.log(2.0), abs=1e-7)
    exported = nats.to_dict()
    assert exported["unit"] == "nats"
    assert [(one["measure"], one["unit"]) for one in exported["results"]] == [
        ("griffith-ho", "nats"),
        ("williams-beer", "nats"),
    ]
    assert compare(TABLE["AND"].p, measures=["mmi"], unit="nats")["mmi"].unit == "nats"


def test_a_comparison_is_limited_and_tells_how_far_it_is() -> None:
    """Griffith-Ho on this joint takes far more than 5 seconds without a limit, and nothing was shown."""
    assert inspect.signature(compare).parameters["time_limit"].default == 5.0
    told: list[tuple[int, float]] = []
    p = np.random.default_rng(0).dirichlet(np.ones(100)).reshape(5, 5, 4)
    table = compare(p, measures=("griffith-ho",), time_limit=2.0, progress=lambda *news: told.append(news))
    assert table["griffith-ho"].report.status == "time_limit"
    assert told


def test_errors() -> None:
    with pytest.raises(InputError, match=r"measures must be one of 'gacs-koerner', .*, not 'I_dep'"):
        compare(TABLE["AND"].p, measures=["I_dep"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="no measure 'broja' here; there are mmi"):
        compare(TABLE["AND"].p, measures=["mmi"])["broja"]
