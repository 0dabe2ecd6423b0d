"""Accuracy over two weights of a loss: a map of cells for each setting, in one colour scale (MIMKD, Fig. 3 to 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from pidkit.arguments import items_of, mapping_of, real_number
from pidkit.errors import InputError
from pidkit.plot.accuracy import (
    PERCENT_FROM,
    accuracy_label,
    checked_accuracies,
    deviation_of_seeds,
    mean_of_seeds,
)
from pidkit.types import FloatArray

DARK_UNTIL = 0.55
"""Share of the colour scale up to which letters on it are white."""


def accuracy_landscape(
    accuracies: Mapping[str, ArrayLike],
    weights: Mapping[str, Sequence[float]],
    *,
    chosen: Mapping[str, tuple[float, float]] | None = None,
    split: str = "validation",
) -> Axes:
    """Draw accuracy over two weights of a loss as a map of cells, one panel a label, in one colour scale.

    A cell shows the mean of its seeds and, of two and more, their standard deviation (of the sample) below. Seeds that
    are NaN, training having diverged, are left out and their number is written as "n lost". Weights stand in their
    order and not to scale, so that 0 and steps by factors have room.

    Parameters
    ----------
    accuracies : dict of str to array, shape (n_seeds, n_first, n_second)
        By label.
    weights : dict of str to sequence of float
        The values of the two weights by name, the vertical one first: ``{"local": [0, 0.75], "feature": [0, 0.5, 1]}``.
    chosen : dict of str to (float, float), optional
        The weights that validation chose, by label: framed. The best cell is not framed by itself, which on test data
        would be a choice on them.
    split : str
        What the accuracy was measured on, for the label.

    Returns
    -------
    Axes
        The first panel.

    Raises
    ------
    InputError
        If there is nothing to draw, an array does not fit the weights, an accuracy is negative or infinite, `weights`
        are not two rising sequences, or `chosen` names what is not there.

    Source: Shrivastava et al., 2021, Fig. 3 to 6.

    Examples
    --------
    >>> seeds = [[[0.50, 0.60, 0.58], [0.61, 0.66, 0.63]], [[0.52, 0.60, 0.56], [0.63, 0.68, 0.61]]]
    >>> ax = accuracy_landscape({"CIFAR": seeds}, {"local": [0, 0.75], "feature": [0, 0.5, 1]})
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.texts[4].get_text()
    ('feature', 'local', '0.670\\n±0.014')
    """
    names, rows, columns = _checked_weights(weights)
    shape = f"(n_seeds, {len(rows)}, {len(columns)})"
    maps: dict[str, FloatArray] = {}
    for label, values in mapping_of("accuracies", accuracies).items():
        name = f"accuracies[{label!r}]"
        maps[label] = checked_accuracies(name, values, 3, shape)
        if maps[label].shape[1:] != (len(rows), len(columns)):
            raise InputError(f"{name} must have shape {shape}, as weights says, not {maps[label].shape}")
    if not maps:
        raise InputError("accuracies must hold at least one map; it is empty")
    framed = _places(chosen, maps, rows, columns)
    means = {label: mean_of_seeds(cells) for label, cells in maps.items()}
    everywhere = np.stack(list(means.values()))
    scale = float(np.nanmin(everywhere)), float(np.nanmax(everywhere))
    width = 0.8 * len(columns) + 1.0
    figure = Figure(figsize=(len(maps) * width + 1.2, 0.55 * len(rows) + 1.5), layout="constrained")
    panels = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
    for ax, (label, cells) in zip(panels, maps.items(), strict=True):
        image = _draw(ax, means[label], cells, scale)
        ax.set_xticks(range(len(columns)), [f"{one:g}" for one in columns])
        ax.set_yticks(range(len(rows)), [f"{one:g}" for one in rows])
        ax.set(title=label, xlabel=names[1], ylabel=names[0] if ax is panels[0] else "")
        if label in framed:
            row, column = framed[label]
            # Not to the very edge: there the frames of neighbours and the axes would cover it.
            corner = (column - 0.46, row - 0.46)
            ax.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor="black", linewidth=4.5, zorder=4))
            ax.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor="white", linewidth=2.0, zorder=5))
    shown = accuracy_label(split, maps.values()) + ("\n(framed: chosen on validation)" if framed else "")
    figure.colorbar(image, ax=list(panels), label=shown)
    first: Axes = panels[0]
    return first


def _checked_weights(weights: object) -> tuple[list[str], list[float], list[float]]:
    """Return the names of the two weights, and the values of each."""
    given = mapping_of("weights", weights)
    if len(given) != 2:
        raise InputError(f"weights must be the values of two weights by name, not of {len(given)}")
    ends = []
    for name, values in given.items():
        where = f"weights[{name!r}]"
        checked = [real_number(f"every value in {where}", one) for one in items_of(where, values)]
        if not checked or any(after <= before for before, after in pairwise(checked)):
            raise InputError(f"{where} must be one value or several that rise, not {checked}")
        ends.append(checked)
    return [str(name) for name in given], ends[0], ends[1]


def _places(
    chosen: object, maps: Mapping[str, FloatArray], rows: list[float], columns: list[float]
) -> dict[str, tuple[int, int]]:
    """Return the row and the column of what was chosen, by label."""
    places = {}
    for label, pair in ({} if chosen is None else mapping_of("chosen", chosen)).items():
        values = items_of(f"chosen[{label!r}]", pair)
        if label not in maps or len(values) != 2 or values[0] not in rows or values[1] not in columns:
            raise InputError(f"chosen holds {label!r} at {pair!r}, which is not among the accuracies")
        places[label] = rows.index(values[0]), columns.index(values[1])
    return places


def _draw(ax: Axes, mean: FloatArray, cells: FloatArray, scale: tuple[float, float]) -> AxesImage:
    """Draw one map, each cell with its mean and deviation in figures."""
    image = ax.imshow(mean, cmap="cividis", vmin=scale[0], vmax=scale[1], aspect="auto", origin="lower")
    shades = np.ma.filled(image.norm(mean), 1.0)
    deviation, lost = deviation_of_seeds(cells), np.isnan(cells).sum(0)
    digits = 1 if scale[1] > PERCENT_FROM else 3
    for (i, j), value in np.ndenumerate(mean):
        text = "–" if np.isnan(value) else f"{value:.{digits}f}"
        text += "" if np.isnan(deviation[i, j]) else f"\n±{deviation[i, j]:.{digits}f}"
        text += f"\n{lost[i, j]} lost" if lost[i, j] else ""
        ink = "white" if shades[i, j] < DARK_UNTIL else "black"
        ax.text(j, i, text, ha="center", va="center", color=ink, fontsize="small")
    return image
