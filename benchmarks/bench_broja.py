"""BROJA solvers with pytest-benchmark: time, with the certified gap or the measured error recorded beside it.

Run with: OMP_NUM_THREADS=1 python -m pytest benchmarks/bench_broja.py --benchmark-only
"""

import numpy as np
import pytest

from benchmarks.broja_joints import JOINTS
from benchmarks.broja_solvers import LARGEST_CELLS, SOLVERS, why_left_out
from pidkit import bivariate_pid, bivariate_pid_batch

SMALL = [name for name, make in JOINTS.items() if make().size <= 4000]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", SMALL)
def test_solver(benchmark, name, solver):
    if reason := why_left_out(solver):
        pytest.skip(reason)
    p = JOINTS[name]()
    if p.size > LARGEST_CELLS.get(solver, np.inf):
        pytest.skip("takes minutes, or fails, at this size")
    exact = bivariate_pid(p, tol=1e-10).unique_1
    value, gap = benchmark.pedantic(SOLVERS[solver], (p,), rounds=3, iterations=1, warmup_rounds=1)
    benchmark.extra_info.update(gap=gap, error=abs(value - exact))
    assert abs(value - exact) <= (1e-1 if gap is None else gap + 1e-10)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_batch_of_a_thousand(benchmark, size):
    p = np.random.default_rng(0).dirichlet(np.ones(size**3), size=1000).reshape(1000, size, size, size)
    batch = benchmark.pedantic(bivariate_pid_batch, (p,), {"n_jobs": 1}, rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(gap=float(batch.solutions.gap.max()), each=benchmark.stats["median"] / 1000)
    assert batch.solutions.converged.all()
