"""Laws on random joints: symmetry, relabelling, equal sources. Their order and the theorems are in tests/theory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit.intersection import intersection_information, mmi_redundancy
from tests.intersection.joints import joints

SLACK = 1e-8
"""Bits by which two values of certified gap 1e-9 may be out of order."""


@settings(max_examples=25)
@given(joints())
def test_swapping_the_sources_changes_nothing(p: Any) -> None:
    for measure in ("gacs-koerner", "griffith-ho", "blackwell"):
        here = intersection_information(p, measure=measure)
        there = intersection_information(p.transpose(0, 2, 1), measure=measure)
        assert here.lower == pytest.approx(there.lower, abs=SLACK)


@settings(max_examples=25)
@given(joints(), st.integers(0, 1000))
def test_relabelling_changes_nothing(p: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = p[np.ix_(*(rng.permutation(n) for n in p.shape))]
    for measure in ("gacs-koerner", "griffith-ho", "blackwell"):
        here, there = (intersection_information(joint, measure=measure) for joint in (p, shuffled))
        assert here.lower == pytest.approx(there.lower, abs=SLACK)


@settings(max_examples=25)
@given(joints())
def test_the_other_source_being_the_same_gives_it_all(p: np.ndarray) -> None:
    p_yx = p.sum(2)
    twice = np.zeros((*p_yx.shape, p_yx.shape[1]))
    diagonal = np.arange(p_yx.shape[1])
    twice[:, diagonal, diagonal] = p_yx
    for measure in ("gacs-koerner", "griffith-ho", "blackwell"):
        assert intersection_information(twice, measure=measure).lower == pytest.approx(mmi_redundancy(twice), abs=SLACK)
