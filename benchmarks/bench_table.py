"""A table of 6 x 6 layers at four epochs: pid_table against a loop of representation_pid, in CPU seconds.

The layers are made as those of a convolutional network on CIFAR-10 are after pooling: 5000 rows, ten classes, 64 to 512
non-negative features, float32, the task in a few directions and noise in all. The loop is run on some of the pairs and
scaled up, since all of it takes most of an hour; --whole runs it all::

    OMP_NUM_THREADS=1 python benchmarks/bench_table.py

It prints both times, their ratio, what the second call takes, and the largest difference between the two ways' numbers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from pidkit import pid_table, representation_pid
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
parser.add_argument("--checked", type=int, default=6, help="pairs of the loop that are run (default: 6)")
parser.add_argument("--whole", action="store_true", help="run the whole loop")
parser.add_argument("--synergy", action="store_true", help="decode both layers of every pair, too")
options = parser.parse_args()

rng = np.random.default_rng(0)
labels = rng.integers(10, size=options.rows)
task = 0.6 * rng.normal(size=(10, 16))[labels] + rng.normal(size=(options.rows, 16))
teacher = layers_of(rng, task, 1.0)
student = {
    (name, epoch): layer
    for epoch, quality in zip(EPOCHS, (0.3, 0.5, 0.7, 0.9), strict=True)
    for name, layer in layers_of(rng, task, quality).items()
}
pairs = [(one, other) for one in teacher for other in student]
chosen = pairs if options.whole else [pairs[k] for k in rng.choice(len(pairs), options.checked, replace=False)]
with warnings.catch_warnings(category=PidkitWarning, action="ignore"), threadpool_limits(1):
    representation_pid(labels=labels[:500], x1=teacher["block1"][:500], x2=teacher["block2"][:500])  # compile
    with tempfile.TemporaryDirectory() as folder:

        def table():
            started = time.process_time()
            made = pid_table(labels=labels, x1=teacher, x2=student, index="epoch", path=folder, synergy=options.synergy)
            return made, time.process_time() - started

        made, first = table()
        _, again = table()
    started = time.process_time()
    loop = {pair: representation_pid(labels=labels, x1=teacher[pair[0]], x2=student[pair[1]]) for pair in chosen}
    looped = (time.process_time() - started) * len(pairs) / len(chosen)
off = max(
    abs(getattr(result, atom) - getattr(made.result(one, other, epoch=epoch), atom))
    for (one, (other, epoch)), result in loop.items()
    for atom in ATOMS
    if options.synergy or atom != "synergy"
)
print(f"{len(pairs)} pairs of {options.rows} rows, {len(teacher) + len(student)} layers, synergy: {options.synergy}")
print(f"loop of representation_pid  {looped:8.1f} CPU s" + ("" if options.whole else f", from {len(chosen)} pairs"))
print(f"pid_table                   {first:8.1f} CPU s, {looped / first:.1f} times less")
print(f"the same call again         {again:8.1f} CPU s")
print(f"largest difference of an atom {off:.1e} bits, of {len(chosen)} pairs")
