"""Accuracy of frozen students on other data by a linear classifier, student by student (MIMKD, table 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pidkit.arguments import items_of, mapping_of, real_number
from pidkit.errors import InputError
from pidkit.plot.accuracy import accuracy_label
from pidkit.plot.plane import MARKERS, NETWORK_COLOURS
from pidkit.plot.style import label_slant, new_axes

SPREAD = 0.6
"""Share of the distance between two data sets that its students take."""


def plot_transfer(
    accuracies: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    chance: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracy of linear classifiers on frozen students, by data set and student.

    A marker is the mean of the seeds, the points to its left are the seeds themselves. The axis begins at 0, so that
    a difference looks no larger than it is.

    Parameters
    ----------
    accuracies : dict of str to dict of str to sequence of float
        Data set, student, one accuracy a seed, such as of `linear_transfer`.
    chance : dict of str to float, optional
        The accuracy of the most frequent class by data set: a dotted line.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If there is nothing to draw, an accuracy is negative or not finite, or `chance` names what is not there.

    Source: Shrivastava et al., 2021, table 3.

    Examples
    --------
    >>> ax = plot_transfer({"STL-10": {"alone": [0.6, 0.62], "MIMKD": [0.7, 0.69]}}, chance={"STL-10": 0.1})
    >>> ax.get_ylabel(), [tick.get_text() for tick in ax.get_xticklabels()]
    ('transfer accuracy', ['STL-10'])
    """
    checked = _checked_seeds(accuracies)
    levels = {} if chance is None else mapping_of("chance", chance)
    for name, level in levels.items():
        if name not in checked:
            raise InputError(f"chance names {name!r}, which accuracies does not; there are {', '.join(checked)}")
        real_number(f"chance[{name!r}]", level, least=0.0)
    students = list(dict.fromkeys(student for each in checked.values() for student in each))
    ax = new_axes(ax, 3.6 + 1.5 * len(checked), 3.8)
    for number, student in enumerate(students):
        colour, marker = NETWORK_COLOURS[number % len(NETWORK_COLOURS)], MARKERS[number % len(MARKERS)]
        shift = SPREAD * ((number + 0.5) / len(students) - 0.5)
        label: str | None = student
        for place, each in enumerate(checked.values()):
            if student not in each:
                continue
            seeds = each[student]
            ax.plot([place + shift - 0.07] * len(seeds), seeds, ".", color=colour, markersize=5, alpha=0.6, zorder=2)
            look: dict[str, Any] = {"color": colour, "markersize": 8, "markeredgecolor": "black", "zorder": 3}
            ax.plot(place + shift, float(np.mean(seeds)), marker, label=label, **look)
            label = None
    for place, name in enumerate(checked):
        if name in levels:
            ax.hlines(levels[name], place - 0.5 * SPREAD, place + 0.5 * SPREAD, color="0.3", linestyle=":")
    if levels:
        ax.plot([], [], ":", color="0.3", label="most frequent class")
    ax.set_xticks(range(len(checked)), list(checked), **label_slant(list(checked), most_letters=18 * len(checked)))
    ax.set_xlim(-0.5, len(checked) - 0.5)
    values = [np.array(seeds) for each in checked.values() for seeds in each.values()]
    ax.set_ylabel(accuracy_label("transfer", values))
    ax.set_ylim(bottom=0.0)
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize="small")
    return ax


def _checked_seeds(accuracies: object) -> dict[str, dict[str, list[float]]]:
    """Return the accuracies by data set and student."""
    checked: dict[str, dict[str, list[float]]] = {}
    for name, each in mapping_of("accuracies", accuracies).items():
        checked[str(name)] = {}
        for student, seeds in mapping_of(f"accuracies[{name!r}]", each).items():
            where = f"accuracies[{name!r}][{student!r}]"
            values = [real_number(f"every accuracy in {where}", one, least=0.0) for one in items_of(where, seeds)]
            if not values:
                raise InputError(f"{where} is empty; give at least one accuracy")
            checked[str(name)][str(student)] = values
    if not checked or not all(checked.values()):
        raise InputError("accuracies must hold at least one data set, each with a student and its accuracies")
    return checked
