"""Layers of many more rows than features whose labels are quiet: what is read in pieces, in memory, and the truth.

Ten classes differ by a little in every feature, under twenty loud directions that tell nothing and noise in all. The
information of the label is known but for the error of a mean over the rows: the classes are normal with one
covariance. Within 64 MiB a layer of 20,000 x 512 is read in pieces, within 1 GiB as a whole::

    OMP_NUM_THREADS=1 python benchmarks/bench_many_rows.py 20000 512 --spread .08 --memory 64MiB 1GiB
    OMP_NUM_THREADS=1 python benchmarks/bench_many_rows.py 100000 2048 --spread .04 --memory 1GiB
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from pidkit import PidkitWarning, posteriors_of

CLASSES, LOUD, LOUDNESS = 10, 20, 4.0


def quiet(n: int, d: int, spread: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return a layer in float16, its labels, and their information in bits."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % CLASSES)
    loud = (rng.normal(size=(LOUD, d)) / np.sqrt(LOUD)).astype(np.float32)
    means = (spread * rng.normal(size=(CLASSES, d))).astype(np.float32)
    layer = np.empty((n, d), np.float16)
    noise = rng.standard_normal(max(2**25, 4096 * d), dtype=np.float32)  # pieces of one long sample: faster than new
    covariance = np.eye(d) + LOUDNESS**2 * loud.T.astype(np.float64) @ loud
    weights = np.linalg.solve(covariance, means.T.astype(np.float64))
    bias = 0.5 * (means * weights.T).sum(1)
    scores = []
    for begin in range(0, n, 4096):
        own = labels[begin : begin + 4096]
        start = int(rng.integers(noise.size - own.size * d))
        block = noise[start : start + own.size * d].reshape(own.size, d) + means[own]
        block += LOUDNESS * rng.standard_normal((own.size, LOUD), dtype=np.float32) @ loud
        logits = block @ weights.astype(np.float32) - bias
        logits -= logits.max(1, keepdims=True)
        scores.append(logits[np.arange(own.size), own] - np.log(np.exp(logits).sum(1)))
        layer[begin : begin + 4096] = block
    return layer, labels, float(np.concatenate(scores).mean() + np.log(CLASSES)) / np.log(2.0)


def main() -> None:
    """Read the command line, make the layer, and print what is read of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", type=int)
    parser.add_argument("d", type=int)
    parser.add_argument("--spread", type=float, default=0.04, help="standard deviation of the classes' means")
    parser.add_argument("--memory", nargs="+", default=["1GiB"])
    options = parser.parse_args()
    layer, labels, truth = quiet(options.n, options.d, options.spread)
    print(f"{options.n} x {options.d}: {truth:.4f} bits are to be read")
    for memory in options.memory:
        started = time.process_time()
        with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
            report = posteriors_of(labels=labels, x=layer, memory=memory).report
        print(
            f"{memory}, {'in pieces' if report.streamed else 'in memory'}: {report.calibrated:.4f} +- "
            f"{report.standard_error:.4f} bits, {time.process_time() - started:.0f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
