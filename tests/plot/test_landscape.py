"""Accuracy over two weights: cells by hand, one colour scale, frames, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import accuracy_landscape

NAN = float("nan")
WEIGHTS = {"local": [0, 0.75], "feature": [0.5, 1, 2]}
FIRST = np.array([[[50.0, 60, 58], [61, 66, NAN]], [[52, 60, 56], [63, 68, NAN]], [[54, 60, NAN], [62, 67, NAN]]])


def test_cells_show_mean_deviation_and_lost_seeds() -> None:
    ax: Any = accuracy_landscape({"CIFAR": FIRST}, WEIGHTS)
    shown = [text.get_text() for text in ax.texts]
    assert shown == ["52.0\n±2.0", "60.0\n±0.0", "57.0\n±1.4\n1 lost", "62.0\n±1.0", "67.0\n±1.0", "–\n3 lost"]
    found: Any = ax.images[0].get_array()
    np.testing.assert_allclose(found.filled(NAN), np.array([[52, 60, 57], [62, 67, NAN]]))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.5", "1", "2"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0", "0.75"]
    assert ax.figure.axes[-1].get_ylabel() == "validation accuracy (%)"
    assert ax.get_ylim()[0] < ax.get_ylim()[1], "weights rise upwards"


def test_panels_share_one_scale_and_the_chosen_cell_is_framed() -> None:
    maps = {"trained": FIRST[:, :1] / 100, "untrained": FIRST[:1, :1] / 200}
    first: Any = accuracy_landscape(maps, {"a": [1], "b": [1, 2, 3]}, chosen={"untrained": (1, 3)}, split="test")
    second = first.figure.axes[1]
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0.25, 0.6)
    assert not first.patches
    assert [box.get_xy() for box in second.patches] == [(2 - 0.46, 0 - 0.46)] * 2
    assert first.figure.axes[-1].get_ylabel() == "test accuracy\n(framed: chosen on validation)"
    assert [text.get_text() for text in second.texts] == ["0.250", "0.300", "0.290"]


@pytest.mark.parametrize(
    ("accuracies", "options", "message"),
    [
        ({}, {}, "accuracies must hold at least one map"),
        ({"a": [[0.5]]}, {}, r"must be numbers of shape \(n_seeds, 2, 3\)"),
        ({"a": np.ones((1, 3, 2))}, {}, r"must have shape \(n_seeds, 2, 3\), as weights says, not \(1, 3, 2\)"),
        ({"a": FIRST}, {"weights": {"a": [0, 1]}}, "weights must be the values of two weights by name, not of 1"),
        ({"a": FIRST}, {"weights": {"a": [1, 0], "b": [1]}}, r"weights\['a'\] must be one value or several that rise"),
        ({"a": FIRST}, {"chosen": {"b": (0, 1)}}, "chosen holds 'b' at"),
        ({"a": FIRST}, {"chosen": {"a": (0, 3)}}, "which is not among the accuracies"),
    ],
)
def test_what_cannot_be_drawn_is_refused(accuracies: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        accuracy_landscape(accuracies, **{"weights": WEIGHTS, **options})
