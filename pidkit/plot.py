"""Figures of decompositions: the atoms of one, of several over epochs or layers, and a map of layers by layers.

Every function takes results, which know their unit, and returns the Axes drawn on; `sources` are the names of x1 and
x2, such as ("teacher", "student"). Without `ax` a new figure is made that pyplot does not know of: save it with
`save_figure`, show `ax.figure` in a notebook, or pass `plt.subplots(layout="constrained")[1]`. Colours run from dark to
light and are hatched, so that a print in grey can be read.
"""

from __future__ import annotations

import io
import math
import os
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pidkit.arrays import write_atomic
from pidkit.errors import InputError
from pidkit.pid.representation_result import RepresentationPID
from pidkit.pid.result import ATOMS, PIDResult

Decomposition = PIDResult | RepresentationPID
FloatArray = npt.NDArray[np.float64]

EDGE = {"edgecolor": "black", "linewidth": 0.7}
STYLE: dict[str, dict[str, Any]] = {
    "redundancy": {"facecolor": "#0072B2", "hatch": "", **EDGE},
    "unique_1": {"facecolor": "#E06A1B", "hatch": "//", **EDGE},
    "unique_2": {"facecolor": "#7CC3EC", "hatch": "\\\\", **EDGE},
    "synergy": {"facecolor": "#F5EE9E", "hatch": "..", **EDGE},
}
PICTURE_FORMATS = (".png", ".pdf", ".svg")
ROUNDING = 1e-12
"""How far below zero an atom can come by rounding alone."""


