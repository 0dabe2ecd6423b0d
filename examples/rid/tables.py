"""What runs come to: the weight that did best on validation, and what its runs score on the test part."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.arrays import write_atomic
from rid.runs import Result, Run

BASELINE = "BAS"


@dataclass(frozen=True)
class Row:
    """One method with one teacher at its chosen weight; `gain` is over the baseline with the same seed, in points."""

    teacher: str
    method: str
    weight: float
    n_runs: int
    n_diverged: int
    validation: float
    test: float
    test_std: float
    gain: float
    gain_stderr: float


Weights = dict[tuple[str, str], float]
"""The lambda of each pair of a teacher and a method."""


def middle_of(grid: Sequence[float]) -> float:
    """Return the weight in the middle of a grid, which is the published one."""
    return grid[len(grid) // 2]


def chosen_weights(results: Mapping[Run, Result]) -> Weights:
    """Return the weight of each teacher and method that does best on validation, the smallest of several.

    A weight at which a run diverged is out of the choice, unless all are.
    """
    by_weight: dict[tuple[str, str], dict[float, dict[int, Result]]] = {}
    for run, result in results.items():
        if run.method != BASELINE and not run.probed:
            by_weight.setdefault((run.teacher, run.method), {}).setdefault(run.weight, {})[run.seed] = result
    return {
        pair: max(runs, key=lambda weight, runs=runs: (*_standing(runs[weight]), -weight))  # type: ignore[misc]
        for pair, runs in by_weight.items()
    }


def chosen_rows(
    results: Mapping[Run, Result], chosen: Weights, *, teachers: Sequence[str], methods: Sequence[str]
) -> list[Row]:
    """Return one row for the baseline, and one for every teacher and method that has a weight."""
    plain = {run.seed: result for run, result in results.items() if run.method == BASELINE and not run.probed}
    rows = [_row("none", BASELINE, 0.0, plain, plain)]
    for pair in ((teacher, method) for teacher in teachers for method in methods):
        if pair in chosen:
            runs = {
                run.seed: result
                for run, result in results.items()
                if (run.teacher, run.method, run.weight, run.probed) == (*pair, chosen[pair], False)
            }
            rows.append(_row(*pair, chosen[pair], runs, plain))
    return rows


def _standing(runs: Mapping[int, Result]) -> tuple[int, float]:
    """Return what weights are ranked by: fewest runs that diverged, then accuracy on validation."""
    return -sum(result["diverged"] for result in runs.values()), _mean(runs, "validation")


def _mean(runs: Mapping[int, Result], part: str) -> float:
    return float(np.mean([result[part] for result in runs.values()]))


def _row(teacher: str, method: str, weight: float, runs: Mapping[int, Result], plain: Mapping[int, Result]) -> Row:
    test = np.array([runs[seed]["test"] for seed in runs])
    gains = 100.0 * np.array([runs[seed]["test"] - plain[seed]["test"] for seed in runs])
    several = len(test) > 1
    return Row(
        teacher=teacher,
        method=method,
        weight=weight,
        n_runs=len(test),
        n_diverged=sum(result["diverged"] for result in runs.values()),
        validation=_mean(runs, "validation"),
        test=float(test.mean()),
        test_std=float(test.std(ddof=1)) if several else math.nan,
        gain=float(gains.mean()),
        gain_stderr=float(gains.std(ddof=1) / math.sqrt(len(gains))) if several else math.nan,
    )


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown, accuracies in percent."""
    lines = [
        "| teacher | method | λ (validation) | validation | test | gain over BAS | runs |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        plain = row.method == BASELINE
        weight = "" if plain else f"{row.weight:g}"
        gain = "" if plain else _with_error(row.gain, row.gain_stderr, "+.1f")
        runs = f"{row.n_runs}, {row.n_diverged} diverged" if row.n_diverged else f"{row.n_runs}"
        test = _with_error(100 * row.test, 100 * row.test_std, ".1f")
        lines.append(
            f"| {row.teacher} | {row.method} | {weight} | {100 * row.validation:.1f} | {test} | {gain} | {runs} |"
        )
    return "\n".join(lines) + "\n"


def search_table(results: Mapping[Run, Result]) -> str:
    """Return accuracy on validation in percent by weight, a row for each teacher and method."""
    found: dict[tuple[str, str], dict[float, list[float]]] = {}
    for run, result in results.items():
        found.setdefault((run.teacher, run.method), {}).setdefault(run.weight, []).append(result["validation"])
    lines = ["| teacher | method | λ: validation |", "|---|---|---|"]
    for (teacher, method), by_weight in found.items():
        cells = "; ".join(f"{weight:g}: {100 * float(np.mean(by_weight[weight])):.1f}" for weight in sorted(by_weight))
        lines.append(f"| {teacher} | {method} | {cells if method != BASELINE else cells.split(': ')[1]} |")
    return "\n".join(lines) + "\n"


def write_results(
    folder: Path,
    table: str,
    *,
    settings: Any,
    tables: Mapping[str, Sequence[Row]],
    teachers: Mapping[Any, Result],
    students: Mapping[Run, Result],
) -> None:
    """Write table.md, and results.json with the settings, the rows and what every single run came to."""
    write_atomic(folder / "table.md", table)
    results = {
        "settings": asdict(settings),
        "rows": {name: [asdict(row) for row in rows] for name, rows in tables.items()},
        "teachers": [_record(run, result) for run, result in teachers.items()],
        "students": [_record(run, result) for run, result in students.items()],
    }
    write_atomic(folder / "results.json", json.dumps(results, indent=1))


def _record(run: Any, result: Result) -> dict[str, Any]:
    """Return a run and its result as one record, without the time that it took: that differs from call to call."""
    return {
        name: value
        for name, value in {**asdict(run), **result}.items()
        if name != "cpu_seconds" and (name, value) != ("changed", ())
    }


def _with_error(value: float, error: float, form: str) -> str:
    return f"{value:{form}}" + ("" if math.isnan(error) else f" ± {error:.1f}")
