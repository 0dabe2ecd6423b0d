"""Intersection information: seconds, value and certificate, beside dit's search on the same joints.

Run with: python -m pytest benchmarks/bench_intersection.py --benchmark-only --benchmark-json=intersection.json
The values and certificates are in the extra_info of the JSON file.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from pidkit import dit_from_joint, gate, intersection_information, joint_from_outcomes

GATES = ("XOR", "AND", "RDN", "RDNXOR", "RDNUNQXOR", "ImperfectRDN", "SUM")
SIZES = (
    ("griffith-ho", (2, 2, 2), 1e-8),
    ("griffith-ho", (3, 3, 3), 1e-8),
    ("griffith-ho", (4, 4, 4), 1e-8),
    ("griffith-ho", (2, 6, 6), 1e-8),
    ("blackwell", (5, 10, 10), 1e-8),
    ("blackwell", (10, 10, 10), 1e-8),
)


def record(benchmark, result):
    """Write what was reached beside the time."""
    benchmark.extra_info.update(
        lower=result.lower,
        upper=result.upper,
        gap=result.report.gap,
        residual=result.report.residual,
        status=result.report.status,
        programs=result.report.n_programs,
    )


@pytest.mark.parametrize("name", GATES)
def test_gate(benchmark, name):
    result = benchmark(intersection_information, gate(name).joint)
    record(benchmark, result)
    assert result.is_exact


@pytest.mark.parametrize(("kind", "shape", "tol"), SIZES)
def test_random_joint(benchmark, kind, shape, tol):
    p = np.random.default_rng(0).dirichlet(np.ones(math.prod(shape))).reshape(shape)
    result = benchmark.pedantic(intersection_information, (p,), {"kind": kind, "tol": tol}, rounds=2)
    record(benchmark, result)
    assert result.report.gap <= tol


def joints_for_dit():
    """Return joints that dit finishes in seconds; RDNXOR and 3x3x3 run for minutes, RDNUNQXOR out of memory."""
    names = ("XOR", "AND", "OR", "RDN", "UNQ", "SUM", "COPY", "ReducedOR", "ImperfectRDN", "PntUnq")
    found = {name: gate(name).joint for name in names}
    correlated = {"000": 0.35, "010": 0.15, "101": 0.15, "111": 0.35}
    found["correlated UNQ1"] = joint_from_outcomes(correlated, axes="x1 x2 y")
    for seed in range(3):
        found[f"random 2x2x2, seed {seed}"] = np.random.default_rng(seed).dirichlet(np.ones(8)).reshape(2, 2, 2)
    return found


JOINTS_FOR_DIT = joints_for_dit()


@pytest.mark.parametrize("name", JOINTS_FOR_DIT)
@pytest.mark.filterwarnings("ignore")
def test_dit(benchmark, name):
    """Search three times, because it starts at random, and set the values against the proved interval."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = pytest.importorskip("dit.pid")
    p = JOINTS_FOR_DIT[name]
    joint, values = dit_from_joint(p), []

    def search():
        values.append(pid.PID_GH(joint, [[0], [1]], [2])[((0,), (1,))])

    benchmark.pedantic(search, rounds=3)
    exact = intersection_information(p)
    record(benchmark, exact)
    benchmark.extra_info.update(
        dit=sorted(values),
        too_low=max(exact.lower - min(values), 0.0),
        too_high=max(max(values) - exact.upper, 0.0),
    )
