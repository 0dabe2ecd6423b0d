"""How good are atoms of samples? Bias, scatter, coverage, false alarms and power on systems whose atoms are known.

`python benchmarks/bench_estimates.py` prints the tables of docs/meaning/what-to-believe.md: every system at every size,
with pidkit's estimate beside the plug-in value and the corrections of the literature. Seeds are fixed: the same command
gives the same figures. `--samples 5` is for a look. Cells hold redundancy, unique_1, unique_2
and synergy, in bits; "called real" is the share of samples in which the p-value of an atom is at most .05.

Systems, all with a uniform target unless said otherwise, `noisy(k)` being the channel that keeps the symbol with
probability k and draws it anew otherwise:

independent  the sources tell nothing.
redundant    both sources are one and the same noisy(.7) look at the target.
unique       x1 is noisy(.7) of the target, x2 tells nothing.
two looks    x1 = noisy(.6), x2 = noisy(.35), independent given the target.
equal looks  both noisy(.7), independent given the target: the corner where unique_1 = unique_2 = 0.
sharp        channels drawn from a Dirichlet distribution with few large entries, independent given the target.
modular      x1 and x2 are uniform, the target is noisy(.7) of x1 + x2 modulo its symbols: all synergy.
mixed        two looks or modular, with equal chance.
skewed       two looks at a target whose symbol k has a chance in proportion to 1 / (1 + k).
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from pidkit import bivariate_pid, estimate_pid, pid_from_samples
from pidkit.representations.finite_samples import (
    CodedSamples,
    bootstrap,
    extrapolate,
    miller_madow,
    shuffled_null,
    within_label_excess,
)

ATOMS = ("redundancy", "unique_1", "unique_2", "synergy")
SHAPES = ((2, 2, 2), (5, 5, 5), (10, 10, 10), (10, 50, 50), (100, 10, 10))
SIZES = (200, 500, 1000, 2000, 5000, 20000)
SMALL = 1000
"""Cells up to which the nulls are drawn and 60 samples are taken of each system; 8 beyond, tested by held-out rows."""


def noisy(n_y: int, n_x: int, keep: float) -> np.ndarray:
    """Return the channel p(x|y) that keeps y modulo n_x with probability `keep`."""
    channel = np.full((n_y, n_x), (1.0 - keep) / n_x)
    channel[np.arange(n_y), np.arange(n_y) % n_x] += keep
    return channel


def looks(p_y: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return p[y, x1, x2] of two channels, independent given y."""
    return p_y[:, None, None] * first[:, :, None] * second[:, None, :]


def modular(n_y: int, n_1: int, n_2: int) -> np.ndarray:
    """Return p[y, x1, x2] of y = noisy(.7) of x1 + x2 modulo n_y."""
    total = np.add.outer(np.arange(n_1), np.arange(n_2)) % n_y
    p = np.full((n_y, n_1, n_2), 0.3 / n_y)
    p[total, np.arange(n_1)[:, None], np.arange(n_2)[None, :]] += 0.7
    return p / p.sum()


