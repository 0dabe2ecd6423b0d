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
    lambda: RepresentationCodes(None, 3, normalise=False, memory=1),
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


@pytest.mark.parametrize("make", [lambda: KMeansCodes(2), lambda: PrincipalComponents(1)])
def test_a_later_batch_may_vary_by_next_to_nothing(make: Callable[[], Any]) -> None:
    """What counts is the spread of all batches: a batch of a dead unit with one tiny value is not the whole layer."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    step = make().partial_fit(x).partial_fit(1e-200 * x)
    np.testing.assert_array_equal(step.transform(x), make().partial_fit(x).partial_fit(0.0 * x).transform(x))
    with pytest.raises(InputError, match=r"varies by no more than"):
        make().partial_fit(0.0 * x).partial_fit(1e-200 * x)


def test_rows_of_unit_length_know_no_scale() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    plain, tiny = (RepresentationCodes(2, 3, normalise=True).fit_transform(rows) for rows in (x, 2.0**-660 * x))
    assert (plain == tiny).all()
    assert (UniformBins(3).fit_transform(x) == UniformBins(3).fit_transform(2.0**-660 * x)).all()


@pytest.mark.parametrize(
    "quantiser", [KMeansCodes(2, n_init=1), RepresentationCodes(2, 2), UniformBins(2), PrincipalComponents(2)]
)
def test_columns_of_a_table_are_known_by_name(quantiser: Any) -> None:
    """Permuted columns would give other codes in silence; arrays have no names and go by position."""
    pd = pytest.importorskip("pandas")
    rows = np.random.default_rng(0).normal(size=(30, 3))
    table = pd.DataFrame(rows, columns=list("abc"))
    codes = quantiser.fit(table).transform(table)
    assert quantiser.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(quantiser.transform(rows), codes)
    np.testing.assert_array_equal(quantiser.transform(table[list("cab")][list(quantiser.feature_names_in_)]), codes)
    with pytest.raises(InputError, match=r"^x has columns in another order than fit saw; pass x\[list\(\w+"):
        quantiser.transform(table[list("cab")])
    with pytest.raises(InputError, match=r"^x has columns of other names than fit saw"):
        quantiser.transform(table.rename(columns={"a": "d"}))
    assert not hasattr(quantiser.fit(rows), "feature_names_in_")
