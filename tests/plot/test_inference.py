"""Accuracy against time: points by hand, which networks none beats, units, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import accuracy_against_time

SECONDS = {"large": [0.030, 0.020, 0.022], "small": [0.004, 0.006], "slow": [0.050]}
ACCURACIES = {"small": [60.0, 62.0], "large": [75.0], "slow": [74.0]}


def test_points_bars_and_the_front_by_hand() -> None:
    ax: Any = accuracy_against_time(SECONDS, ACCURACIES)
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time of a batch (ms)", "test accuracy (%)")
    front = ax.lines[0]
    np.testing.assert_allclose(front.get_xydata(), [[5.0, 61.0], [22.0, 75.0]])
    at = {container.get_label(): container for container in ax.containers}
    np.testing.assert_allclose(at["large"].lines[0].get_xydata(), [[22.0, 75.0]])
    horizontal, vertical = at["small"].lines[2]
    np.testing.assert_allclose(horizontal.get_segments()[0][:, 0], [4.5, 5.5])
    np.testing.assert_allclose(vertical.get_segments()[0][:, 1], [61 - np.sqrt(2), 61 + np.sqrt(2)])
    filled = {name: one.lines[0].get_markerfacecolor() != "white" for name, one in at.items()}
    assert filled == {"large": True, "small": True, "slow": False}


def test_equals_do_not_beat_each_other_and_units_follow_the_fastest() -> None:
    ax: Any = accuracy_against_time({"a": [3e-5], "b": [3e-5]}, {"a": [0.5], "b": [0.5]}, split="validation")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time of a batch (µs)", "validation accuracy")
    assert len(ax.lines[0].get_xdata()) == 2
    assert accuracy_against_time({"a": [2.0]}, {"a": [0.5]}).get_xlabel() == "time of a batch (s)"


@pytest.mark.parametrize(
    ("seconds", "accuracies", "message"),
    [
        ({}, {}, "seconds must hold at least one network"),
        ({"a": [1.0]}, {"b": [0.5]}, r"must name the same networks, not \['a'\] and \['b'\]"),
        ({"a": [0.0]}, {"a": [0.5]}, r"every number in seconds\['a'\] must be a finite number > 0"),
        ({"a": [1.0]}, {"a": [-0.5]}, r"every number in accuracies\['a'\] must be a finite number >= 0"),
        ({"a": []}, {"a": [0.5]}, r"seconds\['a'\] is empty"),
    ],
)
def test_what_cannot_be_drawn_is_refused(seconds: Any, accuracies: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        accuracy_against_time(seconds, accuracies)
