"""Bins: monotone, balanced, by hand, joint symbols by the nearest."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from pidkit.quantise import (
    QuantileBins,
    UniformBins,
)
from tests.quantise.quantisers import COLUMNS


@given(x=COLUMNS, n_bins=st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_quantile_bins_are_balanced_and_monotone(x: Any, n_bins: int) -> None:
    codes = QuantileBins(n_bins=n_bins).fit(x).codes(x)
    counts = np.bincount(codes)
    assert len(counts) == min(n_bins, len(x))
    assert counts.max() - counts.min() <= 1
    assert (np.diff(codes[np.argsort(x)]) >= 0).all()


@given(x=COLUMNS, later=COLUMNS, n_bins=st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_uniform_bins_are_monotone_in_seen_and_unseen_values(x: Any, later: Any, n_bins: int) -> None:
    coder = UniformBins(n_bins=n_bins).fit(x)
    assert coder.n_codes_ <= n_bins
    # Unseen bins go to the nearest seen one, which keeps the order as well.
    assert (np.diff(coder.codes(np.sort(np.concatenate([x, later])))) >= 0).all()


def test_uniform_bins_by_hand() -> None:
    coder = UniformBins(n_bins=4)
    x = np.array([0.0, 0.9, 1.0, 2.5, 4.0])
    np.testing.assert_array_equal(coder.fit(x).codes(x), [0, 0, 1, 2, 3])
    np.testing.assert_array_equal(coder.edges_[0], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(coder.codes([-9.0, 3.5, 99.0]), [0, 3, 3])


def test_joint_symbols_are_numbered_in_order_and_unseen_ones_take_the_nearest() -> None:
    coder = UniformBins(n_bins=3)
    x = np.array([[0.0, 0.0], [0.0, 3.0], [3.0, 3.0], [0.0, 0.0]])
    np.testing.assert_array_equal(coder.fit(x).codes(x), [0, 1, 2, 0])
    np.testing.assert_array_equal(coder.symbols_, [[0, 0], [0, 2], [2, 2]])
    # (2, 0) is as near to (0, 0) as to (2, 2): the lower code; (2, 1) is nearest to (2, 2); (0, 1) is halfway again.
    np.testing.assert_array_equal(coder.codes([[3.0, 0.0], [3.0, 1.5], [0.0, 1.5]]), [0, 2, 0])


def test_quantile_bins_never_split_ties() -> None:
    x = [0.0, 1.0, 1.0, 1.0, 1.0, 2.0]
    codes = QuantileBins(n_bins=3).fit(x).codes(x)
    np.testing.assert_array_equal(codes, [0, 1, 1, 1, 1, 1])
    assert QuantileBins(n_bins=5).fit([1.0, 1.0, 1.0, 7.0]).n_codes_ == 2


def test_more_than_255_bins() -> None:
    x = np.arange(300.0)
    np.testing.assert_array_equal(UniformBins(n_bins=300).fit(x).codes(x), np.arange(300))
