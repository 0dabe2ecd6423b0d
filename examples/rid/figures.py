"""The two figures of examples/rid_digits.py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from pidkit.plot import accuracy_against_weight, atoms_over_epochs, save_figure
from pidkit.records import AtomRecords
from rid.runs import Result, Run
from rid.tables import BASELINE, Weights

DRAWN_ATOMS = ("redundancy", "unique_teacher", "unique_student")


def draw_accuracies(results: Mapping[Run, Result], chosen: Weights, teachers: Sequence[str], path: Path) -> None:
    """Draw accuracy on validation against lambda for every method, one panel a teacher, the chosen ones ringed."""
    plain = [result["validation"] for run, result in results.items() if run.method == BASELINE]
    figure = Figure(figsize=(4.4 * len(teachers) + 1.6, 4.2), layout="constrained")
    panels = figure.subplots(1, len(teachers), sharey=True, squeeze=False)[0]
    for teacher, ax in zip(teachers, panels, strict=True):
        curves: dict[str, dict[float, list[float]]] = {}
        for run, result in results.items():
            if run.teacher == teacher:
                found = math.nan if result["diverged"] else result["validation"]
                curves.setdefault(run.method, {}).setdefault(run.weight, []).append(found)
        of_teacher = {method: weight for (name, method), weight in chosen.items() if name == teacher}
        accuracy_against_weight(curves, baseline=plain, chosen=of_teacher, ax=ax)
        ax.set_title(f"teacher: {teacher}")
        if ax is not panels[-1]:
            ax.get_legend().remove()
        if ax is not panels[0]:
            ax.set_ylabel("")
    save_figure(panels[0], path)


def draw_atoms(runs: Sequence[Run], folder: Path, path: Path) -> None:
    """Draw redundancy and what only one of both knows over the epochs: a row a teacher, a column a method."""
    teachers, methods = (list(dict.fromkeys(getattr(run, name) for run in runs)) for name in ("teacher", "method"))
    figure = Figure(figsize=(3.0 * len(methods) + 1.8, 2.7 * len(teachers)), layout="constrained")
    panels = figure.subplots(len(teachers), len(methods), sharey=True, squeeze=False)
    for run in runs:
        row, column = teachers.index(run.teacher), methods.index(run.method)
        ax = panels[row, column]
        atoms_over_epochs(AtomRecords.load(folder / f"{run.name}.json"), atoms=DRAWN_ATOMS, ax=ax)
        weight = "" if run.method == BASELINE else f", λ = {run.weight:g}"
        ax.set_title(f"{run.teacher} teacher\n{run.method}{weight}", fontsize="medium")
        if (row, column) != (0, len(methods) - 1):
            ax.get_legend().remove()
        if column:
            ax.set_ylabel("")
        if row < len(teachers) - 1:
            ax.set_xlabel("")
    save_figure(panels[0, 0], path)
