"""Groups of rows: joined with copies, kept to one part of a split, and in standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import InputError, estimate_mi
from pidkit.mi.row_groups import joined, standard_error, variance_of_mean
from pidkit.mi.splits import three_way_splits

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=30, max_size=60))
def test_joined_is_the_finest_partition_that_splits_neither(pairs: list[tuple[int, int]]) -> None:
    groups, copies = (np.unique(side, return_inverse=True)[1] for side in np.array(pairs).T)
    slow, before = np.arange(len(pairs)), np.arange(0)
    while not np.array_equal(slow, before):  # the smallest row that a chain leads to
        before = slow
        for labels in (groups, copies):
            slow = np.array([slow[labels == label].min() for label in labels])
    try:
        found = joined(groups, copies)
    except InputError:
        assert np.unique(slow).size < 10
        return
    assert (np.unique(slow, return_inverse=True)[1] == found).all()


def test_without_groups_copies_decide() -> None:
    copies = np.array([0, 0, 1, 2])
    assert joined(None, copies) is copies


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(30) % 3, "groups leave 3 sets of rows that belong together, and folds need at least 10"),
        (np.arange(29), "groups must name the group of every row; there are 29 for 30 rows"),
    ],
)
def test_groups_that_cannot_be_split_are_refused(groups: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        joined(groups, np.arange(30))


def test_no_group_is_on_two_sides_of_a_split() -> None:
    groups = np.random.default_rng(0).integers(20, size=200)
    for split in three_way_splits(200, np.random.default_rng(1), folds=5, groups=joined(groups, np.arange(200))):
        parts = [set(groups[rows]) for rows in (split.train, split.stop, split.value)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 20


def test_the_standard_error_of_copies_is_that_of_one_of_each() -> None:
    terms = np.random.default_rng(0).normal(size=50)
    assert standard_error(terms) == pytest.approx(terms.std(ddof=1) / np.sqrt(50))
    assert standard_error(np.repeat(terms, 3), np.repeat(np.arange(50), 3)) == pytest.approx(standard_error(terms))
    assert variance_of_mean(terms, 2 * np.arange(50)) == pytest.approx(variance_of_mean(terms))  # ranks with gaps


def views(n_groups: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return noisy views of independent rows, labels that have nothing to do with them, and the groups."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(n_groups), size)
    rows = rng.normal(size=(n_groups, 40))[groups] + 0.05 * rng.normal(size=(groups.size, 40))
    return rows, rng.permutation(np.arange(n_groups) % 2)[groups], groups


@pytest.mark.parametrize(
    ("estimator", "options"),
    [("label-decoder", {"n_surrogates": 0}), ("reconstruction-decoder", {"hidden": ()})],
)
def test_decoders_cannot_know_a_group_by_heart(estimator: Any, options: dict[str, Any]) -> None:
    rows, labels, groups = views(40, 10)
    a, b = (rows, labels) if estimator == "label-decoder" else (labels[:, None].astype(float), rows)
    apart, mixed = (
        estimate_mi(a, b, estimator=estimator, unit="nats", groups=given, **options) for given in (groups, None)
    )
    assert mixed.value > 0.1
    assert apart.value < 0.05


def test_groups_may_be_named_by_anything_and_reach_the_permutations() -> None:
    rows, labels, groups = views(20, 4)
    names = [f"sentence {group:02d}" for group in groups]
    found = estimate_mi(rows, labels, estimator="label-decoder", groups=iter(names), n_null=4, n_surrogates=0)
    again = estimate_mi(rows, labels, estimator="label-decoder", groups=groups, n_null=4, n_surrogates=0)
    assert (found.value, found.null) == (again.value, again.null)
    assert len(found.null) == 4
