"""Layers larger than memory: anonymous memory and CPU time of reading them, decoded and by the RID paper's recipe.

The layers lie in files of float16, which are written to a temporary folder first and removed afterwards: ten classes,
told apart in a few quiet directions of a layer, under loud ones that tell nothing, and noise. Each reading runs in a
process of its own, whose anonymous memory (RssAnon in /proc/self/status, pages of no file) is looked at a hundred times
a second, and whose CPU seconds count both of its cores::

    OMP_NUM_THREADS=1 nice -n 10 python benchmarks/bench_streaming.py --growth

By default the maps that the RID paper calls infeasible are read, 12,000 x 100,352, two of them of 2.2 GiB each, and
1,000,000 x 2048, 3.8 GiB; --growth adds how memory and time grow with rows and with features. --size N D
chooses others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pidkit import PidkitWarning

CLASSES, LOUD, QUIET = 10, 20, 30
"""Classes, and directions of each kind."""

LARGE = ((12_000, 100_352), (1_000_000, 2_048))
GROWTH = ((3_000, 25_088), (12_000, 25_088), (48_000, 25_088), (12_000, 6_272), (100_000, 2_048), (300_000, 2_048))


def write(path: Path, n: int, d: int, labels: np.ndarray, seed: int) -> None:
    """Write a layer of n rows and d features, a piece at a time."""
    rng = np.random.default_rng(seed)
    loud, quiet = (rng.normal(size=(k, d)).astype(np.float32) / np.sqrt(k) for k in (LOUD, QUIET))
    means = 0.5 * rng.normal(size=(CLASSES, QUIET)).astype(np.float32)
    layer = np.lib.format.open_memmap(path, "w+", np.float16, (n, d))
    height = max(1, 2**23 // d)
    noise = rng.standard_normal(2**24, dtype=np.float32)
    for begin in range(0, n, height):
        own = labels[begin : begin + height]
        start = int(rng.integers(noise.size - own.size * d))  # a piece of one long sample: much faster than new noise
        block = noise[start : start + own.size * d].reshape(own.size, d).copy()
        block += (means[own] + rng.standard_normal((own.size, QUIET), dtype=np.float32)) @ quiet
        block += 4.0 * rng.standard_normal((own.size, LOUD), dtype=np.float32) @ loud
        layer[begin : begin + height] = np.maximum(block, 0.0)
    layer.flush()


def anonymous() -> int:
    """Return the bytes of this process that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise OSError("no RssAnon in /proc/self/status: this benchmark needs Linux")


def decoded(files: list[Path], labels: np.ndarray, memory: str) -> str:
    """Decode one layer, or a pair without its synergy."""
    from pidkit import posteriors_of, representation_pid

    read = [posteriors_of(labels=labels, x=file, memory=memory) for file in files]
    if len(read) == 1:
        return f"I = {read[0].report.calibrated:.3f}"
    result = representation_pid(labels=labels, x1=read[0], x2=read[1], memory=memory, synergy=False)
    return f"I = {result.mi_1:.3f}, {result.mi_2:.3f}; Red = {result.redundancy:.3f}"


def coded(files: list[Path], labels: np.ndarray, memory: str) -> str:
    """Code one layer, or a pair, by the paper's recipe: unit rows, ten components, ten codes."""
    from pidkit import RepresentationCodes, coded_pid, codes_of

    quantiser = RepresentationCodes(normalise=True, memory=memory)
    read = [codes_of(x=file, quantiser=quantiser) for file in files]
    result = coded_pid(labels=labels, x1=read[0], x2=read[-1])
    return f"I = {result.pid.mi_1:.3f}, {result.pid.mi_2:.3f}"


def measure(call: Callable[..., str], arguments: tuple[Any, ...], answer: Any) -> None:
    """Run one call, and send what it found, its peak of anonymous memory, and its seconds."""
    peak, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], anonymous())

    watch = threading.Thread(target=look)
    watch.start()
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        said = call(*arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done.set()
    watch.join()
    answer.send((said, peak[0], cpu, wall))


def row(call: Callable[..., str], files: list[Path], labels: np.ndarray, shape: tuple[int, int], memory: str) -> None:
    """Print a line of the table."""
    mine, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=measure, args=(call, (files, labels, memory), theirs))
    process.start()
    theirs.close()
    try:
        said, peak, cpu, wall = mine.recv()
    except EOFError:
        said, peak, cpu, wall = "died", 0, float("nan"), float("nan")
    process.join()
    size = files[0].stat().st_size / 2**30
    n, d = shape
    print(
        f"| {n:,} x {d:,} | {size:.2f} | {len(files)} | {call.__name__} | {peak / 2**30:.2f} | {cpu / len(files):.0f} "
        f"| {wall / len(files) / 60:.1f} | {said} |",
        flush=True,
    )


def main() -> None:
    """Read the command line, write the layers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, action="append", metavar=("N", "D"), help="may be repeated")
    parser.add_argument("--growth", action="store_true", help="smaller layers, too")
    parser.add_argument("--memory", default="1 GiB")
    parser.add_argument("--layers", type=int, choices=(1, 2), help="2 for the maps of 100,352 features, 1 for others")
    parser.add_argument("--how", choices=("decoded", "coded"), help="both by default")
    options = parser.parse_args()
    sizes = [tuple(size) for size in options.size] if options.size else [*LARGE, *(GROWTH if options.growth else ())]
    print("| layer | GiB | layers | how | anonymous GiB | CPU s a layer | minutes a layer | bits |")
    print("|---|---|---|---|---|---|---|---|")
    for n, d in sizes:
        n_layers = options.layers or (2 if d > 50_000 else 1)
        if shutil.disk_usage(tempfile.gettempdir()).free < 2 * n * d * n_layers + 2**30:
            print(f"no room for {n} x {d} in {tempfile.gettempdir()}")
            continue
        labels = np.random.default_rng(0).permutation(np.arange(n) % CLASSES)
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, f"x{k}.npy") for k in range(n_layers)]
            for seed, file in enumerate(files):
                write(file, n, d, labels, seed)
            for call in (decoded, coded):
                if options.how in (None, call.__name__):
                    row(call, files, labels, (n, d), options.memory)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
