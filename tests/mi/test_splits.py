"""Splits in three: disjoint, complete, even, and every class in every part."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.mi.splits import check_class_sizes, check_folds, three_way_splits


@given(n=st.integers(10, 300), folds=st.sampled_from([None, 1, 2, 5, 7]), seed=st.integers(0, 99))
def test_parts_are_disjoint_and_every_row_gives_the_value_at_most_once(n: int, folds: int | None, seed: int) -> None:
    splits = three_way_splits(n, np.random.default_rng(seed), folds=folds)
    for split in splits:
        joined = np.concatenate([split.train, split.stop, split.value])
        assert np.array_equal(np.sort(joined), np.arange(n))
        assert min(split.train.size, split.stop.size, split.value.size) >= 1
    values = np.concatenate([split.value for split in splits])
    assert np.unique(values).size == values.size
    assert folds == 1 or values.size == n


def test_many_rows_are_split_once() -> None:
    splits = three_way_splits(20_000, np.random.default_rng(0))
    assert [part.size for part in (splits[0].train, splits[0].stop, splits[0].value)] == [12_000, 4000, 4000]
    assert len(splits) == 1


def test_classes_are_spread_evenly() -> None:
    labels = np.repeat([0, 1, 2], [20, 5, 75])
    for split in three_way_splits(100, np.random.default_rng(0), folds=5, labels=labels):
        assert np.bincount(labels[split.value]).tolist() == [4, 1, 15]
        assert np.bincount(labels[split.train], minlength=3).min() >= 2


@pytest.mark.parametrize("folds", [0, -1, 2.0, True, "5"])
def test_folds_must_be_a_whole_number(folds: Any) -> None:
    with pytest.raises(InputError, match=r"^folds must be a whole number >= 1, not .*; 1 is a single three-way split"):
        check_folds(folds)


def test_small_classes_are_refused() -> None:
    check_class_sizes(np.repeat([0, 1], 5), 5)
    with pytest.raises(
        InputError, match=r"^b has a class with 4 samples; a split needs at least 5 of each: merge or drop"
    ):
        check_class_sizes(np.repeat([0, 1], [9, 4]), 5)
