"""Layers in a plane: one point a row, classes told apart, the number of neighbours by hand, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import plot_embedding

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
APART = RNG.normal(size=(60, 4)) + 20.0 * np.eye(4)[LABELS]
MIXED = RNG.normal(size=(60, 4))


def test_every_row_is_a_point_of_its_class_and_clusters_stay_together() -> None:
    ax: Any = plot_embedding({"apart": APART, "mixed": MIXED}, LABELS, perplexity=8.0)
    first, second = ax.figure.axes
    assert first.get_title() == "apart\nright by 10 neighbours: 100 %"
    assert second.get_title().startswith("mixed\nright by 10 neighbours: ")
    points = [line.get_xydata() for line in first.lines]
    assert [len(each) for each in points] == [20, 20, 20]
    centres = [each.mean(0) for each in points]
    for number, each in enumerate(points):
        distances = np.linalg.norm(each[:, None] - np.array(centres), axis=2)
        assert (distances.argmin(1) == number).all()
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]


def test_the_number_of_neighbours_is_that_of_a_vote_by_hand() -> None:
    ax = plot_embedding({"mixed": MIXED}, LABELS, perplexity=8.0)
    right = 0
    for i in range(60):
        nearest = np.argsort(((MIXED - MIXED[i]) ** 2).sum(1))[1:11]
        right += int(np.bincount(LABELS[nearest], minlength=3).argmax() == LABELS[i])
    assert ax.get_title().endswith(f": {100 * right / 60:.0f} %")


def test_the_same_seed_draws_the_same_and_more_than_seven_classes_have_open_markers() -> None:
    names = np.array([f"class {k}" for k in range(10)])[np.arange(60) % 10]
    first, second, other = (plot_embedding({"a": MIXED}, names, perplexity=8.0, rng=seed) for seed in (0, 0, 1))
    for one, same, _ in zip(first.lines, second.lines, other.lines, strict=True):
        np.testing.assert_array_equal(one.get_xydata(), same.get_xydata())
    looks = {(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in first.lines}
    assert len(looks) == 10
    assert sum(line.get_markerfacecolor() == "white" for line in first.lines) == 3


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ({}, LABELS, "features must hold at least one layer"),
        ({"a": MIXED[:, 0]}, LABELS, r"features\['a'\] must be finite rows \(n, d\)"),
        ({"a": MIXED, "b": MIXED[:50]}, LABELS, "features must have the same rows in every layer"),
        ({"a": MIXED}, LABELS[:50], "labels must have one entry a row, 60, not 50"),
        ({"a": MIXED[:8]}, LABELS[:8], "features have 8 rows; draw more than 10"),
        ({"a": MIXED}, np.arange(60), "labels have 60 classes, and 14 can be told apart"),
    ],
)
def test_what_cannot_be_drawn_is_refused(features: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_embedding(features, labels, perplexity=8.0)
