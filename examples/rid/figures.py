"""The figures of a program of students and teachers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pidkit.plot import accuracy_against_weight, accuracy_over_epochs, atoms_over_epochs, save_figure
from pidkit.records import AtomRecords
from rid.runs import Result, Run
from rid.tables import BASELINE, Weights

DRAWN_METHODS = ("KD", "FitNet", "VID", "RID", "ExactRedundancy", "UniqueFitNet")
"""Those whose accuracy is drawn over the epochs, and against lambda where there are more than can be told apart."""

MOST_CURVES = 10
"""Methods whose curves one panel can show."""

MOST_COLUMNS, COLUMNS = 8, 5
"""Methods up to which every one has a column of its own, and how many columns a teacher's own figure has."""

DRAWN_ATOMS = ("redundancy", "unique_teacher", "unique_student")


def draw_accuracies(results: Mapping[Run, Result], chosen: Weights, teachers: Sequence[str], path: Path) -> None:
    """Draw accuracy on validation against lambda for every method, one panel a teacher, the chosen ones ringed."""
    plain = [result["validation"] for run, result in results.items() if run.method == BASELINE]
    # In one order, so that a method looks the same in every panel.
    methods = [*dict.fromkeys(run.method for run in results if run.method != BASELINE)]
    drawn = methods if len(methods) <= MOST_CURVES else DRAWN_METHODS
    figure = Figure(figsize=(4.4 * len(teachers) + 1.6, 4.2), layout="constrained")
    panels = figure.subplots(1, len(teachers), sharey=True, squeeze=False)[0]
    for teacher, ax in zip(teachers, panels, strict=True):
        curves: dict[str, dict[float, list[float]]] = {method: {} for method in drawn}
        for run, result in results.items():
            if run.teacher == teacher and run.method in drawn:
                found = math.nan if result["diverged"] else result["validation"]
                curves[run.method].setdefault(run.weight, []).append(found)
        of_teacher = {name: weight for (by, name), weight in chosen.items() if by == teacher and name in drawn}
        accuracy_against_weight(curves, baseline=plain, chosen=of_teacher, ax=ax)
        ax.set_title(f"teacher: {teacher}")
        if ax is not panels[-1]:
            ax.get_legend().remove()
        if ax is not panels[0]:
            ax.set_ylabel("")
    save_figure(panels[0], path)


def draw_epochs(results: Mapping[Run, Result], chosen: Weights, teachers: Sequence[str], path: Path) -> None:
    """Draw accuracy on validation over the student's epochs at the chosen weights, one panel a teacher."""
    figure = Figure(figsize=(6.6 * min(2, len(teachers)), 3.9 * math.ceil(len(teachers) / 2)), layout="constrained")
    panels = figure.subplots(math.ceil(len(teachers) / 2), min(2, len(teachers)), sharey=True, squeeze=False).ravel()
    alone = [result["history"] for run, result in results.items() if run.method == BASELINE and not run.probed]
    for teacher, ax in zip(teachers, panels, strict=False):
        curves = {BASELINE: alone}
        for method in DRAWN_METHODS:
            runs = [
                result["history"]
                for run, result in results.items()
                if (run.teacher, run.method) == (teacher, method) and run.weight == chosen.get((teacher, method))
            ]
            if runs:
                curves[method] = runs
        accuracy_over_epochs(curves, split="validation", ax=ax)
        ax.set_title(f"teacher: {teacher}")
        if ax is not panels[min(1, len(teachers) - 1)]:  # beside the upper panel on the right
            ax.get_legend().remove()
    for ax in panels[len(teachers) :]:
        ax.remove()
    save_figure(panels[0], path)


def draw_atoms(runs: Sequence[Run], folder: Path, path: Path) -> list[Path]:
    """Draw redundancy and what only one of both knows over the epochs, and return the files.

    A row a teacher and a column a method; of many methods, a figure a teacher.
    """
    teachers, methods = (list(dict.fromkeys(getattr(run, name) for run in runs)) for name in ("teacher", "method"))
    if len(methods) <= MOST_COLUMNS:
        places = {run: (teachers.index(run.teacher), methods.index(run.method)) for run in runs}
        return [_draw_atoms(places, folder, path)]
    made = []
    for teacher in teachers:
        own = [run for run in runs if run.teacher == teacher]
        places = {run: divmod(k, COLUMNS) for k, run in enumerate(own)}
        made.append(_draw_atoms(places, folder, path.with_stem(f"{path.stem}_{teacher}")))
    return made


def _draw_atoms(places: Mapping[Run, tuple[int, int]], folder: Path, path: Path) -> Path:
    """Draw the atoms of each run in its place."""
    n_rows, n_columns = (1 + max(place[k] for place in places.values()) for k in (0, 1))
    figure = Figure(figsize=(3.0 * n_columns + 1.8, 2.7 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
    for run, (row, column) in places.items():
        ax = panels[row, column]
        atoms_over_epochs(AtomRecords.load(folder / f"{run.name}.json"), atoms=DRAWN_ATOMS, ax=ax)
        weight = "" if run.method == BASELINE else f", λ = {run.weight:g}"
        ax.set_title(f"{run.teacher} teacher\n{run.method}{weight}", fontsize="medium")
        if (row, column) != (0, n_columns - 1):
            ax.get_legend().remove()
        if column:
            ax.set_ylabel("")
        if (row + 1, column) in places.values():
            ax.set_xlabel("")
    for row, column in set(np.ndindex(n_rows, n_columns)) - {*places.values()}:
        panels[row, column].remove()
    save_figure(panels[0, 0], path)
    return path
