"""A table of 6 x 6 layers at four epochs: pid_table against a loop of representation_pid, in CPU seconds.

The layers are made as those of a convolutional network on CIFAR-10 after pooling: 5000 rows, ten classes, 64 to
512 non-negative features, float32, the task in a few directions and noise in all. Both ways are measured with and
without the synergy, which needs a decoder of both layers for each pair. A layer of each width is read, three pairs are
solved in each of the four ways, and the times of all layers and pairs are computed from these. --whole makes the whole
table without the synergy, as `pid_table` does by default, and runs the whole loop with it, as `representation_pid`
does; the two other ways are then measured on eighteen pairs::

    OMP_NUM_THREADS=1 python benchmarks/bench_table.py

It prints the times, their ratios, and the largest difference between the two ways' numbers.
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
options = parser.parse_args()

rng = np.random.default_rng(0)
labels = rng.integers(10, size=options.rows)
task = 0.6 * rng.normal(size=(10, 16))[labels] + rng.normal(size=(options.rows, 16))
teacher = layers_of(rng, task, 1.0)
students = {epoch: layers_of(rng, task, quality) for epoch, quality in zip(EPOCHS, (0.3, 0.5, 0.7, 0.9), strict=True)}
n_layers, n_pairs = len(WIDTHS) * (1 + len(EPOCHS)), len(WIDTHS) ** 2 * len(EPOCHS)
three = {name: teacher[name] for name in ("block1", "block3", "block6")}
every = {(name, epoch): layer for epoch, layers in students.items() for name, layer in layers.items()}
few_1, few_2 = (teacher if options.whole else three), {}
for name in ("block1", "block5", "block6") if options.whole else ("block5",):
    few_2[name, 20] = students[20][name]
x1, x2 = (teacher, every) if options.whole else (few_1, few_2)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns and its CPU seconds."""
    started = time.process_time()
    return call(), time.process_time() - started


def read(layer: np.ndarray) -> Any:
    return posteriors_of(labels=labels, x=layer, path=folder)


def table(x1: dict[Any, Any], x2: dict[Any, Any], *, synergy: bool) -> tuple[Any, float, int]:
    made, seconds = timed(lambda: pid_table(labels=labels, x1=x1, x2=x2, index="epoch", path=folder, synergy=synergy))
    return made, seconds, len(x1) * len(x2)


def loop(x1: dict[Any, Any], x2: dict[Any, Any], *, synergy: bool) -> tuple[dict[Any, Any], float, int]:
    pairs = [*itertools.product(x1.items(), x2.items())]
    looped, seconds = timed(
        lambda: {
            (one, key): representation_pid(labels=labels, x1=a, x2=b, synergy=synergy) for (one, a), (key, b) in pairs
        }
    )
    return looped, seconds, len(pairs)


def furthest(looped: dict[Any, Any], made: Any, *, synergy: bool) -> float:
    """Return the largest difference of an atom."""
    return max(
        abs(getattr(result, atom) - getattr(made.result(one, other, epoch=epoch), atom))
        for (one, (other, epoch)), result in looped.items()
        for atom in ATOMS
        if synergy or atom != "synergy"
    )


with (
    warnings.catch_warnings(category=PidkitWarning, action="ignore"),
    threadpool_limits(1),
    tempfile.TemporaryDirectory() as folder,
):
    representation_pid(labels=labels[:500], x1=teacher["block1"][:500], x2=teacher["block2"][:500])  # compile
    of_layers = [(layer.shape[1], timed(lambda layer=layer: read(layer))[1]) for layer in (*x1.values(), *x2.values())]
    made, of_table, n_made = table(x1, x2, synergy=False)
    _, again = timed(lambda: table(x1, x2, synergy=False))
    looped, of_loop, n_looped = loop(x1, x2, synergy=True)
    off = furthest(looped, made, synergy=False)
    made_both, of_table_both, n_both = table(few_1, few_2, synergy=True)
    looped_alone, of_loop_alone, n_alone = loop(few_1, few_2, synergy=False)
    off = max(off, furthest({key: looped[key] for key in looped_alone}, made_both, synergy=True))
    off = max(off, furthest(looped_alone, made, synergy=False))
by_width = {width: float(np.mean([s for w, s in of_layers if w == width])) for width in sorted(set(WIDTHS))}
reading = (1 + len(EPOCHS)) * sum(by_width[width] for width in WIDTHS)
tables = {False: reading + of_table * n_pairs / n_made, True: reading + of_table_both * n_pairs / n_both}
loops = {False: of_loop_alone * n_pairs / n_alone, True: of_loop * n_pairs / n_looped}
print(
    f"{n_pairs} pairs of {options.rows} rows, {n_layers} layers; measured: {n_made} pairs, {n_both} in two of the ways"
)
print("reading a layer, by width   " + ", ".join(f"{width}: {seconds:.1f}" for width, seconds in by_width.items()))
print(f"the same call again, a pair {again / n_made:8.2f} CPU s")
print("| CPU s | a pair, table | a pair, loop | all, table | all, loop | times |")
print("|---|---|---|---|---|---|")
for said, both in (("without the synergy", False), ("with the synergy", True)):
    pair, pair_in_loop = (
        (of_table_both / n_both, of_loop / n_looped) if both else (of_table / n_made, of_loop_alone / n_alone)
    )
    print(
        f"| {said} | {pair:.2f} | {pair_in_loop:.2f} | {tables[both]:.0f} | {loops[both]:.0f} "
        f"| {loops[both] / tables[both]:.1f} |"
    )
print(f"each as it is by default: {loops[True] / tables[False]:.1f} times")
print(f"largest difference of an atom {off:.1e} bits")
