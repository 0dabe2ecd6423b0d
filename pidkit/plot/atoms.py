"""The atoms of one decomposition as bars, and of several as stacked bars or areas over epochs, layers or methods."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pidkit.arguments import items_of, one_of, real_number
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS, PIDResult
from pidkit.plot.style import (
    STYLE,
    Decomposition,
    atom_labels,
    atom_values,
    check_names,
    check_results,
    finish,
    label_slant,
    new_axes,
)
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.estimate_result import PIDEstimate
from pidkit.representations.result import RepresentationPID
from pidkit.types import AtomName, FloatArray

BAND: dict[str, Any] = {"facecolor": "0.5", "alpha": 0.35, "edgecolor": "none", "zorder": 3}
"""The fill of a bracket, through which the bar is seen."""

CENTRE = 0.95
"""The share of its replicates that lies between the `low` and the `high` of a Spread."""

LOOSE: dict[str, Any] = {"color": "black", "mfc": "white", "linestyle": "none", "clip_on": False, "zorder": 4}
"""The style of markers beside a bar, of which one at zero is not cut in half by the axis."""

SMALLEST_AXIS = 0.05
"""Share of H(Y) that an axis of estimated atoms reaches up to, however small they are."""


def plot_atoms(result: Decomposition, *, sources: tuple[str, str] = ("x1", "x2"), ax: Axes | None = None) -> Axes:
    """Draw the four atoms of one result as bars, with all that is known of their worth.

    A RepresentationPID or PIDEstimate also shows its 95 % intervals, and a RepresentationPID the brackets of the codes,
    as a pale band on each bar. A CodedPID shows, where it has them, ± one bootstrap standard deviation, and the
    corrected atom to the left of each bar. All mark H(Y).

    To the right of a bar stands the band of its null, where there is one, in the colour of the atom. It ends at the
    2.5 % and the 97.5 % quantile of the replicates, and the legend says how many percent of the null such a band holds:
    .95 (n - 1) / (n + 1) for n replicates. For the k-th smallest of n has, on average, the share k / (n + 1) of all
    replicates below it, whatever their distribution, and these quantiles are .95 (n - 1) places apart. The null is one
    of plug-in atoms: beside an estimate, a diamond shows the plug-in atom that is compared with it.

    Raises
    ------
    InputError
        If `result` is none, or holds NaN.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> ax = plot_atoms(bivariate_pid(gate("AND").joint), sources=("teacher", "student"))
    >>> [round(float(bar.get_height()), 3) + 0.0 for bar in ax.patches], ax.get_ylabel()
    ([0.311, 0.0, 0.0, 0.5], 'information about Y (bits)')
    """
    (checked,) = check_results([result], "result")
    labels = atom_labels(sources)
    ax = new_axes(ax, 7.4, 3.6)
    ticks = []
    for position, name in enumerate(ATOMS):
        value = getattr(checked, name)
        ax.bar(position, value, 0.6, **STYLE[name])
        ticks.append(f"{value:z.3f}\n{textwrap.fill(labels[name], 10, break_long_words=False)}")
    ax.set_xticks(range(len(ATOMS)), ticks)
    ax.set_xlim(-0.6, len(ATOMS) - 0.4)
    if isinstance(checked, CodedPID):
        _draw_worth(ax, checked)
    if isinstance(checked, PIDEstimate):
        if isinstance(checked, RepresentationPID):
            _draw_brackets(ax, checked)
        draw_intervals(ax, np.arange(float(len(ATOMS))), checked, label="95 % interval")
        keep_small(ax, checked.entropy_y)
    if not isinstance(checked, PIDResult):
        _draw_null(ax, checked)
    return finish(ax, [checked])


def draw_intervals(ax: Axes, places: FloatArray, result: PIDEstimate, *, label: str) -> None:
    """Draw the 95 % intervals of the four atoms at these places."""
    values = np.array([result.atoms[name] for name in ATOMS])
    reach = np.abs(np.array([result.interval[name] for name in ATOMS]).T - values)
    ax.errorbar(places, values, reach, fmt="none", ecolor="black", capsize=5, label=label, zorder=4)


def keep_small(ax: Axes, entropy_y: float) -> None:
    """Widen the axis so that atoms of nothing are not blown up until they look like something."""
    least = SMALLEST_AXIS * entropy_y
    ax.set_ylim(min(ax.get_ylim()[0], -0.1 * least), max(ax.get_ylim()[1], least))


def _draw_brackets(ax: Axes, result: RepresentationPID) -> None:
    """Draw the brackets of decoded atoms."""
    label = "bracket of the codes"
    for place, name in enumerate(ATOMS):
        if name in result.bracket:
            low, high = result.bracket[name]
            ax.bar(place, high - low, 0.72, low, label=label, **BAND)
            label = "_nolegend_"


def _draw_worth(ax: Axes, result: CodedPID) -> None:
    """Draw the spread and the corrected atoms of a result that has them."""
    places = np.arange(float(len(ATOMS)))
    if result.bootstrap is not None:
        values, spread = [getattr(result, name) for name in ATOMS], [result.bootstrap[name].std for name in ATOMS]
        ax.errorbar(places, values, spread, fmt="none", ecolor="black", capsize=5, label="± bootstrap s.d.")
    if result.corrected is not None:
        corrected = [result.corrected[name] for name in ATOMS]
        ax.plot(places - 0.38, corrected, marker="^", ms=5, label=f"corrected ({result.provenance['bias']})", **LOOSE)


def _draw_null(ax: Axes, result: CodedPID | PIDEstimate) -> None:
    """Draw the band of each atom's null, and beside an estimate the plug-in atom that is compared with it."""
    if result.null is None:
        return
    tested = {place + 0.38: name for place, name in enumerate(ATOMS) if name in result.null}
    for place, name in tested.items():
        low, high = result.null[name].low, result.null[name].high
        ax.bar(place, high - low, 0.12, low, **STYLE[name])
    percent = _supported_percent(result.provenance["n_null"])
    what = "shuffled labels" if isinstance(result, CodedPID) else "null of the plug-in"
    ax.fill_between([], [], [], label=f"{what}, {percent} %", facecolor="0.85", edgecolor="black", linewidth=0.7)
    if isinstance(result, PIDEstimate):
        plug_in = [result.plug_in[name] for name in tested.values()]
        label = "plug-in of the codes" if isinstance(result, RepresentationPID) else "plug-in"
        ax.plot(list(tested), plug_in, marker="D", ms=4, label=label, **LOOSE)


