"""The Gacs-Koerner common function against a walk over the support, for two and three sources."""

import numpy as np
import pytest

from pidkit.intersection.gacs_koerner import common_function, indicator_channel
from tests.intersection.joints import TABLE


def walk(p: np.ndarray) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return the common values by merging outcomes one pair at a time: the slow twin."""
    outcomes = list(zip(*np.nonzero(p.sum(0)), strict=True))
    group = list(range(len(outcomes)))
    for _ in outcomes:
        for i, first in enumerate(outcomes):
            for j, second in enumerate(outcomes):
                if any(a == b for a, b in zip(first, second, strict=True)):
                    group[i] = group[j] = min(group[i], group[j])
    return outcomes, group


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 3, 3, 4)])
@pytest.mark.parametrize("seed", range(8))
def test_against_the_walk(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random(shape) * (rng.random(shape[1:]) < 0.25)
    p[0, ..., 0] += p.sum() == 0.0
    values = common_function(p / p.sum())
    outcomes, group = walk(p)
    pairs = {(group[k], values[0][outcome[0]]) for k, outcome in enumerate(outcomes)}
    assert len(pairs) == len(set(group)) == len({value for _, value in pairs})
    for k, outcome in enumerate(outcomes):
        assert {(group[k], own[symbol]) for own, symbol in zip(values, outcome, strict=True)} <= pairs
    for own, axis in zip(values, range(1, p.ndim), strict=True):
        without_mass = p.sum(tuple(a for a in range(p.ndim) if a != axis)) == 0.0
        np.testing.assert_array_equal(own == -1, without_mass)


def test_rdnxor_has_one_common_bit() -> None:
    values = common_function(TABLE["RDNXOR"].p)
    assert values[0].tolist() == values[1].tolist()
    assert np.bincount(values[0]).tolist() == [2, 2]


def test_symbols_without_mass_get_a_uniform_value() -> None:
    np.testing.assert_array_equal(indicator_channel(np.array([0, -1, 1])), [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
