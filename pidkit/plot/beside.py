"""The atoms of several students side by side, and below them their paired differences from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pidkit.arguments import mapping_of
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.plot.atoms import draw_intervals, keep_small
from pidkit.plot.style import STYLE, atom_labels, check_results, finish, label_slant, legend_to_the_right
from pidkit.representations.estimate_result import p_text
from pidkit.representations.paired import paired_differences
from pidkit.representations.result import RepresentationPID
from pidkit.types import FloatArray

GAP = 0.7
"""Widths of a bar between the groups of two atoms."""

TEXT_SHARE = 0.1
"""Share of a panel's height that a text above an interval takes, with what parts it from the interval."""

HELD_OUT: dict[str, Any] = {
    "marker": "D",
    "markersize": 3.5,
    "color": "white",
    "markeredgecolor": "black",
    "linestyle": "",
}
"""The marker of a held-out value, whose differences the lower panel has: an estimate may be held at zero beside it."""

MARK: dict[str, Any] = {"marker": "o", "markersize": 7, "markeredgecolor": "black", "markeredgewidth": 0.7}
"""The marker of a difference, filled in the colour of its atom."""


def plot_atoms_beside(results: Mapping[str, RepresentationPID], *, sources: tuple[str, str] = ("x1", "x2")) -> Axes:
    """Draw the atoms of several students side by side, and below their differences from the first, row by row.

    The upper panel, which is returned, has every estimate with its 95 % interval and its held-out value; the lower one
    has what `paired_differences` gives: differences of held-out values, each with its own 95 % interval and p-value.
    An estimate is held at zero where an atom is not told from it, and a held-out value is not, so that two bars of 0
    may differ below. Intervals that overlap above can well differ below, too, since the students share the easy and
    the hard rows. Both panels are drawn on a new figure.

    Parameters
    ----------
    results : mapping of str to RepresentationPID
        At least two by name, of the same rows, folds and unit; the others are compared with the first.
    sources : tuple of str

    Raises
    ------
    InputError
        If there are fewer than two, or `paired_differences` refuses a pair.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import representation_pid
    >>> labels = np.arange(400) % 2
    >>> teacher, alone, distilled = labels[:, None] + 0.5 * np.random.default_rng(0).normal(size=(3, 400, 2))
    >>> students = {"alone": alone, "distilled": distilled}
    >>> found = {name: representation_pid(labels=labels, x1=teacher, x2=x, rng=0) for name, x in students.items()}
    >>> ax = plot_atoms_beside(found, sources=("teacher", "student"))
    >>> [panel.get_ylabel() for panel in ax.figure.axes]
    ['information about Y (bits)', 'difference from alone (bits)']
    """
    students = mapping_of("results", results)
    if len(students) < 2:
        raise InputError(f"results must be at least two students, not {len(students)}; plot_atoms draws one")
    names = [str(name) for name in students]
    reference, *others = students.values()
    differences = [paired_differences(other, reference) for other in others]
    labels, n = atom_labels(sources), len(names)
    check_results(students.values(), "results")
    figure = Figure(figsize=(2.6 + 0.58 * len(ATOMS) * (n + GAP), 5.6), layout="constrained")
    upper: Axes
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    places: FloatArray = np.arange(float(len(ATOMS)))[:, None] * (n + GAP) + np.arange(float(n))
    for atom, at in zip(ATOMS, places, strict=True):
        upper.bar(at, [result.atoms[atom] for result in students.values()], 0.8, label=labels[atom], **STYLE[atom])
        lower.plot(at[:1], [0.0], **MARK, color="white")
        for place, found in zip(at[1:], differences, strict=True):
            lower.plot(place, found.difference[atom], **MARK, color=STYLE[atom]["facecolor"], zorder=3)
    for number, result in enumerate(students.values()):
        draw_intervals(upper, places[:, number], result, label="95 % interval" if number == 0 else "_nolegend_")
        held_out = [result.held_out[atom] for atom in ATOMS]
        upper.plot(places[:, number], held_out, **HELD_OUT, label="held-out value" if number == 0 else "_nolegend_")
    for number, found in enumerate(differences, start=1):
        at, ends = places[:, number], np.array([found.interval[atom] for atom in ATOMS])
        label = "95 % interval, paired" if number == 1 else "_nolegend_"
        lower.vlines(at, ends[:, 0], ends[:, 1], color="black", linewidth=1.5, label=label, zorder=2)
    lower.plot([], [], **MARK, color="0.6", linestyle="none", label="difference, held out")
    lower.plot([], [], **MARK, color="white", linestyle="none", label=f"{names[0]}: the reference")
    lower.axhline(0.0, color="black", linewidth=0.8, zorder=1)
    lower.margins(y=0.2)
    lower.set_xticks(places.ravel(), names * len(ATOMS), **label_slant(names * len(ATOMS), most_letters=24 * n))
    lower.set_ylabel(f"difference from {names[0]} ({reference.unit})")
    legend_to_the_right(lower)
    keep_small(upper, reference.entropy_y)
    upper.margins(y=0.1)
    finish(upper, list(students.values()))
    values = {
        float(place): (result.interval[atom][1], f"{result.atoms[atom]:z.2f}")
        for result, column in zip(students.values(), places.T, strict=True)
        for atom, place in zip(ATOMS, column, strict=True)
    }
    p_values = {
        float(place): (found.interval[atom][1], p_text(found.p_value[atom]))
        for found, column in zip(differences, places.T[1:], strict=True)
        for atom, place in zip(ATOMS, column, strict=True)
    }
    _write(upper, values, lines=[0.0, reference.entropy_y])
    _write(lower, p_values, lines=[0.0])
    return upper


def _write(ax: Axes, texts: Mapping[float, tuple[float, str]], *, lines: Sequence[float]) -> None:
    """Write a text above each interval's upper end, by place; one that would meet a line stands above that line."""
    low, high = ax.get_ylim()
    height = TEXT_SHARE * (high - low)
    tops = []
    for place, (top, text) in texts.items():
        for line in sorted(lines):
            top = line if top < line < top + height else top
        tops.append(top)
        ax.annotate(
            text,
            (place, top),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="x-small",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    ax.set_ylim(top=max(high, max(tops) + height))
