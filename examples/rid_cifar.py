r"""
The CIFAR experiments of the RID paper
======================================

Dissanayake et al., "Quantifying knowledge distillation using partial information decomposition" (AISTATS 2025), distil
a wide residual network into a smaller one, on CIFAR-10 and on CIFAR-100, from a teacher that was trained and from one
that was not. This program fills that table: students alone (BAS) and by VID, TED, RID and the exact redundancy, over
seeds, with the paper's settings (its appendix D; ``rid.cifar.Settings`` holds each, and ``--set NAME=VALUE`` replaces
any).

Download an official archive of https://www.cs.toronto.edu/~kriz/cifar.html, the binary version or the one for Python,
and unpack it into a folder, say ``data``. On a GPU::

    python examples/rid_cifar.py --data-dir data --out cifar10 --set precision=bfloat16
    python examples/rid_cifar.py --data-dir data --out cifar100 --dataset cifar100 --set precision=bfloat16

A program that was stopped goes on at the epoch where it was.

On a CPU, networks of four convolutions do what the wide ones do, in seconds a run::

    python examples/rid_cifar.py --small --data-dir data --out small --jobs 2

Students of 100 images a class learn beside four teachers: one trained on 20,000 images, one not trained, one trained on
a nuisance (which of ten colour casts lies over the image), and the first again with two of its three layers showing
other images. The weight of every method is chosen with a seed that is not reported. Its methods, weights and settings
are in ``rid.small_images``. ``--quick`` runs all of it on 200 images, to see that it runs.

It needs the ``torch`` extra. What is shared with the other programs is in ``examples/rid/``.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from rid.cifar import CHOICES, CIFAR10, CIFAR100, Settings, TeacherRun, load_images, train_student, train_teacher
from rid.cifar_data import DataError
from rid.methods import METHODS
from rid.options import add_set_option, replaced
from rid.program import run_program
from rid.runs import Result, Run, check_settings, finish_all
from rid.small_images import QUICK, SmallSettings
from rid.tables import BASELINE, Row, chosen_rows, chosen_weights, markdown_table, write_results

SETTINGS = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def student_runs(settings: Settings) -> list[Run]:
    """Return the runs, students alone first: TED goes on from them."""
    seeds = range(settings.n_seeds)
    return [
        *(Run("none", BASELINE, 0.0, seed) for seed in seeds),
        *(
            Run(teacher, method, weight, seed)
            for seed in seeds
            for teacher in settings.teachers
            for method in settings.methods
            if method != BASELINE
            for weight in settings.weights[method]
        ),
    ]


def atoms_table(rows: list[Row], students: Mapping[Run, Result]) -> str:
    """Return what the last layers of teacher and student come to know about the label, the mean over seeds."""
    lines = ["| teacher | method | Red | Uni_T | Uni_S | Syn |", "|---|---|---|---|---|---|"]
    for row in rows:
        found = [
            result["atoms"]
            for run, result in students.items()
            if (run.teacher, run.method, run.weight) == (row.teacher, row.method, row.weight) and result.get("atoms")
        ]
        if found:
            atoms = ("redundancy", "unique_teacher", "unique_student", "synergy")
            cells = " | ".join(f"{np.mean([one[atom] for one in found]):.3f}" for atom in atoms)
            lines.append(f"| {row.teacher} | {row.method} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="the CIFAR experiments of the RID paper")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder with the unpacked archive")
    parser.add_argument("--dataset", choices=SETTINGS, default="cifar10")
    parser.add_argument("--out", type=Path, default=Path("cifar"), help="folder to write into (default: cifar)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--small", action="store_true", help="four convolutions and few images: CIFAR-10 on a CPU")
    parser.add_argument("--quick", action="store_true", help="--small on 200 images, to see that it runs")
    parser.add_argument("--jobs", type=int, default=2, help="processes of --small (default: 2)")
    add_set_option(parser)
    options = parser.parse_args()
    if options.small or options.quick:
        small = replaced(QUICK if options.quick else SmallSettings(), options.set)
        run_program(small, options.out, jobs=options.jobs, name="rid_small", data_dir=options.data_dir)
        return
    settings = replaced(SETTINGS[options.dataset], options.set)
    unknown = sorted({*settings.methods} - {*METHODS})
    if unknown:
        raise SystemExit(f"no method is called {unknown[0]!r}; there are {', '.join(METHODS)}")
    images = load_images(options.data_dir, settings, options.device)
    check_settings(options.out, settings, choices=CHOICES)

    where = {"settings": settings, "folder": options.out, "jobs": 1}
    teach, study = (functools.partial(do, images=images) for do in (train_teacher, train_student))
    teachers = finish_all([TeacherRun(kind) for kind in settings.teachers], teach, what="teachers", **where)
    students = finish_all(student_runs(settings), study, what="students", **where)

    chosen = chosen_weights(students)
    rows = chosen_rows(students, chosen, teachers=settings.teachers, methods=settings.methods)
    table = f"{markdown_table(rows)}\nAtoms of {settings.layers[-1]} in bits:\n\n{atoms_table(rows, students)}"
    write_results(options.out, table, settings=settings, tables={"chosen": rows}, teachers=teachers, students=students)
    for run, result in teachers.items():
        if result["test"] is not None:
            print(f"teacher {run.kind}: {100 * result['test']:.1f} % of the test images")
    print(f"\n{table}\nwrote table.md and results.json to {options.out}")


if __name__ == "__main__":
    try:
        main()
    except DataError as error:
        raise SystemExit(f"rid_cifar: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit("\nstopped; the same command goes on from the last epoch that was finished") from None
