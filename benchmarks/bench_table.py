"""A table of 6 x 6 layers at four epochs: pid_table against a loop of representation_pid, in CPU seconds.

The layers are made as those of a convolutional network on CIFAR-10 after pooling: 5000 rows, ten classes, 64 to
512 non-negative features, float32, the task in a few directions and noise in all. A layer of each width is read, three
pairs are solved by both ways, and the times of all layers and pairs are computed from these; --whole runs everything::

    OMP_NUM_THREADS=1 python benchmarks/bench_table.py

It prints the times, their ratio, and the largest difference between the two ways' numbers.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from pidkit import pid_table, posteriors_of, representation_pid
from pidkit.errors import PidkitWarning
from pidkit.pid.result import ATOMS

WIDTHS = (64, 64, 128, 128, 256, 512)
EPOCHS = (1, 5, 20, 100)


def layers_of(rng: np.random.Generator, task: np.ndarray, quality: float) -> dict[str, np.ndarray]:
    """Return six layers, the later ones the clearer."""
    found = {}
    for depth, width in enumerate(WIDTHS):
        clear = quality * (0.4 + 0.1 * depth)
        mixed = clear * task @ rng.normal(size=(task.shape[1], width)) / 4.0 + 0.8 * rng.normal(size=(len(task), width))
        found[f"block{depth + 1}"] = np.maximum(mixed, 0.0).astype(np.float32)
    return found


parser = argparse.ArgumentParser(description="time pid_table against a loop of representation_pid")
parser.add_argument("--rows", type=int, default=5000)
parser.add_argument("--whole", action="store_true", help="make the whole table and run the whole loop: an hour or so")
parser.add_argument("--synergy", action="store_true", help="decode both layers of every pair, too")
options = parser.parse_args()

rng = np.random.default_rng(0)
labels = rng.integers(10, size=options.rows)
task = 0.6 * rng.normal(size=(10, 16))[labels] + rng.normal(size=(options.rows, 16))
teacher = layers_of(rng, task, 1.0)
students = {epoch: layers_of(rng, task, quality) for epoch, quality in zip(EPOCHS, (0.3, 0.5, 0.7, 0.9), strict=True)}
n_layers, n_pairs = len(WIDTHS) * (1 + len(EPOCHS)), len(WIDTHS) ** 2 * len(EPOCHS)
chosen = list(EPOCHS) if options.whole else [20]
x1 = teacher if options.whole else {name: teacher[name] for name in ("block1", "block3", "block6")}
x2 = {(name, epoch): students[epoch][name] for epoch in chosen for name in (teacher if options.whole else ("block5",))}


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns and its CPU seconds."""
    started = time.process_time()
    return call(), time.process_time() - started


def read(layer: np.ndarray) -> Any:
    return posteriors_of(labels=labels, x=layer, path=folder)


def table() -> Any:
    return pid_table(labels=labels, x1=x1, x2=x2, index="epoch", path=folder, synergy=options.synergy)


def loop() -> dict[Any, Any]:
    pairs = itertools.product(x1.items(), x2.items())
    return {(one, key): representation_pid(labels=labels, x1=a, x2=b) for (one, a), (key, b) in pairs}


with (
    warnings.catch_warnings(category=PidkitWarning, action="ignore"),
    threadpool_limits(1),
    tempfile.TemporaryDirectory() as folder,
):
    representation_pid(labels=labels[:500], x1=teacher["block1"][:500], x2=teacher["block2"][:500])  # compile
    by_width = {layer.shape[1]: timed(lambda layer=layer: read(layer))[1] for layer in (*x1.values(), *x2.values())}
    made, of_pairs = timed(table)
    _, again = timed(table)
    looped, of_loop = timed(loop)
off = max(
    abs(getattr(result, atom) - getattr(made.result(one, other, epoch=epoch), atom))
    for (one, (other, epoch)), result in looped.items()
    for atom in ATOMS
    if options.synergy or atom != "synergy"
)
of_layers = (1 + len(EPOCHS)) * sum(by_width[width] for width in WIDTHS)
whole_table, whole_loop = of_layers + of_pairs * n_pairs / len(looped), of_loop * n_pairs / len(looped)
print(f"{n_pairs} pairs of {options.rows} rows, {n_layers} layers, synergy: {options.synergy}; {len(looped)} measured")
print("reading a layer, by width   " + ", ".join(f"{width}: {seconds:.1f}" for width, seconds in by_width.items()))
print(f"solving a pair              {of_pairs / len(looped):8.2f} CPU s")
print(f"the same call again, a pair {again / len(looped):8.2f} CPU s")
print(f"a pair in the loop          {of_loop / len(looped):8.2f} CPU s")
print(f"loop of representation_pid  {whole_loop:8.0f} CPU s")
print(f"pid_table                   {whole_table:8.0f} CPU s, {whole_loop / whole_table:.1f} times less")
print(f"largest difference of an atom {off:.1e} bits")
