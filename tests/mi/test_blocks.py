"""Groups that are drawn as a whole: resamples, permutations and draws within labels, with and without groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pidkit.mi.blocks import Blocks

GROUPS = st.lists(st.integers(0, 5), min_size=1, max_size=30).map(lambda g: np.unique(g, return_inverse=True)[1])


def test_without_groups_rows_are_drawn_one_by_one() -> None:
    x = np.random.default_rng(1).integers(9, size=50)
    blocks = Blocks(50)
    np.testing.assert_array_equal(
        x[blocks.permutation(np.random.default_rng(2))], np.random.default_rng(2).permutation(x)
    )
    np.testing.assert_array_equal(
        blocks.resample(np.random.default_rng(2)), np.random.default_rng(2).integers(50, size=50)
    )


@given(GROUPS, st.integers(0, 10**6))
def test_resamples_hold_whole_groups(groups: np.ndarray, seed: int) -> None:
    rows = Blocks(groups.size, groups).resample(np.random.default_rng(seed))
    times = np.bincount(rows, minlength=groups.size)
    for group in np.unique(groups):
        assert np.unique(times[groups == group]).size == 1
    assert sum(times[groups == group][0] for group in np.unique(groups)) == np.unique(groups).size


@given(GROUPS, st.integers(0, 10**6))
def test_every_group_gives_its_rows_to_one_other(groups: np.ndarray, seed: int) -> None:
    rows = Blocks(groups.size, groups).permutation(np.random.default_rng(seed))
    givers = [np.unique(groups[rows[groups == group]]) for group in np.unique(groups)]
    assert all(one.size == 1 for one in givers)
    assert sorted(int(one[0]) for one in givers) == np.unique(groups).tolist()
    if np.unique(np.bincount(groups)).size == 1:  # groups of one size change places
        np.testing.assert_array_equal(np.sort(rows), np.arange(groups.size))


@given(GROUPS, st.integers(0, 10**6))
def test_draws_within_labels_keep_the_label_and_the_copies(groups: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=groups.size)
    rows = Blocks(groups.size, groups).within(labels, rng)
    np.testing.assert_array_equal(labels[rows], labels)
    for group in np.unique(groups):
        for label in range(3):
            own = rows[(groups == group) & (labels == label)]
            assert np.unique(groups[own]).size <= 1


def test_draws_within_labels_take_every_row_of_the_label_alike() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    rng = np.random.default_rng(0)
    times = np.bincount(np.concatenate([Blocks(5).within(labels, rng) for _ in range(3000)]), minlength=5)
    assert (abs(times / 3000 - 1.0) < 0.1).all()
