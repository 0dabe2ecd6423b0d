"""Intersection information: seconds, value and certificate, beside dit's search on the same joints.

Run with: python -m pytest benchmarks/bench_intersection.py --benchmark-only
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from pidkit import gate
from pidkit.interop import dit_from_joint
from pidkit.intersection import intersection_information

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


@pytest.mark.parametrize("name", ["XOR", "AND", "RDN", "ImperfectRDN", "SUM"])
@pytest.mark.filterwarnings("ignore")
def test_dit_on_gates(benchmark, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = pytest.importorskip("dit.pid")
    p = gate(name).joint
    joint = dit_from_joint(p)
    value = benchmark.pedantic(lambda: pid.PID_GH(joint, [[0], [1]], [2])[((0,), (1,))], rounds=1)
    exact = intersection_information(p)
    benchmark.extra_info.update(lower=value, exact=exact.lower, error=value - exact.lower)
