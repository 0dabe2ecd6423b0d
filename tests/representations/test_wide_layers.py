"""Wide layers: numbers whose squares underflow, and training rows that are all the same."""

from __future__ import annotations

import numpy as np

from pidkit.mi.splits import ThreeWaySplit, three_way_splits
from pidkit.representations.decoders import decode_layer
from pidkit.representations.wide_layers import label_projection

N = 60
LABELS = np.arange(N) % 2
LAYER = LABELS[:, None] + np.random.default_rng(0).normal(size=(N, 1200))
ROWS = np.arange(N)
SPLIT = ThreeWaySplit(ROWS[:40], ROWS[40:50], ROWS[50:])


def test_the_scale_of_a_layer_does_not_matter() -> None:
    """The squares of 1e-200 are zero in float64; the projection is of standardised columns."""
    plain = label_projection(LAYER, LABELS, SPLIT, "x")
    scaled = label_projection(LAYER * 2.0**-664, LABELS, SPLIT, "x")
    np.testing.assert_allclose(scaled[:, :2], plain[:, :2], rtol=1e-4, atol=1e-6)


def test_training_rows_that_are_all_the_same_give_no_direction() -> None:
    """A dead layer that comes alive on one row of the others."""
    dead = np.zeros((N, 1200))
    dead[55] = 1.0
    found = label_projection(dead, LABELS, SPLIT, "x")
    assert found.shape == label_projection(LAYER, LABELS, SPLIT, "x").shape
    assert not found.any()
    rng = np.random.default_rng(0)
    decoded = decode_layer(dead, LABELS, three_way_splits(N, rng, folds=3, labels=LABELS), rng=rng)
    np.testing.assert_allclose(decoded.posteriors, 0.5, atol=0.05)
