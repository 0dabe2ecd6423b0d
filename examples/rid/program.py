"""A whole program of students and teachers: its runs, its table and its figures."""

from __future__ import annotations

import functools
from pathlib import Path

from rid.figures import draw_accuracies, draw_atoms
from rid.methods import METHODS
from rid.runs import Run, check_settings, finish_all
from rid.students import CHOICES, Settings, teacher_runs, train_student, train_teacher
from rid.tables import BASELINE, chosen_rows, markdown_table, write_results


def student_runs(settings: Settings) -> list[Run]:
    """Return a student for every seed, teacher, method and weight, those alone first."""
    seeds = range(settings.n_seeds)
    methods = [name for name in settings.methods if name != BASELINE]
    return [
        *(Run("none", BASELINE, 0.0, seed) for seed in seeds),
        *(
            Run(teacher, method, weight, seed)
            for seed in seeds
            for teacher in settings.teachers
            for method in methods
            for weight in settings.weights_of(method)
        ),
    ]


def probed_runs(settings: Settings) -> list[Run]:
    """Return runs of the first seed with an eye on the atoms."""
    return [
        Run(teacher, method, 0.0 if method == BASELINE else settings.probed_weight_of(method), seed=0, probed=True)
        for teacher in settings.teachers
        for method in settings.probed_methods
    ]


def run_program(settings: Settings, out: Path, *, jobs: int, name: str, data_dir: Path | None = None) -> None:
    """Make every run that `out` lacks, in `jobs` processes, and write table.md, results.json and two figures.

    Each run depends on the settings and its own seed alone, so that they may end in any order.
    """
    unknown = sorted({*settings.methods, *settings.probed_methods} - {*METHODS})
    if unknown:
        raise SystemExit(f"no method is called {unknown[0]!r}; there are {', '.join(METHODS)}")
    check_settings(out, settings, choices=CHOICES)
    # One thread each: the fastest for networks this small, and sums in one order.
    where = {"settings": settings, "folder": out, "jobs": jobs, "threads": 1}
    teach, study = (functools.partial(do, data_dir=data_dir) for do in (train_teacher, train_student))
    teachers = finish_all(teacher_runs(settings), teach, what="teachers", **where)
    students = finish_all(student_runs(settings), study, what="students", **where)
    probed = finish_all(probed_runs(settings), study, what="atoms", **where)

    rows = chosen_rows(students, teachers=settings.teachers, methods=settings.methods)
    table = markdown_table(rows)
    write_results(out, table, settings=settings, rows=rows, teachers=teachers, students=students)
    draw_accuracies(students, rows, settings.teachers, out / f"{name}_accuracy.png")
    draw_atoms([*probed], out / "atoms", out / f"{name}_atoms.png")

    for kind in dict.fromkeys(run.kind for run in teachers):
        found = [result["test"] for run, result in teachers.items() if run.kind == kind]
        asked = "nuisance" if kind == "nuisance" else "label"
        print(f"teacher {kind}: {100 * sum(found) / len(found):.1f} % of the test images, asked for the {asked}")
    print(f"\n{table}\nwrote table.md, results.json and 2 figures to {out}")
