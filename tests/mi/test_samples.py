"""Columns of tiny numbers keep what they tell: estimators that scale their columns are blind to units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, estimate_mi
from pidkit.mi.samples import check_rows, is_discrete, scaling, spread, standardise

RNG = np.random.default_rng(0)
A = RNG.normal(size=(200, 2))
B = A + 0.5 * RNG.normal(size=(200, 2))
TINY = 2.0**-660
"""About 1e-199, and a power of two, so that scaling by it loses no digit."""


def test_the_spread_of_tiny_columns() -> None:
    """The standard deviation is homogeneous: of s x it is s times that of x."""
    assert spread(A * TINY) == pytest.approx(spread(A) * TINY, rel=1e-14)
    assert spread(A * [1.0, TINY]) == pytest.approx(A.std(0) * [1.0, TINY], rel=1e-14)
    assert (spread(A) == A.std(0)).all()  # nothing changes where nothing underflows
    assert spread(np.full((9, 1), 1e-200)) == 0.0
    maps = A.reshape(50, 2, 2, 2)
    assert spread(maps * TINY, (0, 2, 3)) == pytest.approx(maps.std((0, 2, 3)) * TINY, rel=1e-14)


def test_tiny_columns_are_scaled_and_not_dropped() -> None:
    assert standardise(A * [1.0, TINY]) == pytest.approx(standardise(A), rel=1e-12)
    for mean, scale in (scaling(A * TINY),):
        assert (A * TINY - mean) / scale == pytest.approx((A - A.mean(0)) / scaling(A)[1], rel=1e-12)


@pytest.mark.parametrize("estimator", ["ksg", "gao", "gaussian", "gaussian-copula"])
@pytest.mark.parametrize("unit", [TINY, 1.0 / TINY**0.5, [1.0, TINY]])
def test_no_estimator_depends_on_the_unit(estimator: Any, unit: Any) -> None:
    """Mutual information is invariant under invertible maps of a side: before, a side of 1e-199 gave nothing."""
    plain, scaled = (estimate_mi(a, B, estimator=estimator).value for a in (A, A * unit))
    assert scaled == pytest.approx(plain, abs=1e-6)
    assert plain > 1.0


def test_labels_and_decoders_of_tiny_layers() -> None:
    labels = (A[:, 0] > 0).astype(int)
    for estimator in ("ross", "label-decoder"):
        plain, scaled = (estimate_mi(a, labels, estimator=estimator).value for a in (A, A * TINY))
        assert scaled == pytest.approx(plain, abs=1e-6)
        assert plain > 0.5


def test_counts_are_no_rows() -> None:
    with pytest.raises(InputError, match=r"^a must hold real numbers, not dtype object"):
        check_rows({1.0: 3, 2.0: 4}, "a")


def test_tables_are_read_by_their_values_and_not_by_the_names_of_their_columns() -> None:
    pd = pytest.importorskip("pandas")
    numbers = pd.DataFrame({"x": A[:, 0]})
    assert not is_discrete(numbers)
    assert is_discrete(pd.DataFrame({"x": (A[:, 0] > 0)}))
    assert estimate_mi(numbers, B[:, :1]).value == estimate_mi(A[:, :1], B[:, :1]).value


def test_the_scale_of_many_columns_is_that_of_each_to_the_last_bit() -> None:
    for d in (1, 2, 64, 65, 129, 300):
        rows = 3.0 + np.random.default_rng(d).normal(size=(500, d))
        scale = scaling(rows)[1]
        expected = spread(rows)
        np.testing.assert_array_equal(scale, expected)
