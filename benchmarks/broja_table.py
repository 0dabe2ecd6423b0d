"""Print the BROJA tables of the README and the documentation, and draw how time grows with size.

    OMP_NUM_THREADS=1 python benchmarks/broja_table.py [--quick] [--out docs/images]

Every solver runs in this process on the same joints; CPU seconds are the median of up to five runs after one that is
not counted (it compiles, imports and fills caches). Errors are against pidkit's interior point at a certified gap of
1e-10 bits; for pidkit's own solvers the certified gap itself is printed. Peak memory is that of a child process,
above what the imports take.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from pathlib import Path

import numpy as np
from broja_joints import JOINTS, dense, marginals
from broja_solvers import LARGEST_CELLS, SOLVERS, why_left_out
from matplotlib.figure import Figure

from pidkit import bivariate_pid, bivariate_pid_batch, solve_broja

BUDGET = 20.0
"""CPU seconds after which a case is not repeated."""


def cpu_seconds(run, *, repeats=5, budget=BUDGET):
    """Return the median CPU seconds of a call, and its last result; one call first that does not count."""
    began = time.process_time()
    result = run()
    first = time.process_time() - began
    if first > budget:
        return first, result
    inner = max(1, int(0.02 / max(first, 1e-6)))
    times = []
    while len(times) < repeats and sum(times) * inner < budget:
        began = time.process_time()
        for _ in range(inner):
            result = run()
        times.append((time.process_time() - began) / inner)
    return statistics.median(times), result


def peak_mib(run):
    """Return by how many MiB a call raises the peak memory of a child process."""

    def child(pipe):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run()
        pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0)

    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child, args=(send,))
    process.start()
    peak = receive.recv()
    process.join()
    return peak


def show_seconds(seconds):
    """Write seconds with the unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def solver_table(names):
    """Print one row a joint, one column a solver: CPU time, and what is known of the error."""
    solvers = {solver: run for solver, run in SOLVERS.items() if not why_left_out(solver)}
    for solver in SOLVERS:
        if reason := why_left_out(solver):
            print(reason)
    print("\n| joint | " + " | ".join(solvers) + " |")
    print("|---|" + "---|" * len(solvers), flush=True)
    for name in names:
        p = JOINTS[name]()
        exact = bivariate_pid(p, tol=1e-10 if p.size < 50_000 else 1e-7).unique_1
        cells = []
        for solver, run in solvers.items():
            if p.size > LARGEST_CELLS.get(solver, np.inf):
                cells.append("-")
                continue
            seconds, (value, gap) = cpu_seconds(lambda run=run, p=p: run(p))
            accuracy = f"gap {gap:.0e}" if gap is not None else f"error {abs(value - exact):.0e}"
            cells.append(f"{show_seconds(seconds)}, {accuracy}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def batch_table(n):
    """Print the time of one joint in a batch of `n`."""
    print(f"\n| batch of {n} | CPU time of each | largest gap (bits) | all converged |\n|---|---|---|---|")
    for size in (2, 3, 4, 5):
        p = np.random.default_rng(0).dirichlet(np.ones(size**3), size=n).reshape(n, size, size, size)
        seconds, batch = cpu_seconds(lambda p=p: bivariate_pid_batch(p, n_jobs=1), repeats=3)
        print(
            f"| {size}x{size}x{size} | {show_seconds(seconds / n)} | {batch.solutions.gap.max():.0e} "
            f"| {'yes' if batch.solutions.converged.all() else 'no'} |",
            flush=True,
        )


def large_table(cases):
    """Print what large alphabets cost, by marginals alone."""
    print("\n| marginals | tol (bits) | solver | CPU | wall | certified gap | iterations | peak memory |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for shape, tol, solver in cases:
        pair = marginals(*shape) if shape[0] >= 100 and shape[1] >= 200 else pair_of(shape)

        def run(pair=pair, tol=tol, solver=solver):
            return solve_broja(*pair, tol=tol, solver=solver, check=False)

        began = time.perf_counter()
        seconds, solution = cpu_seconds(run, repeats=3, budget=5.0)
        wall = time.perf_counter() - began if seconds > 5.0 else solution.report.seconds
        name = "x".join(map(str, shape))
        print(
            f"| {name} | {tol:.0e} | {solution.report.solver} | {show_seconds(seconds)} | {show_seconds(wall)} "
            f"| {solution.gap:.0e} | {solution.report.iterations} | {peak_mib(run):.0f} MiB |",
            flush=True,
        )


def pair_of(shape):
    """Return the pair marginals of a dense random joint."""
    p = dense(*shape)
    return p.sum(2), p.sum(1)


def scaling_figures(out, *, quick):
    """Draw CPU time against cells and against n_y, log-log."""
    sizes = (2, 4, 8, 16, 24) if quick else (2, 4, 8, 12, 16, 24, 32, 48)
    classes = (2, 5, 10, 20, 50) if quick else (2, 5, 10, 20, 50, 100, 200, 500)
    sweeps = {
        "cells": ([(n, n, n) for n in sizes], "cells $n_y n_{x1} n_{x2}$", lambda s: s[0] * s[1] * s[2]),
        "classes": ([(n, 12, 12) for n in classes], "classes $n_y$, 12 codes a source", lambda s: s[0]),
    }
    shown = {
        "pidkit interior-point (gap 1e-9)": ("interior-point", 1e-9, "o-", 60_000),
        "pidkit scaling (gap 1e-6)": ("scaling", 1e-6, "s--", np.inf),
        "cvxpy + Clarabel": ("CLARABEL", None, "^:", 8_000),
    }
    for name, (shapes, label, place) in sweeps.items():
        ax = Figure(figsize=(5.2, 3.6), layout="constrained").subplots()
        for title, (solver, tol, style, most) in shown.items():
            if why_left_out(title):
                continue
            points = []
            for shape in shapes:
                p = dense(*shape)
                if p.size > most:
                    continue
                run = SOLVERS[title] if tol is None else (lambda p, s=solver, t=tol: bivariate_pid(p, solver=s, tol=t))
                seconds, _ = cpu_seconds(lambda run=run, p=p: run(p), repeats=3, budget=3.0)
                points.append((place(shape), seconds))
            ax.loglog(*zip(*points, strict=True), style, label=title, color="0.15" if tol else "0.5", markersize=5)
        ax.set_xlabel(label)
        ax.set_ylabel("CPU seconds, one core")
        ax.grid(which="both", alpha=0.2)
        ax.legend(frameon=False, fontsize=8)
        ax.figure.savefig(Path(out) / f"broja_time_{name}.png", dpi=130)
        print(f"wrote {out}/broja_time_{name}.png", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small joints only, a minute in all")
    parser.add_argument("--out", default="docs/images", help="folder of the figures")
    options = parser.parse_args()
    names = list(JOINTS)[:5] if options.quick else list(JOINTS)
    solver_table(names)
    batch_table(500 if options.quick else 10_000)
    large = [((10, 50, 50), 1e-7, "auto"), ((10, 50, 50), 1e-9, "auto"), ((100, 30, 30), 1e-6, "auto")]
    if not options.quick:
        large += [((100, 200, 200), 1e-5, "auto"), ((100, 200, 200), 1e-7, "auto"), ((1000, 1000, 1000), 1e-4, "auto")]
    large_table(large)
    Path(options.out).mkdir(parents=True, exist_ok=True)
    scaling_figures(options.out, quick=options.quick)


if __name__ == "__main__":
    main()