def system(name: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the joint p[y, x1, x2] of a system by name."""
    n_y, n_1, n_2 = shape
    even = np.full(n_y, 1.0 / n_y)
    rng = np.random.default_rng(0)
    match name:
        case "independent":
            return np.full(shape, 1.0 / np.prod(shape))
        case "redundant":
            p = np.zeros(shape)
            same = np.arange(min(n_1, n_2))
            p[:, same, same] = even[:, None] * noisy(n_y, same.size, 0.7)
            return p
        case "unique":
            return looks(even, noisy(n_y, n_1, 0.7), noisy(n_y, n_2, 0.0))
        case "two looks":
            return looks(even, noisy(n_y, n_1, 0.6), noisy(n_y, n_2, 0.35))
        case "equal looks":
            return looks(even, noisy(n_y, n_1, 0.7), noisy(n_y, n_2, 0.7))
        case "sharp":
            return looks(even, *(rng.dirichlet(np.full(n, 0.1), size=n_y) for n in (n_1, n_2)))
        case "modular":
            return modular(n_y, n_1, n_2)
        case "mixed":
            return 0.5 * system("two looks", shape) + 0.5 * modular(n_y, n_1, n_2)
        case "skewed":
            skewed = 1.0 / np.arange(1.0, n_y + 1.0)
            return looks(skewed / skewed.sum(), noisy(n_y, n_1, 0.6), noisy(n_y, n_2, 0.35))
    raise ValueError(f"no system {name!r}")


SYSTEMS = ("independent", "redundant", "unique", "two looks", "sharp", "modular", "mixed", "skewed", "equal looks")


@dataclass
class Trial:
    """What one sample of a system gave: atoms in bits by method, and what pidkit says of its own."""

    atoms: dict[str, np.ndarray]
    covered: np.ndarray
    width: np.ndarray
    rejected: np.ndarray
    seconds: float


def sample(p: np.ndarray, n: int, seed: int) -> CodedSamples:
    """Draw n samples of a joint, as ranks of the symbols that occur."""
    rng = np.random.default_rng([seed, n, p.size])
    drawn = np.unravel_index(rng.choice(p.size, size=n, p=p.ravel()), p.shape)
    return CodedSamples(*(np.unique(codes, return_inverse=True)[1].astype(np.int64) for codes in drawn))


def trial(p: np.ndarray, truth: np.ndarray, n: int, seed: int, n_null: int) -> Trial:
    """Estimate the atoms of one sample by every method."""
    samples = sample(p, n, seed)
    rng = np.random.default_rng([seed, 1])
    began = time.process_time()
    estimate = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, rng=seed)
    seconds = time.process_time() - began
    tested = estimate
    if n_null and p.size <= SMALL:
        tested = estimate_pid(y=samples.y, x1=samples.x1, x2=samples.x2, n_null=n_null, rng=seed)
    raw = np.array([estimate.plug_in[name] for name in ATOMS])
    held_out = np.array([estimate.held_out[name] for name in ATOMS])
    bits = np.log(2.0)
    plug_in = pid_from_samples(y=samples.y, x1=samples.x1, x2=samples.x2, unit="nats")
    within = raw - np.array([0.0, 0.0, 0.0, within_label_excess(samples, 20, rng) / bits])
    atoms = {
        "plug-in": raw,
        "miller-madow": np.array([miller_madow(samples, plug_in)[name] for name in ATOMS]) / bits,
        "extrapolation": np.array([extrapolate(samples, plug_in, rng)[name] for name in ATOMS]) / bits,
        "shuffle": raw - shuffled_null(samples, 20, rng).mean(0) / bits,
        "within-label": within,
        "2 raw - bootstrap": 2.0 * raw - bootstrap(samples, 20, rng).mean(0) / bits,
        "held-out": held_out,
        "middle of both": 0.5 * (raw + held_out),
        "pidkit": np.array([getattr(estimate, name) for name in ATOMS]),
    }
    low, high = np.array([estimate.interval[name] for name in ATOMS]).T
    slack = 1e-9  # an atom of exactly zero is known to the solver's gap only
    covered = (low - slack <= truth) & (truth <= high + slack)
    rejected = np.array([tested.p_value[name] <= 0.05 for name in ATOMS])
    return Trial(atoms, covered, high - low, rejected, seconds)


def true_atoms(p: np.ndarray) -> np.ndarray:
    """Return the atoms of a joint, in bits."""
    result = bivariate_pid(p)
    return np.array([getattr(result, name) for name in ATOMS])


def repetitions(shape: tuple[int, int, int]) -> int:
    """Return how many samples of each system are drawn: fewer of those whose folds take long to solve."""
    return 60 if np.prod(shape) <= SMALL else 8


def worth_it(shape: tuple[int, int, int], n: int) -> bool:
    """Tell whether a sample of n is large enough to say anything about the pair tables: four samples a cell's row."""
    return n >= 2 * shape[0] * max(shape[1:]) ** 0.5


def row(values: np.ndarray, spec: str) -> str:
    """Return four numbers as cells of a table."""
    return " ".join(format(float(value) + 0.0, spec) for value in values)


def study(
    shape: tuple[int, int, int], names: tuple[str, ...], sizes: tuple[int, ...], n_null: int, *, samples: int, jobs: int
) -> None:
    """Print the table of one shape, and the worst error of every method over its systems."""
    print(f"\n## {' x '.join(map(str, shape))}\n")
    print("| system | n | truth | bias | s.d. | covered | width | called real | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    worst: dict[tuple[str, int], list[np.ndarray]] = {}
    for name, n in itertools.product(names, sizes):
        if not worth_it(shape, n):
            continue
        p = system(name, shape)
        truth = true_atoms(p)
        tasks = (delayed(trial)(p, truth, n, seed, n_null) for seed in range(samples or repetitions(shape)))
        trials: list[Trial] = Parallel(n_jobs=jobs)(tasks)
        for method in trials[0].atoms:
            error = np.mean([one.atoms[method] for one in trials], axis=0) - truth
            worst.setdefault((method, n), []).append(np.abs(error))
        found = np.array([one.atoms["pidkit"] for one in trials])
        covered, width, rejected = (
            np.mean([getattr(one, part) for one in trials], axis=0) for part in ("covered", "width", "rejected")
        )
        print(
            f"| {name} | {n} | {row(truth, '.3f')} | {row(found.mean(0) - truth, '+.3f')} |",
            f"{row(found.std(0), '.3f')} |",
            f"{row(covered, '.2f')} | {row(width, '.3f')} | {row(rejected, '.2f')} |",
            f"{np.mean([one.seconds for one in trials]):.2f} |",
            flush=True,
        )
    print("\nLargest mean error of any system, redundancy | unique_1 | unique_2 | synergy:\n")
    print("| method |", " | ".join(f"n = {n}" for n in sizes if worth_it(shape, n)), "|")
    print("|---|" + "---|" * sum(worth_it(shape, n) for n in sizes))
    for method in dict.fromkeys(method for method, _ in worst):
        cells = [" ".join(f"{v:.3f}" for v in np.max(worst[method, n], axis=0)) for n in sizes if (method, n) in worst]
        print(f"| {method} |", " | ".join(cells), "|", flush=True)


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", action="append", help="such as 10x10x10; may be repeated; all by default")
    parser.add_argument("--size", action="append", type=int, help="number of samples; may be repeated; all by default")
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="all by default")
    parser.add_argument("--n-null", type=int, default=39, help="replicates of every null, 0 for none")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--samples", type=int, default=0, help="samples of each system; 0 for 60, or 8 of large ones")
    options = parser.parse_args()
    shapes = [tuple(map(int, text.split("x"))) for text in options.shape or []] or SHAPES
    for shape in shapes:
        study(
            tuple(shape),
            tuple(options.system or SYSTEMS),
            tuple(options.size or SIZES),
            options.n_null,
            samples=options.samples,
            jobs=options.jobs,
        )


if __name__ == "__main__":
    main()
