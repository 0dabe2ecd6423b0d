"""Rows: the nearest of ties, and numbers so small that their squares underflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, KMeansCodes, RepresentationCodes, UniformBins
from pidkit.quantise import PrincipalComponents
from pidkit.quantise.rows import nearest


def test_nearest_takes_the_first_of_ties() -> None:
    assert nearest(np.array([[0.5], [2.0]]), np.array([[0.0], [1.0], [1.0]])).tolist() == [0, 1]


WITHOUT_UNIT_ROWS = [
    lambda: RepresentationCodes(2, 3, normalise=False),
    lambda: RepresentationCodes(None, 3, normalise=False, streaming=True, batch_size=30),
]


@pytest.mark.parametrize("make", [lambda: KMeansCodes(3), lambda: PrincipalComponents(2), *WITHOUT_UNIT_ROWS])
def test_distances_that_underflow_are_refused(make: Callable[[], Any]) -> None:
    """Squares of 1e-200 are zero: all rows would be one code, or have no components, without a word."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    for scale in (1e-200, 1e-300, 1e-160):
        with pytest.raises(InputError, match=r"varies by no more than \d\.\de-\d+, whose square underflows; resc"):
            make().fit(scale * x)
        with pytest.raises(InputError, match=r"varies by no more than"):
            make().fit(np.hstack([np.ones((60, 1)), scale * x]))
    make().fit(1e-100 * x)
    make().fit(0.0 * x)  # nothing varies, so nothing is lost


def test_rows_of_unit_length_know_no_scale() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    plain, tiny = (RepresentationCodes(2, 3, normalise=True).fit_transform(rows) for rows in (x, 2.0**-660 * x))
    assert (plain == tiny).all()
    assert (UniformBins(3).fit_transform(x) == UniformBins(3).fit_transform(2.0**-660 * x)).all()
