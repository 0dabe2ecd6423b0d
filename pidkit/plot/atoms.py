"""The atoms of one decomposition as bars, and of several as stacked bars or areas over epochs, layers or methods."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pidkit.arguments import one_of
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
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

SMALLEST_AXIS = 0.05
"""Share of H(Y) that an axis of estimated atoms reaches up to, however small they are."""


def plot_atoms(result: Decomposition, *, sources: tuple[str, str] = ("x1", "x2"), ax: Axes | None = None) -> Axes:
    """Draw the four atoms of one result as bars, with all that is known of their worth.

    A RepresentationPID or PIDEstimate also shows its 95 % intervals, and a RepresentationPID the brackets of the codes,
    as a pale band on each bar. A CodedPID shows, where it has them, ± one bootstrap standard deviation, the shuffled
    null (mean and central 95 %) to the right of each bar and the corrected atom to the left of it. All mark H(Y).

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
        _draw_intervals(ax, checked)
    return finish(ax, [checked])


def _draw_intervals(ax: Axes, result: PIDEstimate) -> None:
    """Draw the 95 % intervals of an estimate, and the brackets of decoded atoms."""
    places, values = np.arange(float(len(ATOMS))), np.array([result.atoms[name] for name in ATOMS])
    if isinstance(result, RepresentationPID):
        label = "bracket of the codes"
        for place, name in enumerate(ATOMS):
            if name in result.bracket:
                low, high = result.bracket[name]
                ax.bar(place, high - low, 0.72, low, label=label, **BAND)
                label = "_nolegend_"
    reach = np.abs(np.array([result.interval[name] for name in ATOMS]).T - values)
    ax.errorbar(places, values, reach, fmt="none", ecolor="black", capsize=5, label="95 % interval", zorder=4)
    # Atoms of nothing are not blown up until they look like something.
    least = SMALLEST_AXIS * result.entropy_y
    ax.set_ylim(min(ax.get_ylim()[0], -0.1 * least), max(ax.get_ylim()[1], least))


def _draw_worth(ax: Axes, result: CodedPID) -> None:
    """Draw the spread, the null and the corrected atoms of a result that has them."""
    places = np.arange(float(len(ATOMS)))
    # A marker at zero is not cut in half by the axis.
    loose: dict[str, Any] = {"color": "black", "markerfacecolor": "white", "clip_on": False, "zorder": 4}
    if result.bootstrap is not None:
        values, spread = [getattr(result, name) for name in ATOMS], [result.bootstrap[name].std for name in ATOMS]
        ax.errorbar(places, values, spread, fmt="none", ecolor="black", capsize=5, label="± bootstrap s.d.")
    if result.null is not None:
        nulls = [result.null[name] for name in ATOMS]
        mean = np.array([null.mean for null in nulls])
        reach = np.abs([[null.low for null in nulls], [null.high for null in nulls]] - mean)
        ax.errorbar(places + 0.38, mean, reach, fmt="D", ms=4, label="shuffled labels, 95 %", **loose)
    if result.corrected is not None:
        corrected = [result.corrected[name] for name in ATOMS]
        label = f"corrected ({result.provenance['bias']})"
        ax.plot(places - 0.38, corrected, linestyle="none", marker="^", ms=5, label=label, **loose)


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
    checked = check_results(results, "results")
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
    values = list(range(n)) if x is None else list(x)
    if even or any(isinstance(place, str) for place in values):
        return np.arange(float(n)), check_names([str(place) for place in values], n, "x")
    places = np.asarray(values, dtype=np.float64)
    if places.shape != (n,) or not (np.isfinite(places).all() and (np.diff(places) > 0.0).all()):
        raise InputError(f"x must be {n} increasing numbers, or strings, one a result; sort the results")
    return places, None
