"""The atoms of one pair of layers along an index of a table, such as epochs: lines with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pidkit.arguments import items_of, one_of
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.plot.style import STYLE, atom_labels, check_results, finish, new_axes
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.table.records import PairResult
from pidkit.representations.table.result import PIDTable
from pidkit.types import AtomName

DASHES = dict(zip(ATOMS, ("-", "--", "-.", ":"), strict=True))
"""The line of each atom, told apart in a print in grey as well."""

ATOM_MARKERS = dict(zip(ATOMS, "osD^", strict=True))
"""The marker of each atom."""

SIDESTEP = 0.08
"""Share of the least distance between places by which the atoms stand beside each other."""


def plot_atoms_along(
    table: PIDTable,
    *,
    along: str | None = None,
    atoms: Sequence[AtomName] | None = None,
    sources: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Draw the atoms of one pair of layers along an index, each with its 95 % intervals.

    A filled marker is an atom above chance, an open one is not told from zero. Of codes made without labels the bars
    are one bootstrap standard deviation, where there is one, and all markers are filled.

    Parameters
    ----------
    table : PIDTable
        With one pair of layers, and one value of every other index: `table.select(x1="conv3", x2="fc")`.
    along : str, optional
        The index; None where the table has one only. Numbers are drawn to scale, names evenly.
    atoms : sequence of str, optional
        None: all that were computed.
    sources : tuple of str
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If `along` is no index of the table, a place has several pairs, or an atom was not computed.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import pid_table
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> x1 = {"fc": labels[:, None] + 0.3 * rng.normal(size=(200, 2))}
    >>> x2 = {("fc", epoch): labels[:, None] + rng.normal(size=(200, 2)) / epoch for epoch in (1, 2)}
    >>> ax = plot_atoms_along(pid_table(labels=labels, x1=x1, x2=x2, index="epoch"), atoms=("redundancy",))
    >>> ax.get_xlabel(), "redundancy" in ax.get_legend_handles_labels()[1]
    ('epoch', True)
    """
    if not isinstance(table, PIDTable):
        raise InputError(f"table must be what pid_table returns, not {type(table).__name__}")
    if along is None and len(table.index) == 1:
        along = table.index[0]
    along = one_of("along", along, table.index, remedy="it names an index of the table")
    number = table.index.index(along)
    found = [(one.place[number], one.result) for one in table.pairs if one.place]
    places = [place for place, _ in found]
    if len(set(places)) < len(places) or len(found) < len(table.pairs):
        raise InputError(f"table has several pairs at one {along}; select layers, and values of other indices, first")
    results: list[PairResult] = [result for _, result in found]
    computed = [atom for atom in ATOMS if not any(math.isnan(getattr(one, atom)) for one in results)]
    wanted = computed if atoms is None else [one_of("atoms", atom, ATOMS) for atom in items_of("atoms", atoms)]
    checked = check_results(results, "table", wanted)
    labels = atom_labels(sources)
    ax = new_axes(ax, 7.2, 3.8)
    numeric = all(not isinstance(place, str) for place in places)
    x = np.array(places, dtype=float) if numeric else np.arange(float(len(places)))
    gap = SIDESTEP * float(np.diff(np.sort(x)).min()) if len(x) > 1 else 0.0
    order = np.argsort(x, kind="stable")
    for step, atom in enumerate(wanted):
        at = x + gap * (step - 0.5 * (len(wanted) - 1))
        values = np.array([getattr(one, atom) for one in results])
        style: dict[str, Any] = {"color": _ink(atom), "zorder": 3 + step}
        ax.plot(
            at[order], values[order], DASHES[atom], marker=ATOM_MARKERS[atom], ms=5, label=labels[atom], lw=1.2, **style
        )
        reach = np.array([_reach(one, atom) for one in results]).T
        ax.errorbar(at, values, reach, fmt="none", capsize=3, elinewidth=1.0, **style)
        for place, value, one in zip(at, values, results, strict=True):
            above = isinstance(one, CodedPID) or one.is_above_chance(atom)
            ax.plot(
                place, value, ATOM_MARKERS[atom], ms=5, mfc=_ink(atom) if above else "white", mec=_ink(atom), **style
            )
    if not numeric:
        ax.set_xticks(x, [str(place) for place in places])
    ax.set_xlabel(along)
    ax.axhline(0.0, color="0.6", linewidth=0.8, zorder=1)
    if any(not isinstance(one, CodedPID) and not one.is_above_chance(atom) for one in results for atom in wanted):
        ax.plot([], [], "o", mfc="white", mec="0.3", linestyle="none", label="open: not told from zero")
    return finish(ax, checked)


def _ink(atom: str) -> str:
    """Return the colour of an atom's line: that of its bars, darker for the pale yellow of the synergy."""
    return "#8A7A00" if atom == "synergy" else str(STYLE[atom]["facecolor"])


def _reach(result: PairResult, atom: str) -> tuple[float, float]:
    """Return how far the error bar reaches below and above the atom."""
    if isinstance(result, CodedPID):
        spread = 0.0 if result.bootstrap is None else result.bootstrap[atom].std
        return spread, spread
    low, high = result.interval[atom]
    value = result.atoms[atom]
    return max(value - low, 0.0), max(high - value, 0.0)
