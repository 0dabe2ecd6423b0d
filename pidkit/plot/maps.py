"""One atom over layers by layers: a heat map with its values written in, and several of them in one colour scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pidkit.arguments import items_of, mapping_of, one_of, real_number
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.plot.style import (
    ROUNDING,
    Decomposition,
    atom_labels,
    atom_values,
    check_names,
    check_results,
    label_slant,
    new_axes,
)
from pidkit.representations.estimate_result import PIDEstimate
from pidkit.representations.result import RepresentationPID
from pidkit.representations.table.result import PIDTable
from pidkit.types import AtomName, FloatArray

ResultsOfLayers = PIDTable | Iterable[Iterable[Decomposition]]
"""What a map shows: a table, or rows of results."""

LEAST_RANGE = 0.01
"""The smallest top of a colour scale: differences that the written values do not show are not shown by colours."""


def plot_atom_map(
    results: ResultsOfLayers,
    *,
    atom: AtomName = "redundancy",
    x1_names: Sequence[str] | None = None,
    x2_names: Sequence[str] | None = None,
    sources: tuple[str, str] = ("x1", "x2"),
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one atom of every x1 layer (rows) against every x2 layer (columns) as a heat map with its values.

    Values of estimates that are not told from zero (p > .05) stand in brackets.

    Parameters
    ----------
    results : PIDTable, or iterable of iterables of PIDResult, PIDEstimate, RepresentationPID or CodedPID
        results[i][j] decomposes layer i of x1 and layer j of x2, all in one unit. Of a table with an index, `select`
        one of its values first.
    atom : str
    x1_names, x2_names : sequence of str, optional
        Names of the layers; None takes those of a table, and else counts from zero.
    sources : tuple of str
    limits : tuple of float, optional
        The ends of the colour scale, in the results' unit; maps that are compared need the same. None: from zero, or
        the lowest value if that is below it, to the highest.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If the rows are of different lengths, units are mixed, a name is missing, `atom` is unknown, or a value is
        outside of `limits`.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> row = [bivariate_pid(gate(name).joint) for name in ("AND", "XOR")]
    >>> [text.get_text() for text in plot_atom_map([row, row], atom="synergy", limits=(0.0, 2.0)).texts]
    ['0.50', '1.00', '0.50', '1.00']
    """
    atom = one_of("atom", atom, ATOMS)
    checked, n_1, n_2, names = _read_rows(results, "results", atom)
    values = atom_values(checked, atom, stacked=False).reshape(n_1, n_2)
    names_1, names_2 = _names_of(names, (x1_names, x2_names), n_1, n_2)
    label, marked = _label_of(checked, atom_labels(sources)[atom], atom), _is_zero(checked, atom).reshape(n_1, n_2)
    scale = _scale_of(values) if limits is None else _check_limits(limits, values)
    ax = new_axes(ax, *_size(names_2, n_1, bar=1.4))
    ax.figure.colorbar(_draw_map(ax, values, marked, scale, names_1, names_2, sources), ax=ax, label=label)
    return ax


