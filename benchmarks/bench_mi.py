"""Mutual information: estimate, error and seconds of every estimator on the ground-truth tasks, peers beside ours.

The table (means over seeds, nats, CPU seconds a run), and at its end whether ours are as accurate and fast as they have
to be:

    python benchmarks/bench_mi.py [--seeds 5] [--samples 5000] [--markdown]

The 40 tasks of Beyond Normal are run by benchmarks/mi_forty.py.

As timings: python -m pytest benchmarks/bench_mi.py --benchmark-only
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from pidkit import PidkitWarning, estimate_mi
from pidkit.mi import TASKS, Task

KNN = ("normal 1x1", "additive noise", "swiss roll", "dense 5x5", "pair 5x5", "half-cube 5x5", "dense 25x25")
GAUSSIAN = tuple(name for name, task in TASKS.items() if task.kind == "gaussian")
TRAINED = ("normal 1x1", "additive noise", "swiss roll", "dense 5x5", "pair 5x5", "strong 5x5", "dense 25x25")


def ours(estimator: str, **options: object) -> Callable[[Task, int, int], float]:
    def run(task: Task, n: int, seed: int) -> float:
        a, b = task.sample(n, rng=seed)
        if estimator == "label-decoder":
            a, b = b, a
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PidkitWarning)
            return estimate_mi(a, b, estimator=estimator, unit="nats", rng=seed, **options).value

    return run


def sklearn_regression(task: Task, n: int, seed: int) -> float:
    a, b = task.sample(n, rng=seed)
    return float(mutual_info_regression(a, np.ravel(b), random_state=seed)[0])


def sklearn_classification(task: Task, n: int, seed: int) -> float:
    labels, x = task.sample(n, rng=seed)
    return float(mutual_info_classif(x, labels, random_state=seed)[0])


ROWS: dict[str, tuple[Callable[[Task, int, int], float], tuple[str, ...]]] = {
    "KSG-1": (ours("ksg"), KNN),
    "calibrated": (ours("calibrated"), KNN),
    "KSG-2": (ours("ksg", version=2), KNN),
    "Ross": (ours("ross"), ("mixed",)),
    "Gao": (ours("gao"), ("normal 1x1", "additive noise", "swiss roll", "mixed", "channel")),
    "Gaussian": (ours("gaussian"), GAUSSIAN),
    "Gaussian, uncorrected": (ours("gaussian", correction="none"), GAUSSIAN),
    "Gaussian copula": (ours("gaussian-copula"), (*GAUSSIAN, "half-cube 5x5", "additive noise", "swiss roll")),
    "plug-in": (ours("plugin"), ("channel",)),
    "Miller-Madow": (ours("miller-madow"), ("channel",)),
    "InfoNCE": (ours("infonce"), TRAINED),
    "JSD + NWJ": (ours("jsd"), TRAINED),
    "JSD + SMILE": (ours("smile"), TRAINED),
    "MINE": (ours("mine"), TRAINED),
    "NWJ": (ours("nwj"), TRAINED),
    "label decoder, linear": (ours("label-decoder"), ("mixed",)),
    "label decoder, MLP": (ours("label-decoder", model="mlp"), ("mixed",)),
    "reconstruction decoder": (ours("reconstruction-decoder"), ("normal 1x1", "pair 5x5")),
    "scikit-learn, regression": (sklearn_regression, ("normal 1x1", "additive noise")),
    "scikit-learn, classification": (sklearn_classification, ("mixed",)),
}

WANTED = (
    *(("KSG-1", name, (-0.03, 0.03), None) for name in KNN[:3]),
    ("KSG-1", "dense 5x5", (-0.05, 0.05), None),
    *(("Gaussian", name, (-0.02, 0.02), None) for name in GAUSSIAN if name.endswith("25x25")),
    ("InfoNCE", "pair 5x5", (0.93 - TASKS["pair 5x5"].mi, 1.05 - TASKS["pair 5x5"].mi), 20.0),
    ("InfoNCE", "swiss roll", (0.37 - TASKS["swiss roll"].mi, np.inf), 20.0),
    ("Ross", "mixed", (-0.03, 0.03), None),
    ("Gao", "mixed", (-0.03, 0.03), None),
)
"""What is asked of our estimators: the estimator, the task, the error allowed, and the CPU seconds."""


@dataclass(frozen=True)
class Cell:
    """One estimator on one task: mean and spread over the seeds, and CPU seconds a run."""

    mean: float
    spread: float
    truth: float
    seconds: float

    @property
    def error(self) -> float:
        return self.mean - self.truth


def measure(row: str, name: str, *, n: int, seeds: int) -> Cell:
    run, task = ROWS[row][0], TASKS[name]
    began = time.process_time()
    values = [run(task, n, seed) for seed in range(seeds)]
    seconds = (time.process_time() - began) / seeds
    return Cell(float(np.mean(values)), float(np.std(values)), task.mi, seconds)


def print_table(*, n: int, seeds: int, markdown: bool) -> bool:
    """Print the table row by row and then what was asked for; return whether all of it holds."""
    head = ("estimator", "task", "truth", "mean", "spread", "error", "CPU s")
    print(f"n = {n}, means over {seeds} seeds, nats\n")
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|" if markdown else layout(head))
    cells: dict[tuple[str, str], Cell] = {}
    for row, (_, names) in ROWS.items():
        for name in names:
            cells[row, name] = cell = measure(row, name, n=n, seeds=seeds)
            numbers = (cell.truth, cell.mean, cell.spread)
            line = (row, name, *(f"{x:.3f}" for x in numbers), f"{cell.error:+.3f}", f"{cell.seconds:.2f}")
            print("| " + " | ".join(line) + " |" if markdown else layout(line), flush=True)
    print("\nAsked for")
    holds = True
    for row, name, (low, high), limit in WANTED:
        cell = cells[row, name]
        good = low <= cell.error <= high and (limit is None or cell.seconds <= limit)
        holds &= good
        spent = "" if limit is None else f", {cell.seconds:.1f} <= {limit:.0f} s"
        print(f"  {'yes' if good else 'NO '}  {row}, {name}: {low:+.3f} <= {cell.error:+.3f} <= {high:+.3f}{spent}")
    return holds


def layout(line: tuple[str, ...]) -> str:
    return f"{line[0]:<29}{line[1]:<18}" + "".join(f"{text:>9}" for text in line[2:])


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, (_, names) in ROWS.items() for name in names])
def test_estimator(benchmark, row, name):
    run, task = ROWS[row][0], TASKS[name]
    value = benchmark.pedantic(run, (task, 5000, 0), rounds=1)
    benchmark.extra_info.update(truth=task.mi, value=value, error=value - task.mi)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    sys.exit(0 if print_table(n=chosen.samples, seeds=chosen.seeds, markdown=chosen.markdown) else 1)