def _supported_percent(n_null: int) -> int:
    """Return how many percent of a null lie between the outer quantiles of its replicates, on average.

    Examples
    --------
    >>> _supported_percent(19), _supported_percent(1000)
    (85, 94)
    """
    return math.floor(100.0 * CENTRE * (n_null - 1) / (n_null + 1))


StackKind = Literal["area", "bars"]
"""How stacked atoms are drawn."""


def plot_atoms_over(
    results: Iterable[Decomposition],
    *,
    x: Sequence[float] | Sequence[str] | npt.NDArray[Any] | None = None,
    kind: StackKind = "area",
    atoms: Sequence[AtomName] = ATOMS,
    xlabel: str = "result",
    sources: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Stack the atoms of several results over epochs, layers or methods.

    All four atoms stack up to I(Y;X1,X2), and without the synergy to the union information. The form is that of Fig. 5
    of "Quantifying Knowledge Distillation Using Partial Information Decomposition".

    Parameters
    ----------
    results : iterable of PIDResult, PIDEstimate, RepresentationPID or CodedPID
        At least one, at least two for areas, all in one unit.
    x : sequence of float or of str, optional
        Where or how each is shown; None counts from zero. Areas are drawn to scale where `x` are numbers; bars and
        names are spaced evenly.
    kind : str
        "area", where negative atoms are refused, those within the certified gap apart, which are drawn as zero; or
        "bars", where negative atoms hang below zero.
    atoms : sequence of str
        What to stack, from the bottom.
    xlabel : str
    sources : tuple of str
    ax : matplotlib Axes, optional
        The legend goes to its right, for which a figure with layout="constrained" makes room.

    Raises
    ------
    InputError
        If units are mixed, lengths differ, an option is unknown, or areas are asked of negative atoms.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> ax = plot_atoms_over([bivariate_pid(gate(name).joint) for name in ("AND", "SUM")], x=["AND", "SUM"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['synergy', 'x2 only', 'x1 only', 'redundancy']
    """
    atoms = [one_of("atoms", atom, ATOMS) for atom in items_of("atoms", atoms)]
    checked = check_results(results, "results", atoms)
    labels = atom_labels(sources)
    one_of("kind", kind, get_args(StackKind))
    if kind == "area" and len(checked) < 2:
        raise InputError(f"kind='area' needs at least two results, not {len(checked)}; use kind='bars'")
    positions, ticks = _positions(x, len(checked), even=kind == "bars")
    rows = {name: atom_values(checked, name, stacked=kind == "area") for name in atoms}
    ax = new_axes(ax, 7.2, 3.8)
    above, below = np.zeros(len(checked)), np.zeros(len(checked))
    for name, row in rows.items():
        if kind == "area":
            ax.fill_between(positions, above, above + row, label=labels[name], **STYLE[name])
        else:
            ax.bar(positions, row, 0.7, np.where(row < 0.0, below, above), label=labels[name], **STYLE[name])
        above, below = above + np.maximum(row, 0.0), below + np.minimum(row, 0.0)
    if ticks is not None:
        ax.set_xticks(positions, ticks, **label_slant(ticks, most_letters=50))
    elif np.array_equal(positions, np.round(positions)):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if kind == "area":
        ax.set(xlim=(positions[0], positions[-1]), ylim=(0.0, None))
    ax.set_xlabel(xlabel)
    return finish(ax, checked)


def _positions(
    x: Sequence[float] | Sequence[str] | npt.NDArray[Any] | None, n: int, *, even: bool
) -> tuple[FloatArray, list[str] | None]:
    """Return where `n` results are drawn along the axis, and their names unless they are numbers to scale."""
    given = tuple(range(n)) if x is None else items_of("x", x)
    if even or any(isinstance(place, str) for place in given):
        return np.arange(float(n)), check_names([str(place) for place in given], n, "x")
    places = np.array([real_number("every place in x", place) for place in given])
    if places.shape != (n,) or not (np.diff(places) > 0.0).all():
        raise InputError(f"x must be {n} increasing numbers, or strings, one a result; sort the results")
    return places, None
