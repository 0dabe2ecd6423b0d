"""Transfer to other data: means and seeds by hand, missing students, chance, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import plot_transfer

FOUND = {"STL-10": {"alone": [60.0, 62.0], "MIMKD": [70.0]}, "Tiny": {"MIMKD": [36.0, 35.0, 34.0]}}


def test_means_seeds_and_chance() -> None:
    ax: Any = plot_transfer(FOUND, chance={"STL-10": 10.0})
    means = {line.get_label(): line.get_ydata()[0] for line in ax.lines if line.get_label() in ("alone", "MIMKD")}
    assert means == {"alone": 61.0, "MIMKD": 70.0}
    drawn = [line for line in ax.lines if line.get_markersize() == 8]
    np.testing.assert_allclose([line.get_ydata()[0] for line in drawn], [61.0, 70.0, 35.0])
    seeds = [line.get_ydata() for line in ax.lines if line.get_marker() == "." and len(line.get_ydata())]
    assert [list(each) for each in seeds] == [[60.0, 62.0], [70.0], [36.0, 35.0, 34.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["alone", "MIMKD", "most frequent class"]
    assert ax.get_ylim()[0] == 0.0
    assert ax.get_ylabel() == "transfer accuracy (%)"
    (level,) = ax.collections
    np.testing.assert_allclose(level.get_segments()[0][:, 1], 10.0)


@pytest.mark.parametrize(
    ("accuracies", "options", "message"),
    [
        ({}, {}, "accuracies must hold at least one data set"),
        ({"a": {}}, {}, "accuracies must hold at least one data set, each with a student"),
        ({"a": {"b": []}}, {}, r"accuracies\['a'\]\['b'\] is empty"),
        ({"a": {"b": [-1.0]}}, {}, r"every accuracy in accuracies\['a'\]\['b'\] must be a finite number >= 0"),
        ({"a": {"b": [1.0]}}, {"chance": {"c": 0.1}}, "chance names 'c', which accuracies does not; there are a"),
    ],
)
def test_what_cannot_be_drawn_is_refused(accuracies: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_transfer(accuracies, **options)
