"""Print where the interior point and scaling cross over: what the limits in pidkit/pid/solvers/choice.py rest on.

OMP_NUM_THREADS=1 python benchmarks/broja_crossover.py
"""

import time

from broja_joints import dense, empirical

from pidkit import bivariate_pid
from pidkit.joint import pair_marginals
from pidkit.pid.solvers.choice import choose_solver
from pidkit.pid.solvers.problem import newton_cost

SHAPES = [
    (10, 20, 20),
    (30, 12, 12),
    (10, 30, 30),
    (20, 25, 25),
    (10, 50, 50),
    (20, 30, 30),
    (10, 60, 60),
    (20, 40, 40),
    (100, 12, 12),
    (50, 25, 25),
]
CASES = [("interior-point", 1e-6), ("interior-point", 1e-9), ("scaling", 1e-5), ("scaling", 1e-6), ("scaling", 1e-8)]


def cpu_seconds(p):
    """The least of three solves by each solver to each tolerance; they take turns, so that a busy minute meets all."""
    seconds, missed = {case: [] for case in CASES}, set()
    for _ in range(3):
        for solver, tol in CASES:
            began = time.process_time()
            result = bivariate_pid(p, solver=solver, tol=tol, check=False)
            seconds[solver, tol].append(time.process_time() - began)
            if result.report.gap > tol:
                missed.add((solver, tol))
    return [f"{min(seconds[case]):.3f}{' (missed)' if case in missed else ''}" for case in CASES]


def main():
    bivariate_pid(dense(2, 2, 2))
    print("CPU seconds, one core, to a certified gap in bits; auto at 1e-6 and by default")
    print("| joint | Newton step | " + " | ".join(f"{s} {t:.0e}" for s, t in CASES) + " | auto 1e-6 | auto |")
    print("|---|---|" + "---|" * (len(CASES) + 2))
    for shape in SHAPES:
        for kind, make in (("dense", dense), ("samples", empirical)):
            p = make(*shape)
            pair = pair_marginals(p)
            cells = cpu_seconds(p)
            chosen = [choose_solver("auto", *pair, tol=tol) for tol in (1e-6, None)]
            name = f"{kind} {'x'.join(map(str, shape))}"
            print(f"| {name} | {newton_cost(*pair):.0e} | " + " | ".join(cells + chosen) + " |", flush=True)


if __name__ == "__main__":
    main()