def plot_atoms(result: Decomposition, *, sources: tuple[str, str] = ("x1", "x2"), ax: Axes | None = None) -> Axes:
    """Draw the four atoms of one result as bars, with all that is known of their worth.

    A RepresentationPID also shows H(Y) as a line and, where it has them, ± one bootstrap standard deviation, the
    shuffled null (mean and central 95 %) to the right of each bar and the corrected atom to the left of it.

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
    (checked,) = _check_results([result], "result")
    labels = atom_labels(sources)
    ax = _axes(ax, 7.4, 3.6)
    ticks = []
    for position, name in enumerate(ATOMS):
        value = getattr(checked, name)
        ax.bar(position, value, 0.6, **STYLE[name])
        ticks.append(f"{value:z.3f}\n{textwrap.fill(labels[name], 10, break_long_words=False)}")
    ax.set_xticks(range(len(ATOMS)), ticks)
    ax.set_xlim(-0.6, len(ATOMS) - 0.4)
    if isinstance(checked, RepresentationPID):
        _draw_worth(ax, checked)
    return _finish(ax, [checked])


def plot_atoms_over(
    results: Iterable[Decomposition],
    *,
    x: Sequence[float] | Sequence[str] | npt.NDArray[Any] | None = None,
    kind: str = "area",
    atoms: Sequence[str] = ATOMS,
    xlabel: str = "result",
    sources: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Stack the atoms of several results over epochs, layers or methods.

    All four atoms stack up to I(Y;X1,X2), and without the synergy to the union information. The form is that of Fig. 5
    of "Quantifying Knowledge Distillation Using Partial Information Decomposition".

    Parameters
    ----------
    results : iterable of PIDResult or RepresentationPID
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
    checked = _check_results(results, "results")
    labels = atom_labels(sources)
    if kind not in ("area", "bars"):
        raise InputError(f"kind must be 'area' or 'bars', not {kind!r}")
    if kind == "area" and len(checked) < 2:
        raise InputError(f"kind='area' needs at least two results, not {len(checked)}; use kind='bars'")
    positions, ticks = _positions(x, len(checked), even=kind == "bars")
    rows = {name: _values(checked, name, stacked=kind == "area") for name in atoms}
    ax = _axes(ax, 7.2, 3.8)
    above, below = np.zeros(len(checked)), np.zeros(len(checked))
    for name, row in rows.items():
        if kind == "area":
            ax.fill_between(positions, above, above + row, label=labels[name], **STYLE[name])
        else:
            ax.bar(positions, row, 0.7, np.where(row < 0.0, below, above), label=labels[name], **STYLE[name])
        above, below = above + np.maximum(row, 0.0), below + np.minimum(row, 0.0)
    if ticks is not None:
        ax.set_xticks(positions, ticks, **_slant(ticks, room=50))
    elif np.array_equal(positions, np.round(positions)):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if kind == "area":
        ax.set(xlim=(positions[0], positions[-1]), ylim=(0.0, None))
    ax.set_xlabel(xlabel)
    return _finish(ax, checked)


def plot_atom_map(
    results: Iterable[Iterable[Decomposition]],
    *,
    atom: str = "redundancy",
    x1_names: Sequence[str] | None = None,
    x2_names: Sequence[str] | None = None,
    sources: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Draw one atom of every x1 layer (rows) against every x2 layer (columns) as a heat map with its values.

    Parameters
    ----------
    results : iterable of iterables of PIDResult or RepresentationPID
        results[i][j] decomposes layer i of x1 and layer j of x2, all in one unit.
    atom : str
    x1_names, x2_names : sequence of str, optional
        Names of the layers; None counts from zero.
    sources : tuple of str
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If the rows are of different lengths, units are mixed, a name is missing, or `atom` is unknown.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> row = [bivariate_pid(gate(name).joint) for name in ("AND", "XOR")]
    >>> [text.get_text() for text in plot_atom_map([row, row], atom="synergy").texts]
    ['0.50', '1.00', '0.50', '1.00']
    """
    try:
        rows = [list(row) for row in results]
    except TypeError as error:
        raise InputError("results must be rows of results: results[i][j] for layer i of x1, layer j of x2") from error
    n_1, n_2 = len(rows), len(rows[0]) if rows else 0
    if n_2 == 0 or any(len(row) != n_2 for row in rows):
        raise InputError(f"results must be rows of one length, at least one; they have {[len(row) for row in rows]}")
    checked = _check_results([result for row in rows for result in row], "results")
    values = _values(checked, atom, stacked=False).reshape(n_1, n_2)
    names_1, names_2 = _names(x1_names, n_1, "x1_names"), _names(x2_names, n_2, "x2_names")
    label = f"{atom_labels(sources)[atom]} ({checked[0].unit})"
    slant = _slant(names_2, room=7 * n_2)
    ax = _axes(ax, 2.8 + 0.62 * n_2, 1.8 + 0.42 * n_1 + (0.06 * max(map(len, names_2)) if slant else 0.0))
    # Differences that the written values do not show are not blown up by the colours either.
    image = ax.imshow(values, cmap="cividis", vmin=min(values.min(), 0.0), vmax=max(values.max(), 0.01), aspect="auto")
    shades = np.asarray(image.norm(values))
    for (i, j), value in np.ndenumerate(values):
        ink = "white" if shades[i, j] < 0.55 else "black"
        ax.text(j, i, f"{value:z.2f}", ha="center", va="center", color=ink, fontsize="small")
    ax.set_xticks(range(n_2), names_2, **slant)
    ax.set_yticks(range(n_1), names_1)
    ax.set(xlabel=sources[1], ylabel=sources[0])
    ax.figure.colorbar(image, ax=ax, label=label)
    return ax


def atom_labels(sources: Sequence[str]) -> dict[str, str]:
    """Return what the atoms are called in figures: "redundancy", "<x1> only", "<x2> only", "synergy"."""
    if isinstance(sources, str) or len(sources) != 2:
        raise InputError(f"sources must be the two names of x1 and x2, such as ('teacher', 'student'), not {sources!r}")
    return dict(zip(ATOMS, ("redundancy", f"{sources[0]} only", f"{sources[1]} only", "synergy"), strict=True))


def check_picture_name(path: str | os.PathLike[str]) -> str:
    """Return the extension of `path` if pictures can be written so, else raise InputError."""
    extension = Path(path).suffix.lower()
    if extension not in PICTURE_FORMATS:
        raise InputError(f"a picture's name must end in {', '.join(PICTURE_FORMATS)}, not {Path(path).name!r}")
    return extension


