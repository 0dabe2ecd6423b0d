"""A whole program of students and teachers: its runs, its tables and its figures."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rid.figures import draw_accuracies, draw_atoms, draw_epochs
from rid.methods import METHODS
from rid.runs import Run, check_settings, finish_all
from rid.side_studies import study_apart
from rid.students import CHOICES, Settings, teacher_runs, train_student, train_teacher
from rid.tables import (
    BASELINE,
    Weights,
    chosen_rows,
    chosen_weights,
    markdown_table,
    middle_of,
    search_table,
    write_results,
)

FIRST_SEARCHED = 100
"""The first of the seeds that lambda is chosen with, far from those that are reported."""


def student_runs(settings: Settings, seeds: Iterable[int]) -> list[Run]:
    """Return a student for every seed, teacher, method and weight, those alone first."""
    seeds = [*seeds]
    return [
        *(Run("none", BASELINE, 0.0, seed) for seed in seeds),
        *(
            Run(teacher, method, weight, seed)
            for seed in seeds
            for teacher, method in _taught(settings)
            for weight in settings.weights_of(method)
        ),
    ]


def reported_runs(settings: Settings, chosen: Weights) -> list[Run]:
    """Return the runs of all seeds at the chosen weights, and at the middle of the grid of the methods asked for."""
    runs = []
    for seed in range(settings.n_seeds):
        runs.append(Run("none", BASELINE, 0.0, seed))
        for weights in (chosen, middle_weights(settings)):
            runs += [Run(teacher, method, weight, seed) for (teacher, method), weight in weights.items()]
    return list(dict.fromkeys(runs))


def middle_weights(settings: Settings) -> Weights:
    """Return the weight in the middle of the grid of every method that is to run at one weight for all teachers."""
    return {
        (teacher, method): middle_of(settings.weights_of(method))
        for teacher, method in _taught(settings)
        if method in settings.at_one_scale
    }


def probed_runs(settings: Settings, chosen: Weights) -> list[Run]:
    """Return runs of the first seed with an eye on the atoms, at the chosen weights unless there is one for all."""
    runs = []
    for teacher in settings.teachers:
        for method in (name for name in settings.probed_methods if name not in settings.searched_only):
            weight = chosen.get((teacher, method), 0.0) if settings.probed_weight is None else settings.probed_weight
            runs.append(Run(teacher, method, 0.0 if method == BASELINE else weight, seed=0, probed=True))
    return runs


def run_program(settings: Settings, out: Path, *, jobs: int, name: str, data_dir: Path | None = None) -> None:
    """Make every run that `out` lacks, in `jobs` processes, and write table.md, results.json and figures.

    Each run depends on the settings and its own seed alone, so that they may end in any order.
    """
    unknown = sorted({*settings.methods, *settings.probed_methods, *settings.at_one_scale} - {*METHODS})
    if unknown:
        raise SystemExit(f"no method is called {unknown[0]!r}; there are {', '.join(METHODS)}")
    check_settings(out, settings, choices=CHOICES)
    # One thread each: the fastest for networks this small, and sums in one order.
    where = {"settings": settings, "folder": out, "jobs": jobs, "threads": 1}
    teach, study = (functools.partial(do, data_dir=data_dir) for do in (train_teacher, train_student))
    teachers = finish_all(teacher_runs(settings), teach, what="teachers", **where)
    first, n_searched = (FIRST_SEARCHED, settings.n_search) if settings.n_search else (0, settings.n_seeds)
    seeds = range(first, first + n_searched)
    search = finish_all(student_runs(settings, seeds), study, what="students", **where)
    best = chosen_weights(search)
    chosen = {pair: weight for pair, weight in best.items() if pair[1] not in settings.searched_only}
    probed = finish_all(probed_runs(settings, chosen), study, what="atoms", **where)
    # Who watches a run changes nothing in it: those of the first seed that were watched need not be made again.
    known = {replace(run, probed=False): result for run, result in probed.items() if run.method != BASELINE}
    wanted = reported_runs(settings, chosen)
    made = finish_all([run for run in wanted if run not in known], study, what="seeds", **where)
    students = {run: known.get(run) or made[run] for run in wanted}

    order = {"teachers": settings.teachers, "methods": settings.methods}
    tables = {"chosen": chosen_rows(students, chosen, **order)}
    if settings.at_one_scale:
        tables["one weight"] = chosen_rows(students, middle_weights(settings), **order)
    table = "\nAt one weight for every teacher:\n\n".join(markdown_table(rows) for rows in tables.values())
    if settings.n_search:
        table += f"\nWhat was tried, accuracy on validation with the seeds of the search:\n\n{search_table(search)}"
    write_results(out, table, settings=settings, tables=tables, teachers=teachers, students={**search, **students})
    draw_accuracies(search, best, settings.teachers, out / f"{name}_accuracy.png")
    figures = draw_atoms([*probed], out / "atoms", out / f"{name}_atoms.png")
    if settings.history:
        draw_epochs(students, chosen, settings.teachers, out / f"{name}_epochs.png")
    if settings.studied_apart:
        apart = range(FIRST_SEARCHED, FIRST_SEARCHED + settings.studied_apart)
        study_apart(settings, out, study, seeds=apart, jobs=jobs, name=name, data_dir=data_dir)

    for kind in dict.fromkeys(run.kind for run in teachers):
        found = [result["test"] for run, result in teachers.items() if run.kind == kind]
        asked = "nuisance" if kind == "nuisance" else "label"
        print(f"teacher {kind}: {100 * sum(found) / len(found):.1f} % of the test images, asked for the {asked}")
    print(f"\n{table}\nwrote table.md, results.json and {len(figures) + 1 + settings.history} figures to {out}")


def _taught(settings: Settings) -> list[tuple[str, str]]:
    """Return the pairs of a teacher and a method that learns from it."""
    return [(teacher, name) for teacher in settings.teachers for name in settings.methods if name != BASELINE]
