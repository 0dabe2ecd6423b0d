"""The shortest mixture against a fine grid, its conditions of optimality, and degenerate vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pidkit.distill.shortest_mixture import shortest_mixture

VECTORS = arrays(
    float, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-3, 3, allow_subnormal=False)
)


@given(VECTORS, st.floats(0.0, 1.0))
def test_it_is_feasible_and_no_pair_of_weights_can_be_improved(vectors: np.ndarray, share: float) -> None:
    m = len(vectors)
    cap = 1.0 / m + share * (1.0 - 1.0 / m)
    products = vectors @ vectors.T
    a = shortest_mixture(products, cap)
    assert a.sum() == pytest.approx(1.0)
    assert a.min() >= 0.0
    assert a.max() <= cap + 1e-12
    slopes = products @ a
    lowest = np.min(slopes[a < cap - 1e-9], initial=np.inf)
    highest = np.max(slopes[a > 1e-9], initial=-np.inf)
    assert highest - lowest <= 1e-6 * (1.0 + np.abs(products).max())


def test_three_vectors_against_a_grid() -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 2))
    ticks = np.linspace(0, 0.6, 601)
    grid = [(x, y, 1 - x - y) for x in ticks for y in ticks if 0 <= 1 - x - y <= 0.6]
    best = min(np.sum((np.array(a) @ vectors) ** 2) for a in grid)
    found = shortest_mixture(vectors @ vectors.T, 0.6) @ vectors
    assert np.sum(found**2) <= best + 1e-9
    assert np.sum(found**2) == pytest.approx(best, abs=1e-3)


def test_zero_vectors_and_one_alone() -> None:
    assert shortest_mixture(np.zeros((3, 3)), 1.0).tolist() == pytest.approx([1 / 3] * 3)
    assert shortest_mixture(np.ones((1, 1)), 1.0).tolist() == [1.0]