def save_figure(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure of `ax` to a .png, .pdf or .svg file, nothing cut off, whole or not at all."""
    picture = io.BytesIO()
    ax.figure.figure.savefig(picture, format=check_picture_name(path)[1:], dpi=200, bbox_inches="tight")
    write_atomic(path, picture.getvalue())


def _check_results(results: Iterable[object], name: str) -> list[Decomposition]:
    """Return the results as a list if there are any, all finite and in one unit, else raise InputError."""
    if not isinstance(results, Iterable):
        raise InputError(f"{name} must be a sequence of results, not {type(results).__name__}; put one into a list")
    checked: list[Decomposition] = []
    for index, result in enumerate(results):
        if not isinstance(result, (PIDResult, RepresentationPID)):
            kind = type(result).__name__
            raise InputError(f"{name}[{index}] must be a PIDResult or a RepresentationPID, not {kind}")
        if not all(math.isfinite(getattr(result, atom)) for atom in ATOMS):
            raise InputError(f"{name}[{index}] has an atom that is NaN or infinite")
        checked.append(result)
    units = sorted({result.unit for result in checked})
    if len(units) != 1:
        found = f"not {' and '.join(units)}; convert with .to({units[0]!r})" if units else "but there is none"
        raise InputError(f"{name} must be at least one result, all in one unit, {found}")
    return checked


def _values(results: Sequence[Decomposition], atom: str, *, stacked: bool) -> FloatArray:
    """Return one atom of every result; to be stacked, refuse negative ones and set those within their gap to zero."""
    if atom not in ATOMS:
        raise InputError(f"the atoms are {', '.join(map(repr, ATOMS))}; not {atom!r}")
    values: FloatArray = np.array([getattr(result, atom) for result in results])
    if not stacked:
        return values
    for index, (value, result) in enumerate(zip(values, results, strict=True)):
        gap = (result.pid if isinstance(result, RepresentationPID) else result).report.gap
        if value < -(gap + ROUNDING):
            raise InputError(
                f"results[{index}] has {atom} = {value:.3g} {result.unit}, below minus its certified gap of {gap:.1e}: "
                "areas cannot stack negative atoms; use kind='bars'"
            )
    return np.maximum(values, 0.0)


def _positions(
    x: Sequence[float] | Sequence[str] | npt.NDArray[Any] | None, n: int, *, even: bool
) -> tuple[FloatArray, list[str] | None]:
    """Return where `n` results are drawn along the axis, and their names unless they are numbers to scale."""
    given = list(range(n)) if x is None else list(x)
    if even or any(isinstance(place, str) for place in given):
        return np.arange(float(n)), _names([str(place) for place in given], n, "x")
    places = np.asarray(given, dtype=np.float64)
    if places.shape != (n,) or not (np.isfinite(places).all() and (np.diff(places) > 0.0).all()):
        raise InputError(f"x must be {n} increasing numbers, or strings, one a result; sort the results")
    return places, None


def _names(names: Sequence[str] | None, n: int, argument: str) -> list[str]:
    """Return the names of `n` places, numbers from zero where none are given."""
    given = [str(index) for index in range(n)] if names is None else [str(name) for name in names]
    if len(given) != n:
        raise InputError(f"{argument} must have one entry each: {n}, not {len(given)}")
    return given


def _slant(names: Sequence[str], *, room: int) -> dict[str, Any]:
    """Return how tick labels are turned when they have more letters than there is room for."""
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if sum(map(len, names)) > room else {}


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    return Figure(figsize=(width, height), layout="constrained").subplots() if ax is None else ax


def _draw_worth(ax: Axes, result: RepresentationPID) -> None:
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


def _finish(ax: Axes, results: Sequence[Decomposition]) -> Axes:
    """Draw H(Y) where all results agree on it, mark zero, name the y axis, and put any legend to the right."""
    entropies = {round(r.entropy_y, 9) if isinstance(r, RepresentationPID) else None for r in results}
    if len(entropies) == 1 and (entropy := entropies.pop()) is not None:
        ax.axhline(entropy, color="0.35", linestyle="--", label="H(Y)")
        ax.set_ylim(top=max(ax.get_ylim()[1], 1.05 * entropy))
    if ax.get_ylim()[0] < 0.0:
        ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_ylabel(f"information about Y ({results[0].unit})")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, reverse=True)
    return ax
