"""dit as an oracle: its closed forms, and its Griffith-Ho search where it is right.

dit 2.3 PID_GH runs a local search from a few random starts. On the joints of RIGHT it lands on the exact value. Known
to be off, with the channel of our result (checked against both Markov chains) as the proof that more can be had:
correlated UNQ1 (dit about .109, exact .11870910), AND and OR on some starts, and most random joints. RDNXOR times out
and RDNUNQXOR runs out of memory.
"""

import warnings
from typing import Any

import numpy as np
import pytest

from pidkit.interop import dit_from_joint
from pidkit.intersection import intersection_information, mmi_redundancy, williams_beer_redundancy
from pidkit.intersection.channel import channel_information
from tests.intersection.joints import TABLE, dirichlet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dit_pid = pytest.importorskip("dit.pid")

pytestmark = pytest.mark.filterwarnings("ignore")

RIGHT = ("XOR", "RDN", "UNQ", "ReducedOR", "ImperfectRDN", "SUM")
"""Joints on which dit's Griffith-Ho search finds the value within 1e-4."""


def redundancy(measure: type[Any], p: np.ndarray) -> float:
    """Return dit's redundancy of two sources."""
    return measure(dit_from_joint(p), [[0], [1]], [2])[((0,), (1,))]


@pytest.mark.parametrize("name", ["AND", "RDN", "UNQ", "correlated UNQ1", "ImperfectRDN", "PntUnq"])
def test_closed_forms(name: str) -> None:
    p = TABLE[name].p
    wedge = intersection_information(p, measure="gacs-koerner").lower
    assert redundancy(dit_pid.PID_GK, p) == pytest.approx(wedge, abs=1e-9)
    assert redundancy(dit_pid.PID_MMI, p) == pytest.approx(mmi_redundancy(p), abs=1e-9)
    assert redundancy(dit_pid.PID_WB, p) == pytest.approx(williams_beer_redundancy(p), abs=1e-9)


def test_closed_forms_of_a_random_joint() -> None:
    p = dirichlet((3, 2, 4), 1)
    assert redundancy(dit_pid.PID_WB, p) == pytest.approx(williams_beer_redundancy(p), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_griffith_ho_where_dit_is_right(name: str) -> None:
    p = TABLE[name].p
    assert redundancy(dit_pid.PID_GH, p) == pytest.approx(intersection_information(p).lower, abs=1e-4)


@pytest.mark.parametrize("name", ["correlated UNQ1", "AND", "OR"])
def test_the_proof_where_dit_is_wrong(name: str) -> None:
    p = TABLE[name].p
    result = intersection_information(p)
    assert result.common is not None
    information = channel_information(p, result.common)
    assert information.residual <= 1e-15
    assert information.target / np.log(2.0) == pytest.approx(TABLE[name].alpha, abs=1e-7)
