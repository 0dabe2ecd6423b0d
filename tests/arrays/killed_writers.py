"""Writers that are killed by SIGKILL again and again; prints what was lost and what was left over.

python killed_writers.py FOLDER N: N children, forked one by one, each of which writes one version after the other by
every writer until it is killed at a random moment. After each kill every file must be whole, and no older than
before; the next writer removes what the killed one left. One import serves all processes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.arrays import load_array, save_arrays, write_atomic
from pidkit.distill import EpochRecord, History
from pidkit.records import AtomRecords, PlanePoint, PlaneTrajectory
from tests.records.test_atom_history import record

SIZE = 20_000


def trajectory(k: int) -> PlaneTrajectory:
    points = [PlanePoint("net", step, "fc", "mi_label", "ksg", 0.5) for step in range(k + 1)]
    return PlaneTrajectory(tuple(points), "bits", 1.0, 100, {"k": k})


def atoms(k: int) -> AtomRecords:
    return AtomRecords(tuple(record(float(epoch)) for epoch in range(k + 1)), 1.5, 100, (), {"k": k})


def history(k: int) -> History:
    return History(tuple(EpochRecord(e, "student", 1.0, {}, 1.0, 0.5, None, {}, 0.1) for e in range(k + 1)))


def version_of_array(file: Path) -> int:
    """Return the number that fills an array, all of it."""
    (value,) = set(np.array(load_array(file)).tolist())
    return int(value)


WRITERS: dict[str, tuple[Callable[[Path, int], Any], Callable[[Path], int]]] = {
    "x.npz": (lambda file, k: save_arrays(file, x=np.full(SIZE, k)), version_of_array),
    "x.npy": (lambda file, k: save_arrays(file, x=np.full(SIZE, k)), version_of_array),
    "x.safetensors": (lambda file, k: save_arrays(file, x=np.full(SIZE, k)), version_of_array),
    "text.json": (
        lambda file, k: write_atomic(file, json.dumps([k] * SIZE)),
        lambda file: int(np.unique(json.loads(file.read_text())).item()),
    ),
    "plane.npz": (lambda file, k: trajectory(k).save(file), lambda file: len(PlaneTrajectory.load(file).points) - 1),
    "atoms.json": (lambda file, k: atoms(k).save(file), lambda file: len(AtomRecords.load(file).records) - 1),
    "history.json": (
        lambda file, k: history(k).save(file),
        lambda file: len(History.from_dict(json.loads(file.read_text())).epochs) - 1,
    ),
}


def main(folder: Path, n_kills: int) -> None:
    draw, reached, left_over = random.Random(0), dict.fromkeys(WRITERS, 0), 0
    for name, (write, _) in WRITERS.items():
        write(folder / name, 0)
    for _ in range(n_kills):
        begun, ready = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(ready, b"1")
            for k in range(1 + max(reached.values()), 10**6):
                for name, (write, _) in WRITERS.items():
                    write(folder / name, k)
        os.read(begun, 1)
        os.close(begun)
        os.close(ready)
        time.sleep(draw.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left_over += len(list(folder.glob(".*.tmp")))
        for name, (_, version) in WRITERS.items():
            now = version(folder / name)
            assert now >= reached[name], f"{name} went back from {reached[name]} to {now}"
            reached[name] = now
    for name, (write, version) in WRITERS.items():
        write(folder / name, reached[name])
        assert version(folder / name) == reached[name]
    files = sorted(file.name for file in folder.iterdir())
    print(json.dumps({"versions": min(reached.values()), "left_over": left_over, "files": files}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
