"""The 40 tasks of Beyond Normal: errors, flags and CPU seconds of our estimators, peers on the same samples.

    python benchmarks/mi_forty.py forty.jsonl [--samples 5000] [--seeds 3] [--task spiral] [--only ksg calibrated]
    python benchmarks/mi_forty.py forty.jsonl --peers [--most-seconds 600]
    python benchmarks/mi_forty.py forty.jsonl --tables

Every run is a line of JSON in the file, so that a study that was stopped goes on. --peers runs whatever of benchmark-mi
(with jax 0.4.30), latentmi, gmm-mi and ennemi can be imported, with the options that they have by default; an estimator
that has spent --most-seconds stops there, and the table says how many tasks it has done.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pidkit import PidkitWarning, estimate_mi
from pidkit.mi import BEYOND_NORMAL

OURS = ("calibrated", "ksg", "gao", "gaussian", "gaussian-copula")
"""Our estimators that the tasks are run with."""

TRIED = ("infonce", "mine", "jsd")
"""Those of our critics that --only takes besides; their tables have a second column, with what they miss of a surrogate
added, as the default estimator adds what nearest neighbours miss."""

Record = dict[str, Any]
Rows = np.ndarray[Any, np.dtype[np.float64]]
Peer = Callable[[Rows, Rows, int], float]


def peers() -> dict[str, Peer]:
    """Return the peers that can be imported: functions of a, b and a seed that return nats."""
    found: dict[str, Peer] = {}
    try:
        bmi = importlib.import_module("bmi.estimators")
        found |= {
            "bmi KSG": lambda a, b, seed: bmi.KSGEnsembleFirstEstimator(neighborhoods=(10,)).estimate(a, b),
            "bmi CCA": lambda a, b, seed: bmi.CCAMutualInformationEstimator().estimate(a, b),
            "bmi InfoNCE": lambda a, b, seed: bmi.InfoNCEEstimator(seed=seed, verbose=False).estimate(a, b),
            "bmi MINE": lambda a, b, seed: bmi.MINEEstimator(seed=seed, verbose=False).estimate(a, b),
        }
    except ImportError as error:
        print(f"benchmark-mi: {error}")
    try:
        lmi = importlib.import_module("latentmi.lmi")
        found["latentmi"] = lambda a, b, seed: _latentmi(lmi, a, b, seed)
    except ImportError as error:
        print(f"latentmi: {error}")
    try:
        gmm = importlib.import_module("gmm_mi.mi")
        found["gmm-mi"] = lambda a, b, seed: float(gmm.EstimateMI().fit_estimate(_one(a), _one(b))[0])
    except ImportError as error:
        print(f"gmm-mi: {error}")
    try:
        ennemi = importlib.import_module("ennemi")
        found["ennemi"] = lambda a, b, seed: float(ennemi.estimate_mi(_one(b), _one(a)).item())
    except ImportError as error:
        print(f"ennemi: {error}")
    return found


class NotForThis(Exception):
    """A peer takes one column a side only."""


def _one(rows: Rows) -> Rows:
    if rows.shape[1] > 1:
        raise NotForThis
    return rows[:, 0]


def _latentmi(lmi: Any, a: Rows, b: Rows, seed: int) -> float:
    """Return latentmi's mean of pointwise informations, which it gives in bits."""
    torch = importlib.import_module("torch")
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # latentmi draws from the global generator
    np.NaN = np.nan  # type: ignore[attr-defined]  # noqa: NPY201  # which it calls by its old name
    pointwise = lmi.estimate(a.astype(np.float32), b.astype(np.float32))[0]
    return float(np.nanmean(pointwise)) * float(np.log(2.0))


