"""Accuracy over epochs: means and bands by hand, lost seeds, kinds of lines, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import accuracy_over_epochs

NAN = float("nan")


def labels(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_means_and_bands_by_hand() -> None:
    ax: Any = accuracy_over_epochs({"KD": [[0.2, 0.5, 0.6], [0.4, 0.7, 0.6]]})
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1.0, 0.3], [2.0, 0.6], [3.0, 0.6]])
    band = ax.collections[0].get_paths()[0].vertices
    reach = np.sqrt(0.02)  # of .2 and .4, and of .5 and .7: sqrt(2 * .1^2 / (2 - 1))
    for at, low, high in ((1.0, 0.3 - reach, 0.3 + reach), (2.0, 0.6 - reach, 0.6 + reach), (3.0, 0.6, 0.6)):
        values = band[band[:, 0] == at, 1]
        np.testing.assert_allclose((values.min(), values.max()), (low, high))
    assert labels(ax) == ["KD", "± standard deviation of seeds"]
    assert ax.get_ylabel() == "test accuracy"


def test_one_seed_has_a_line_and_no_band_and_per_cent_are_said() -> None:
    ax: Any = accuracy_over_epochs({"KD": np.array([[20, 50]])}, epochs=[0, 5], split="validation")
    assert labels(ax) == ["KD"]
    assert not ax.collections
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[0.0, 20.0], [5.0, 50.0]])
    assert ax.get_ylabel() == "validation accuracy (%)"


def test_methods_have_colours_and_teachers_kinds_of_lines() -> None:
    keys = [("RID", "trained"), ("RID", "untrained"), ("VID", "trained"), ("VID", "untrained")]
    ax: Any = accuracy_over_epochs({key: [[0.5, 0.6]] for key in keys})
    first, second, third, fourth = ax.lines
    assert first.get_color() == second.get_color() != third.get_color() == fourth.get_color()
    assert first.get_marker() == second.get_marker() != third.get_marker()
    assert first.get_linestyle() == third.get_linestyle() != second.get_linestyle() == fourth.get_linestyle()
    plain: Any = accuracy_over_epochs({"a": [[0.5]], "b": [[0.5]]})
    assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in plain.lines}) == 2


def test_a_seed_that_diverges_leaves_the_mean_and_is_marked() -> None:
    ax: Any = accuracy_over_epochs({"VID": [[0.2, 0.4, NAN], [0.4, 0.6, 0.8]]})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.3, 0.5, 0.8])
    crosses = [line for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [line.get_xydata().tolist() for line in crosses] == [[[2.0, 0.5]]]
    assert labels(ax)[-1] == "a seed diverged after this"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"accuracies": {}}, "accuracies must hold at least one curve"),
        ({"accuracies": {3: [[0.5]]}}, r"accuracies must have labels or pairs \(method, teacher\) as keys, not 3"),
        ({"accuracies": {"a": [0.5]}}, r"accuracies\['a'\] must be numbers of shape \(n_seeds, n_epochs\), not float"),
        ({"accuracies": {"a": [[0.5], [0.1, 0.2]]}}, "all rows of one length"),
        ({"accuracies": {"a": [[True]]}}, "must be numbers of shape"),
        ({"accuracies": {"a": [[-0.5]]}}, "holds a negative or infinite accuracy"),
        ({"accuracies": {"a": [[NAN]]}}, "nothing but NaN"),
        ({"accuracies": {"a": [[0.5, 0.6]]}, "epochs": [1.0]}, r"epochs has 1 entries, and the accuracies have \[2\]"),
        ({"accuracies": {"a": [[0.5, 0.6]]}, "epochs": [1.0, 1.0]}, "epochs must rise"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        accuracy_over_epochs(**arguments)
