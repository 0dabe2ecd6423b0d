"""One atom over layers by layers: a heat map with its values written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from pidkit.errors import InputError
from pidkit.plot.style import (
    Decomposition,
    atom_labels,
    atom_values,
    check_names,
    check_results,
    label_slant,
    new_axes,
)
from pidkit.types import AtomName


def plot_atom_map(
    results: Iterable[Iterable[Decomposition]],
    *,
    atom: AtomName = "redundancy",
    x1_names: Sequence[str] | None = None,
    x2_names: Sequence[str] | None = None,
    sources: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Draw one atom of every x1 layer (rows) against every x2 layer (columns) as a heat map with its values.

    Parameters
    ----------
    results : iterable of iterables of PIDResult, PIDEstimate, RepresentationPID or CodedPID
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
    checked = check_results([result for row in rows for result in row], "results")
    values = atom_values(checked, atom, stacked=False).reshape(n_1, n_2)
    names_1, names_2 = check_names(x1_names, n_1, "x1_names"), check_names(x2_names, n_2, "x2_names")
    label = f"{atom_labels(sources)[atom]} ({checked[0].unit})"
    slant = label_slant(names_2, most_letters=7 * n_2)
    ax = new_axes(ax, 2.8 + 0.62 * n_2, 1.8 + 0.42 * n_1 + (0.06 * max(map(len, names_2)) if slant else 0.0))
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