def ours(name: str, a: Rows, b: Rows, seed: int) -> Record:
    """Return the value, standard error and flags of one of our estimators."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PidkitWarning)
        found = estimate_mi(a, b, estimator=name, unit="nats", rng=seed)
    record = {"value": found.value, "stderr": found.stderr, "flags": [text.split(":")[0] for text in found.warnings]}
    seen = found.diagnostics
    if name in TRIED and "surrogate_found" in seen:
        record["corrected"] = found.value + seen["surrogate_known"] - seen["surrogate_found"]
    return record


def run(path: Path, keys: Iterator[tuple[str, int, int, str]], others: dict[str, Peer], most_seconds: float) -> None:
    """Run what the file does not hold yet."""
    done = {(one["estimator"], one["task"], one["n"], one["seed"]): one for one in read(path)}
    spent: dict[str, float] = {}
    for task_name, n, seed, name in keys:
        key = name, task_name, n, seed
        if key in done:
            spent[name] = spent.get(name, 0.0) + done[key]["seconds"]
        if key in done or spent.get(name, 0.0) > most_seconds:
            continue
        task = BEYOND_NORMAL[task_name]
        a, b = (np.asarray(side, dtype=np.float64) for side in task.sample(n, rng=seed))
        began = time.process_time()
        try:
            found = ours(name, a, b, seed) if name in (*OURS, *TRIED) else {"value": float(others[name](a, b, seed))}
        except NotForThis:
            continue
        seconds = time.process_time() - began
        record = {"estimator": name, "task": task_name, "n": n, "seed": seed, "truth": task.mi, "seconds": seconds}
        spent[name] = spent.get(name, 0.0) + seconds
        with path.open("a") as file:
            file.write(json.dumps(record | found) + "\n")
        print(f"{task_name:<29}{name:<16}{seed} {found['value'] - task.mi:+.3f} {seconds:6.1f} s", flush=True)


def read(path: Path) -> list[Record]:
    """Return the records of the file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wrong(record: Record) -> bool:
    """Tell whether a value is off by more than 30 % and .1 nats."""
    return abs(record["value"] - record["truth"]) > max(0.1, 0.3 * record["truth"])


def print_tables(records: list[Record]) -> None:
    """Print the summary by estimator and the errors by task, as Markdown."""
    for n in sorted({one["n"] for one in records}):
        some = [one for one in records if one["n"] == n]
        some += [
            one | {"estimator": f"{one['estimator']} + what it misses of a surrogate", "value": one["corrected"]}
            for one in some
            if "corrected" in one
        ]
        names = list(dict.fromkeys(one["estimator"] for one in some))
        print(f"\nn = {n}\n")
        print("| | runs | mean absolute error | within .1 | worst | off by 30 % and .1 | unflagged | flagged | CPU s |")
        print("|---" * 9 + "|")
        for name in names:
            print(summary(name, [one for one in some if one["estimator"] == name]))
        print("\n| task | truth | " + " | ".join(names) + " |\n|---|---" + "|---" * len(names) + "|")
        for task in BEYOND_NORMAL:
            cells = (cell([one for one in some if one["task"] == task and one["estimator"] == name]) for name in names)
            print(f"| {task} | {BEYOND_NORMAL[task].mi:.3f} | " + " | ".join(cells) + " |")


def summary(name: str, records: list[Record]) -> str:
    """Return the line of one estimator."""
    errors = np.array([abs(one["value"] - one["truth"]) for one in records])
    bad = [one for one in records if wrong(one)]
    flags = [bool(one.get("flags")) for one in records]
    unflagged = sum(not one.get("flags") for one in bad)
    seconds = np.mean([one["seconds"] for one in records])
    return (
        f"| {name} | {errors.size} | {errors.mean():.3f} | {(errors < 0.1).sum()} | {errors.max():.2f} | {len(bad)} "
        f"| {unflagged} | {sum(flags)} | {seconds:.2f} |"
    )


def cell(records: list[Record]) -> str:
    """Return the mean error over the seeds, with an f where a run is flagged."""
    if not records:
        return ""
    error = np.mean([one["value"] - one["truth"] for one in records])
    return f"{error:+.3f}{' f' if any(one.get('flags') for one in records) else ''}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", nargs="+", default=[""], help="parts of names of tasks, in the order to run them")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=None, metavar="ESTIMATOR")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--most-seconds", type=float, default=float("inf"))
    parser.add_argument("--tables", action="store_true")
    chosen = parser.parse_args()
    if chosen.tables:
        print_tables(read(chosen.file))
    else:
        others = peers() if chosen.peers else {}
        names = chosen.only or (*OURS, *others)
        tasks = list(dict.fromkeys(name for part in chosen.task for name in BEYOND_NORMAL if part in name))
        seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
        keys = ((task, chosen.samples, seed, name) for seed in seeds for name in names for task in tasks)
        run(chosen.file, keys, others, chosen.most_seconds)
