"""Permutations given a condition: among equal or near values, rows or whole groups, and what cannot trade."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pidkit import InputError
from pidkit.mi.conditional_nulls import permutations_given, permuted_given

SEEDS = st.integers(0, 10**6)


def test_rows_go_to_near_ones_and_none_twice_if_it_can_be() -> None:
    near = (np.arange(100)[:, None] + np.arange(5)) % 100
    taken = permuted_given(near, np.random.default_rng(0))
    assert all(taken[row] in near[row] for row in range(100))
    assert np.unique(taken).size > 80


@given(SEEDS)
def test_symbols_keep_every_row_at_its_symbol(seed: int) -> None:
    rng = np.random.default_rng(seed)
    c = rng.integers(3, size=80)
    for side in (c, c.astype(float)[:, None]):
        taken = permutations_given(side, None)(rng)
        np.testing.assert_array_equal(c[taken], c)
        np.testing.assert_array_equal(np.sort(taken), np.arange(80))


@given(SEEDS)
def test_groups_of_one_size_and_the_same_symbols_trade_row_by_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(15), 3))
    c = rng.integers(2, size=45)
    taken = permutations_given(c, groups)(rng)
    np.testing.assert_array_equal(c[taken], c)
    np.testing.assert_array_equal(np.sort(taken), np.arange(45))
    assert all(np.unique(groups[taken[groups == group]]).size == 1 for group in range(15))


def test_all_that_hold_the_same_symbols_take_each_place_alike() -> None:
    groups, c = np.repeat(np.arange(4), 2), np.array([0, 1, 1, 0, 0, 0, 0, 1])  # the third holds other symbols
    shuffle, rng = permutations_given(c, groups), np.random.default_rng(0)
    times = np.zeros((4, 4))
    for _ in range(3000):
        times[np.arange(4), groups[shuffle(rng)[::2]]] += 1
    np.testing.assert_allclose(times[2] / 3000, [0.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(times[np.ix_([0, 1, 3], [0, 1, 3])] / 3000, 1.0 / 3.0, atol=0.05)


@given(SEEDS)
def test_views_of_a_sample_go_together_to_a_sample_of_near_c(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centre, order = np.arange(30.0), rng.permutation(120)
    groups = np.repeat(np.arange(30), 4)[order]
    c = centre[groups] + 0.1 * rng.normal(size=120)
    taken = permutations_given(c, groups)(rng)
    assert all(np.unique(groups[taken[groups == group]]).size == 1 for group in range(30))
    assert np.abs(groups[taken] - groups).max() <= 5
    for group in range(30):  # the smallest c takes the place of the smallest
        own = np.flatnonzero(groups == group)
        assert (np.argsort(c[own]) == np.argsort(c[taken[own]])).all()


def test_copies_of_values_are_no_symbols() -> None:
    """Thirty copies of each of 40 values: every value is of one group, so that groups go to near ones."""
    groups = np.repeat(np.arange(40), 30)
    taken = permutations_given(groups.astype(float), groups)(np.random.default_rng(0))
    assert (groups[taken] != groups).mean() > 0.9
    assert np.abs(groups[taken] - groups).max() <= 5


def test_what_cannot_trade_is_refused() -> None:
    unequal = np.repeat(np.arange(3), [1, 2, 3])
    with pytest.raises(InputError, match=r"^groups are all of different sizes, so that none can trade places"):
        permutations_given(np.random.default_rng(0).normal(size=6), unequal)
    with pytest.raises(InputError, match=r"^groups: no two are of one size and hold the same values"):
        permutations_given(np.array([0, 1, 0, 0, 1, 1]), np.repeat(np.arange(3), 2))
    with pytest.raises(InputError, match=r"^no two samples have one value of c, .*; code c more coarsely$"):
        permutations_given(np.arange(6), None)
