"""Splits for cross-fitting: every row read once, classes spread, groups in one part."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.mi.row_groups import read_groups, variance_of_mean
from pidkit.mi.splits import three_way_splits
from pidkit.representations.decoders import decode_layers
from pidkit.representations.folds import cross_fitting_splits, deal


@given(st.integers(20, 60), st.integers(1, 4), st.integers(2, 5), st.integers(0, 10**6))
def test_groups_stay_in_one_part_and_every_row_is_read_once(n_groups: int, copies: int, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), copies)
    labels = np.repeat(np.arange(n_groups) % 2, copies)
    order = rng.permutation(groups.size)
    groups, labels = groups[order], labels[order]
    splits = cross_fitting_splits(labels, folds, groups, rng)
    assert (np.sort(np.concatenate([one.value for one in splits])) == np.arange(groups.size)).all()
    for one in splits:
        parts = [set(groups[part]) for part in (one.train, one.stop, one.value)]
        assert sum(len(part) for part in parts) == len(set.union(*parts)) == n_groups
        assert set(labels[one.train]) == {0, 1}


def test_without_groups_they_are_the_splits_of_the_label_decoder() -> None:
    labels = np.arange(50) % 2
    own = cross_fitting_splits(labels, 5, None, np.random.default_rng(0))
    for one, other in zip(own, three_way_splits(50, np.random.default_rng(0), folds=5, labels=labels), strict=True):
        assert all((a == b).all() for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


@given(st.integers(1, 40), st.integers(1, 4), st.integers(2, 6), st.integers(0, 10**6))
def test_groups_are_dealt_whole_and_classes_evenly(n_groups: int, copies: int, n_parts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(n_groups), copies))
    of_group = rng.integers(3, size=n_groups)
    part = deal(of_group[groups], n_parts, groups)
    assert all(np.unique(part[groups == g]).size == 1 for g in range(n_groups))
    for label in range(3):
        held = np.bincount(part[of_group[groups] == label], minlength=n_parts)
        assert held.max() - held.min() <= copies


def test_copies_of_a_row_are_read_only_by_decoders_that_have_seen_none_of_them() -> None:
    """Rows that say nothing, four copies of each: nearest neighbours know a label from its copies, unless grouped."""
    rng = np.random.default_rng(0)
    x, labels, groups = (
        np.repeat(rng.normal(size=(100, 5)), 4, 0),
        np.repeat(np.arange(100) % 2, 4),
        np.arange(400) // 4,
    )
    read = {}
    for name, kept in (("apart", None), ("together", groups)):
        splits = cross_fitting_splits(labels, 5, kept, np.random.default_rng(0))
        read[name] = decode_layers({"x": x}, labels, splits, decoder="knn", rng=rng)["x"].report.calibrated
    assert read["apart"] > 0.1
    assert read["together"] < 0.05


def test_groups_may_have_any_names() -> None:
    assert read_groups(["b", "a", "b"], 3).tolist() == read_groups([7, 2, 7], 3).tolist()


def test_the_variance_of_a_mean_of_groups_is_that_of_repeated_samples() -> None:
    """Rows of a group share half of their variance, and groups differ in size."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), rng.integers(1, 9, size=40))
    means, expected = [], []
    for _ in range(2000):
        scores = rng.normal(size=40)[groups] + rng.normal(size=groups.size)
        means.append(scores.mean())
        expected.append(float(variance_of_mean(scores, groups)))
    assert np.mean(expected) == pytest.approx(np.var(means), rel=0.1)
    both = np.stack([scores, 2.0 * scores], axis=1)
    assert variance_of_mean(both, groups) == pytest.approx([expected[-1], 4.0 * expected[-1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: read_groups([1, 2], 3), r"^groups must name the group of every row; there are 2 for 3 rows$"),
        (
            lambda: cross_fitting_splits(np.arange(40) % 2, 5, np.arange(40) // 8, np.random.default_rng(0)),
            r"^groups holds 5 groups, fewer than two a fold; pass fewer folds than 5, or finer groups$",
        ),
        (
            lambda: cross_fitting_splits(
                np.r_[np.zeros(36, int), np.ones(4, int)], 5, np.arange(40) // 4, np.random.default_rng(0)
            ),
            r"^groups leave no row of class 1 to fit a decoder to: its rows lie in too few groups; merge the class or",
        ),
        (
            lambda: cross_fitting_splits(np.r_[np.zeros(36, int), np.ones(4, int)], 5, None, np.random.default_rng(0)),
            r"has a class with 4 samples; a split needs at least 5 of each",
        ),
    ],
)
def test_bad_groups_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