def plot_maps_beside(
    results: Mapping[str, ResultsOfLayers],
    *,
    atom: AtomName = "redundancy",
    x1_names: Sequence[str] | None = None,
    x2_names: Sequence[str] | None = None,
    sources: tuple[str, str] = ("x1", "x2"),
) -> Axes:
    """Draw the maps of several decoders or students side by side, in one colour scale, and return the first's Axes.

    What a decoder reads out of a later layer can exceed what it reads out of an earlier one, although the layer itself
    tells no more: the maps of a weak and a strong decoder beside each other show which of the two it is.

    Parameters
    ----------
    results : mapping of str to PIDTable or iterables of iterables of results
        What `plot_atom_map` takes, by title; all of one shape and unit.
    atom, x1_names, x2_names, sources
        As in `plot_atom_map`.

    Raises
    ------
    InputError
        As `plot_atom_map`, and if the maps differ in shape or there is none.

    Examples
    --------
    >>> from pidkit import bivariate_pid, gate
    >>> first, second = ([[bivariate_pid(gate(name).joint)]] for name in ("AND", "XOR"))
    >>> ax = plot_maps_beside({"linear": first, "mlp": second}, atom="synergy")
    >>> [(panel.get_title(), round(panel.images[0].get_clim()[1], 6)) for panel in ax.figure.axes[:2]]
    [('linear', 1.0), ('mlp', 1.0)]
    """
    atom = one_of("atom", atom, ATOMS)
    tables = {
        name: _read_rows(rows, f"results[{name!r}]", atom) for name, rows in mapping_of("results", results).items()
    }
    shapes = {(n_1, n_2) for _, n_1, n_2, _ in tables.values()}
    if len(shapes) != 1:
        raise InputError(f"results must be at least one map, all of one shape; they have {sorted(shapes)}")
    ((n_1, n_2),) = shapes
    checked = check_results([result for table, *_ in tables.values() for result in table], "results", (atom,))
    values = atom_values(checked, atom, stacked=False).reshape(len(tables), n_1, n_2)
    marked = _is_zero(checked, atom).reshape(values.shape)
    names_1, names_2 = _names_of(next(iter(tables.values()))[3], (x1_names, x2_names), n_1, n_2)
    label, scale = _label_of(checked, atom_labels(sources)[atom], atom), _scale_of(values)
    width, height = _size(names_2, n_1, bar=0.4)
    figure = Figure(figsize=(len(tables) * width + 1.0, height + 0.3), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for ax, title, each, zero in zip(panels, tables, values, marked, strict=True):
        image = _draw_map(ax, each, zero, scale, names_1, names_2, sources)
        ax.set(title=title, ylabel=sources[0] if ax is panels[0] else "")
    figure.colorbar(image, ax=list(panels), label=label)
    first: Axes = panels[0]
    return first


Names = tuple[Sequence[str] | None, Sequence[str] | None]
"""Names of the layers of x1 and of x2, where there are any."""


def _read_rows(results: ResultsOfLayers, name: str, atom: str) -> tuple[list[Decomposition], int, int, Names]:
    """Return the results of a map row by row, how many rows and columns it has, and the names that a table has."""
    names: Names = None, None
    try:
        if isinstance(results, PIDTable):
            of_table, *names_of = results.map_of_layers()
            rows: list[list[Decomposition]] = [list(row) for row in of_table]
            names = (names_of[0], names_of[1])
        else:
            rows = [list(row) for row in results]
    except TypeError as error:
        raise InputError(f"{name} must be rows of results: {name}[i][j] for layer i of x1, layer j of x2") from error
    n_1, n_2 = len(rows), len(rows[0]) if rows else 0
    if n_2 == 0 or any(len(row) != n_2 for row in rows):
        raise InputError(f"{name} must be rows of one length, at least one; they have {[len(row) for row in rows]}")
    return check_results([result for row in rows for result in row], name, (atom,)), n_1, n_2, names


def _names_of(own: Names, given: Names, n_1: int, n_2: int) -> tuple[list[str], list[str]]:
    """Return the names of both sides: those given, or those of the table, or numbers."""
    first, second = (mine if theirs is None else theirs for mine, theirs in zip(own, given, strict=True))
    return check_names(first, n_1, "x1_names"), check_names(second, n_2, "x2_names")


def _is_zero(results: Sequence[Decomposition], atom: str) -> npt.NDArray[np.bool_]:
    """Return which results are estimates whose atom is not told from zero."""
    return np.array([isinstance(one, PIDEstimate) and not one.is_above_chance(atom) for one in results])


def _draw_map(
    ax: Axes,
    values: FloatArray,
    marked: npt.NDArray[np.bool_],
    scale: tuple[float, float],
    names_1: Sequence[str],
    names_2: Sequence[str],
    sources: tuple[str, str],
) -> AxesImage:
    """Draw one map without its colour bar; marked values stand in brackets."""
    image = ax.imshow(values, cmap="cividis", vmin=scale[0], vmax=scale[1], aspect="auto")
    shades = np.asarray(image.norm(values))
    for (i, j), value in np.ndenumerate(values):
        ink = "white" if shades[i, j] < 0.55 else "black"
        text = f"({value:z.2f})" if marked[i, j] else f"{value:z.2f}"
        ax.text(j, i, text, ha="center", va="center", color=ink, fontsize="small")
    ax.set_xticks(range(len(names_2)), names_2, **_slant(names_2))
    ax.set_yticks(range(len(names_1)), names_1)
    ax.set(xlabel=sources[1], ylabel=sources[0])
    return image


def _label_of(results: Sequence[Decomposition], label: str, atom: str) -> str:
    """Return what the colour bar shows: whose reading the numbers are, and what brackets mean where there are any."""
    decoders = {result.decoders["x1"].name if isinstance(result, RepresentationPID) else None for result in results}
    label += f" ({results[0].unit})"
    if None not in decoders:
        label += f",\ndecoder: {decoders.pop()}" if len(decoders) == 1 else ",\nas each decoder reads it"
    return label + ("\n(in brackets: not told from zero)" if _is_zero(results, atom).any() else "")


def _scale_of(values: FloatArray) -> tuple[float, float]:
    """Return the ends of the colour scale of all values."""
    return min(float(values.min()), 0.0), max(float(values.max()), LEAST_RANGE)


def _check_limits(limits: tuple[float, float], values: FloatArray) -> tuple[float, float]:
    """Return the limits if they rise and hold all values: a value beyond them would have another one's colour."""
    ends = [real_number("every limit in limits", end) for end in items_of("limits", limits)]
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise InputError(f"limits must be two numbers, the lower first, such as (0.0, 2.5), not {limits!r}")
    if values.min() < ends[0] - ROUNDING or values.max() > ends[1] + ROUNDING:
        raise InputError(
            f"limits must hold all values, which go from {values.min():.3g} to {values.max():.3g}; they are {limits!r}"
        )
    return ends[0], ends[1]


def _slant(names: Sequence[str]) -> dict[str, Any]:
    """Return how the names of columns are turned where they are long."""
    return label_slant(names, most_letters=7 * len(names))


def _size(names_2: Sequence[str], n_1: int, *, bar: float) -> tuple[float, float]:
    """Return the width and height of a map in inches, with so much room for a colour bar."""
    slanted = 0.06 * max(map(len, names_2)) if _slant(names_2) else 0.0
    return 1.4 + bar + 0.62 * len(names_2), 1.8 + 0.42 * n_1 + slanted
