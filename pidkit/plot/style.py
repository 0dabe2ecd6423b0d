"""What figures of atoms share: colours and hatches, checks of results and names, and the axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pidkit.arguments import items_of, one_of
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS, PIDResult
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.estimate_result import PIDEstimate
from pidkit.representations.result import RepresentationPID
from pidkit.types import FloatArray

Decomposition = PIDResult | CodedPID | PIDEstimate
"""A result that has four atoms to draw."""

EDGE = {"edgecolor": "black", "linewidth": 0.7}
"""The outline of bars and areas."""

STYLE: dict[str, dict[str, Any]] = {
    "redundancy": {"facecolor": "#0072B2", "hatch": "", **EDGE},
    "unique_1": {"facecolor": "#E06A1B", "hatch": "//", **EDGE},
    "unique_2": {"facecolor": "#7CC3EC", "hatch": "\\\\", **EDGE},
    "synergy": {"facecolor": "#F5EE9E", "hatch": "..", **EDGE},
}
"""The fill of each atom: colours run from dark to light and are hatched, so that a print in grey can be read."""

FILLED = 0.3
"""Share of an axis up to H(Y) that has to be filled; a line at H(Y) would leave the rest of the picture empty."""

ROUNDING = 1e-12
"""How far below zero an atom can come by rounding alone, beyond its certified gap, in any unit."""


PAIR_OF_NAMES = "pass two names, such as ('teacher', 'student')"
"""What the refusal of other names of the sources says."""


def atom_labels(sources: Sequence[str]) -> dict[str, str]:
    """Return what the atoms are called in figures: "redundancy", "<x1> only", "<x2> only", "synergy"."""
    if len(items_of("sources", sources, remedy=PAIR_OF_NAMES)) != 2:
        raise InputError(f"sources must be the two names of x1 and x2, not {sources!r}; {PAIR_OF_NAMES}")
    return dict(zip(ATOMS, ("redundancy", f"{sources[0]} only", f"{sources[1]} only", "synergy"), strict=True))


def check_results(results: Iterable[object], name: str, atoms: Sequence[str] = ATOMS) -> list[Decomposition]:
    """Return the results as a list if there are any, these atoms finite and all in one unit, else raise InputError."""
    if not isinstance(results, Iterable):
        raise InputError(f"{name} must be a sequence of results, not {type(results).__name__}; put one into a list")
    checked: list[Decomposition] = []
    for index, result in enumerate(results):
        if not isinstance(result, (PIDResult, CodedPID, PIDEstimate)):
            kind = type(result).__name__
            raise InputError(
                f"{name}[{index}] must be what bivariate_pid, estimate_pid, representation_pid or coded_pid returns, "
                f"not {kind}"
            )
        if isinstance(result, RepresentationPID) and "both" not in result.decoders and "synergy" in atoms:
            raise InputError(
                f"{name}[{index}] has no synergy: pass synergy=True where it is measured, or draw other atoms"
            )
        if not all(math.isfinite(getattr(result, atom)) for atom in atoms):
            raise InputError(f"{name}[{index}] has an atom that is NaN or infinite")
        checked.append(result)
    units = sorted({result.unit for result in checked})
    if len(units) != 1:
        problem = f"not {' and '.join(units)}; convert with .to({units[0]!r})" if units else "but there is none"
        raise InputError(f"{name} must be at least one result, all in one unit, {problem}")
    return checked


def atom_values(results: Sequence[Decomposition], atom: str, *, stacked: bool) -> FloatArray:
    """Return one atom of every result; to be stacked, refuse negative ones and set those within their gap to zero."""
    one_of("atom", atom, ATOMS)
    values: FloatArray = np.array([getattr(result, atom) for result in results])
    if not stacked:
        return values
    for index, (value, result) in enumerate(zip(values, results, strict=True)):
        least, what = _least_of_zero(result, atom)
        if value < -(least + ROUNDING):
            raise InputError(
                f"results[{index}] has {atom} = {value:.3g} {result.unit}, below minus its {what} of {least:.1e}: "
                "areas cannot stack negative atoms; use kind='bars'"
            )
    return np.maximum(values, 0.0)


def _least_of_zero(result: Decomposition, atom: str) -> tuple[float, str]:
    """Return how far below zero an atom may lie that is zero, and the name of that error."""
    if isinstance(result, PIDEstimate):
        return result.interval[atom][1] - result.atoms[atom], "interval's half"
    return (result.pid if isinstance(result, CodedPID) else result).report.gap, "certified gap"


def check_names(names: Sequence[str] | None, n: int, argument: str) -> list[str]:
    """Return the names of `n` places, numbers from zero where none are given."""
    shown = [str(name) for name in (range(n) if names is None else items_of(argument, names))]
    if len(shown) != n:
        raise InputError(f"{argument} must have one entry each: {n}, not {len(shown)}")
    return shown


def label_slant(names: Sequence[str], *, most_letters: int) -> dict[str, Any]:
    """Return how tick labels are turned when they have more than `most_letters` letters in all."""
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if sum(map(len, names)) > most_letters else {}


def new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return `ax`, or the axes of a new figure that pyplot does not know of."""
    return Figure(figsize=(width, height), layout="constrained").subplots() if ax is None else ax


def finish(ax: Axes, results: Sequence[Decomposition]) -> Axes:
    """Draw H(Y) where all results agree on it, mark zero, name the y axis, and put any legend to the right.

    H(Y) is a line where it leaves at least FILLED of the axis to what is drawn, and else a mark at the upper edge.
    """
    entropies = {round(r.entropy_y, 9) if isinstance(r, (CodedPID, PIDEstimate)) else None for r in results}
    if len(entropies) == 1 and (entropy := entropies.pop()) is not None:
        top = ax.get_ylim()[1]
        if top >= FILLED * entropy:
            ax.axhline(entropy, color="0.35", linestyle="--", label="H(Y)")
            ax.set_ylim(top=max(top, 1.05 * entropy))
        else:
            mark = f"H(Y) = {entropy:.2f} {results[0].unit} ↑"
            ax.annotate(
                mark, (0.99, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize="small", color="0.35"
            )
            ax.set_ylim(top=1.1 * top)
    if ax.get_ylim()[0] < 0.0:
        ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_ylabel(f"information about Y ({results[0].unit})")
    legend_to_the_right(ax)
    return ax


def legend_to_the_right(ax: Axes) -> None:
    """Put the legend, where there is anything in it, to the right of the panel, the last entry on top."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, reverse=True)
