"""Fuzz the solvers: is any joint left uncertified, any bound wrong, any solve far slower than its like?

`python benchmarks/fuzz.py` draws 100,000 joints of eleven families and 3,000 intersections, and prints the tables of
docs/reference/reliability.md; `--joints 2000 --intersections 60` is for a look, `--seed` draws fresh ones. Each chunk
of joints is one line of the file `--out`, written when it is done: the same command goes on where it was stopped.

A joint counts as uncertified if its solve ends above the default tolerance, 1e-9 bits. Of every chunk some joints are
verified: their bounds are proved again in 60 decimal digits, and are wrong if they claim more than that proves. The
ratio is that of the slowest joint of a chunk, in which all have one shape, to the median, in CPU time. An intersection
is at fault if it raises, if its interval contradicts itself, or if gacs-koerner <= griffith-ho <= blackwell <= broja
does not hold.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pidkit import PidkitError, bivariate_pid, intersection_information
from pidkit.joint import pair_marginals
from pidkit.pid.broja import solve_marginals
from pidkit.pid.solvers.problem import without_tiny_masses
from pidkit.pid.strict_certificate import strictly_above, strictly_below
from pidkit.types import FloatArray

CHUNK, CHUNK_OF_INTERSECTIONS = 100, 20
"""Joints of one chunk: one family, one shape."""

VERIFIED = 2
"""Joints of every chunk that are proved again in 60 digits: 2,000 of 100,000."""

LARGEST, LARGEST_OF_INTERSECTIONS = 12, 4
"""Symbols of each variable at most."""

LEAST = 2e-12
"""The smallest mass of a joint whose intersection information is computed."""

SECONDS = 2.0
"""The time limit of each intersection information."""

ROUNDING = 1e-8
"""Bits by which the measures may miss their order: linear programs have tolerances of 1e-10."""

Shape = tuple[int, int, int]


def dense(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return rng.dirichlet(np.full(int(np.prod(shape)), 10.0 ** rng.uniform(-1, 1))).reshape(shape)


def with_zeros(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return dense(rng, shape) * (rng.random(shape) < rng.uniform(0.2, 0.9))


def peaked(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return rng.dirichlet(np.full(int(np.prod(shape)), 10.0 ** rng.uniform(-2, -1))).reshape(shape)


def duplicates(rng: np.random.Generator, shape: Shape) -> FloatArray:
    p = dense(rng, shape)
    p[:, -1] = rng.random() * p[:, 0]
    p[:, :, -1] = rng.random() * p[:, :, 0]
    return p


def near_functions(rng: np.random.Generator, shape: Shape) -> FloatArray:
    n_y, n_1, n_2 = shape
    p = np.full(shape, 10.0 ** rng.uniform(-13, -3))
    p[rng.integers(n_y, size=(n_1, n_2)), np.arange(n_1)[:, None], np.arange(n_2)] = 1.0
    return p * rng.dirichlet(np.ones(n_1 * n_2)).reshape(n_1, n_2)


def wide(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return dense(rng, shape) * 10.0 ** rng.uniform(-12, 0, shape)


def counts(rng: np.random.Generator, shape: Shape) -> FloatArray:
    p = dense(rng, shape).ravel()
    return rng.multinomial(rng.integers(2, 200), p / p.sum()).reshape(shape) / 1.0


def whole_range(rng: np.random.Generator, shape: Shape) -> FloatArray:
    logits = rng.normal(size=shape) * 10.0 ** rng.uniform(0, 2.8)
    return np.exp(logits - logits.max())


def near_copies(rng: np.random.Generator, shape: Shape) -> FloatArray:
    """Each x2 has one x1: a copy, or one that several share."""
    n_y, n_1, n_2 = shape
    p = np.zeros(shape)
    mass = np.exp(-rng.uniform(0, 1) * np.arange(n_2))
    p[:, np.arange(n_2) % n_1, np.arange(n_2)] = rng.dirichlet(np.ones(n_y), n_2).T * mass / mass.sum()
    return p + 10.0 ** rng.uniform(-12, -3) * dense(rng, shape)


def near_blocks(rng: np.random.Generator, shape: Shape) -> FloatArray:
    _, n_1, n_2 = shape
    k = rng.integers(1, 4)
    same = np.arange(n_1)[:, None] % (k + 1) == np.arange(n_2) % (k + 1)
    return dense(rng, shape) * np.where(same, 1.0, 10.0 ** rng.uniform(-12, -3))


def saturated(rng: np.random.Generator, shape: Shape) -> FloatArray:
    """A hard code, and the mean of cold softmaxes; their product given y."""
    n_y, n_1, n_2 = shape
    y = rng.integers(0, n_y, 100)
    logits = rng.standard_normal((100, n_2)) + 2.0 * np.eye(n_2)[y % n_2]
    soft = np.exp(10.0 ** rng.uniform(0.5, 2.5) * (logits - logits.max(1, keepdims=True)))
    hard = np.eye(n_1)[np.where(rng.random(100) < 0.8, y % n_1, rng.integers(0, n_1, 100))]
    p = np.einsum("ny,ni,nj->yij", np.eye(n_y)[y], hard, soft / soft.sum(1, keepdims=True))
    return np.asarray(p)


FAMILIES: dict[str, Callable[[np.random.Generator, Shape], FloatArray]] = {
    "dense": dense,
    "zeros": with_zeros,
    "peaked": peaked,
    "duplicates": duplicates,
    "near functions": near_functions,
    "masses over 12 decades": wide,
    "counts": counts,
    "all floats": whole_range,
    "near copies": near_copies,
    "near blocks": near_blocks,
    "saturated softmax": saturated,
}


def draw(family: str, seed: list[int], shape: Shape) -> FloatArray:
    """Return a joint of a family, drawn again where it has no mass."""
    rng = np.random.default_rng(seed)
    while True:
        p = FAMILIES[family](rng, shape)
        if p.sum() > 0.0:
            return np.asarray(p / p.sum())


def shape_of(seed: list[int], largest: int, least: int = 1) -> Shape:
    """Return the shape of all joints of a chunk."""
    n_y, n_1, n_2 = np.random.default_rng(seed).integers(least, largest + 1, 3).tolist()
    return n_y, n_1, n_2


def is_wrong(p: FloatArray) -> bool:
    """Return whether the bounds of F* claim more than their proofs prove in 60 digits."""
    first, second = pair_marginals(p)
    solved = solve_marginals(first, second, solver="interior-point", tol=None, check=False)
    first, second = without_tiny_masses(first, second)
    first, second = solved.kept.pair_1(first), solved.kept.pair_2(second)
    lower, upper = solved.candidate.lower, solved.candidate.upper
    below, above = strictly_below(first, second, lower).value, strictly_above(first, second, upper).value
    return not lower.value <= below <= above <= upper.value


def solve_chunk(family: str, seed: list[int]) -> dict[str, Any]:
    """Decompose the joints of one chunk; return the figures of the table."""
    shape = shape_of(seed, LARGEST)
    joints = [draw(family, [*seed, k], shape) for k in range(CHUNK)]
    bivariate_pid(joints[0], check=False, progress=False)
    seconds, reports = [], []
    for p in joints:
        began = time.thread_time()
        reports.append(bivariate_pid(p, solver="interior-point", check=False, progress=False).report)
        seconds.append(time.thread_time() - began)
    bad = [k for k, report in enumerate(reports) if report.status != "converged"]
    wrong = [k for k in range(VERIFIED) if is_wrong(joints[k])]
    return {
        "n": CHUNK,
        "uncertified": bad,
        "verified": VERIFIED,
        "wrong": wrong,
        "gap": max(report.gap for report in reports),
        "iterations": max(report.iterations for report in reports),
        "ratio": max(seconds) / float(np.median(seconds)),
        "seconds": max(seconds),
    }


def intersect_chunk(family: str, seed: list[int]) -> dict[str, Any]:
    """Bound the intersection information of the joints of one chunk; return the figures of the table."""
    shape = shape_of(seed, LARGEST_OF_INTERSECTIONS, least=2)
    faults, seconds, gap, exact = [], [], 0.0, 0
    for k in range(CHUNK_OF_INTERSECTIONS):
        p = draw(family, [*seed, k], shape)
        p = np.where(p < LEAST, 0.0, p)  # below 1e-12 they are refused: whether they are zero decides the value
        p /= p.sum()
        began = time.perf_counter()
        try:
            found = [
                intersection_information(p, measure=name, time_limit=SECONDS, progress=False)
                for name in ("gacs-koerner", "griffith-ho", "blackwell")
            ]
        except PidkitError as error:
            faults.append(f"{k}: {error}")
            continue
        seconds.append(time.perf_counter() - began)
        broja = bivariate_pid(p, progress=False)
        lower = [one.lower for one in found]
        upper = [*(one.upper for one in found[1:]), broja.redundancy + broja.report.gap]
        if any(low > high + ROUNDING for low, high in zip(lower, upper, strict=True)):
            faults.append(f"{k}: order {lower} {upper}")
        gap = max(gap, *(one.report.gap for one in found))
        exact += all(one.is_exact for one in found)
    return {
        "n": CHUNK_OF_INTERSECTIONS,
        "faults": faults,
        "gap": gap,
        "exact": exact,
        "ratio": max(seconds, default=0.0) / float(np.median(seconds or [1.0])),
        "seconds": max(seconds, default=0.0),
    }


def run(kind: str, total: int, size: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """Do the chunks that the file lacks, and return all."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    rows = {(row["kind"], row["chunk"], row["seed"]): row for row in done}
    names, solve = list(FAMILIES), solve_chunk if kind == "joints" else intersect_chunk
    result = []
    for chunk in range(-(-total // size)):
        key = (kind, chunk, seed)
        if key not in rows:
            number = chunk % len(names)
            row = {"kind": kind, "chunk": chunk, "seed": seed, "family": names[number]}
            row |= solve(names[number], [seed, kind == "joints", number, chunk])
            with out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            rows[key] = row
        result.append(rows[key])
    return result


def table(rows: list[dict[str, Any]], columns: dict[str, Callable[[list[dict[str, Any]]], str]]) -> None:
    """Print one row a family and one for all, in markdown."""
    print(f"| family | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for name in (*FAMILIES, "all"):
        some = [row for row in rows if name in (row["family"], "all")]
        if some:
            print(f"| {name} | {' | '.join(cell(some) for cell in columns.values())} |")


def total(name: str) -> Callable[[list[dict[str, Any]]], str]:
    """Return the column of a sum, of numbers or of the lengths of lists."""
    return lambda rows: f"{sum(row[name] if isinstance(row[name], int) else len(row[name]) for row in rows):,}"


def most(name: str, form: str) -> Callable[[list[dict[str, Any]]], str]:
    """Return the column of a maximum."""
    return lambda rows: format(max(row[name] for row in rows), form)


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--joints", type=int, default=100_000)
    parser.add_argument("--intersections", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz.jsonl"))
    asked = parser.parse_args()
    rows = run("joints", asked.joints, CHUNK, asked.seed, asked.out)
    if rows:
        table(
            rows,
            {
                "joints": total("n"), "uncertified": total("uncertified"), "verified in 60 digits": total("verified"),
                "wrong": total("wrong"), "largest gap, bits": most("gap", ".1e"), "most steps": most("iterations", "d"),
                "slowest / median": most("ratio", ".0f"), "slowest, s": most("seconds", ".3f"),
            },
        )  # fmt: skip
    rows = run("intersections", asked.intersections, CHUNK_OF_INTERSECTIONS, asked.seed, asked.out)
    if rows:
        print()
        table(
            rows,
            {
                "joints": total("n"), "faults": total("faults"), "all three exact": total("exact"),
                "widest interval, bits": most("gap", ".1e"), "slowest, s": most("seconds", ".2f"),
            },
        )  # fmt: skip


if __name__ == "__main__":
    main()
