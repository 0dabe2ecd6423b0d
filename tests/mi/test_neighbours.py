"""Neighbour counts against double loops, in few and many dimensions, with and without ties."""

import numpy as np
import pytest

from pidkit.mi.neighbours import BRUTE_FORCE_FROM, balls, counts_within, nearest_pairs


def distances(x: np.ndarray) -> np.ndarray:
    return np.array([[max(abs(u - v)) for v in x] for u in x])


@pytest.mark.parametrize("d", [1, 2, BRUTE_FORCE_FROM])
@pytest.mark.parametrize("tied", [False, True])
def test_counts_are_those_of_a_double_loop(d: int, tied: bool) -> None:
    rng = np.random.default_rng(d)
    x = rng.integers(3, size=(60, d)).astype(float) if tied else rng.normal(size=(60, d))
    table = distances(x)
    # Radii that are themselves distances: the neighbour on the rim must count, or not, exactly.
    rim = np.sort(table, axis=1)[:, 5]
    for radius in (rim, np.nextafter(rim, 0.0), np.zeros(60)):
        assert (counts_within(x, radius) == (table <= radius[:, None]).sum(1)).all()


def test_counts_on_a_line_do_not_round() -> None:
    x = np.array([1e8, 1e8 + 0.1, 1e8 + 0.3, 0.3, 0.1, -1e8])[:, None]
    for radius in (0.1, 0.2, 0.3, np.nextafter(0.3, 0), 2e8):
        full = np.full(6, radius)
        assert (counts_within(x, full) == (distances(x) <= radius).sum(1)).all()


@pytest.mark.parametrize("d", [1, 3, BRUTE_FORCE_FROM])
def test_neighbours_are_those_of_a_double_loop(d: int) -> None:
    rng = np.random.default_rng(d)
    x, y = rng.normal(size=(50, d)), rng.normal(size=(50, 2))
    found = nearest_pairs(x, y, 4)
    d_x, d_y = distances(x), distances(y)
    for i in range(50):
        joint = np.maximum(d_x[i], d_y[i])
        joint[i] = np.inf
        nearest = np.argsort(joint)[:4]
        assert found.distance[i] == joint[nearest[-1]]
        assert found.side_a[i] == d_x[i, nearest].max()
        assert found.side_b[i] == d_y[i, nearest].max()
    table = distances(x)
    assert (balls(x, 4) == np.sort(table, axis=1)[:, 4]).all()


def test_ties_that_hide_a_row_from_itself_do_no_harm() -> None:
    x = np.zeros((10, 1))
    assert (nearest_pairs(x, x, 2).distance == 0).all()
    assert (balls(x, 3) == 0).all()
