"""Rows: the nearest of ties."""

import numpy as np

from pidkit.quantise.rows import nearest


def test_nearest_takes_the_first_of_ties() -> None:
    assert nearest(np.array([[0.5], [2.0]]), np.array([[0.0], [1.0], [1.0]])).tolist() == [0, 1]
