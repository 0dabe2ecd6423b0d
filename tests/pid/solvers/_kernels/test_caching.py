"""The disk cache of the kernels: the same digits with and without it, no directory needed, damage noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pidkit.pid.solvers._kernels.compiling import DISABLE_JIT

pytestmark = [
    pytest.mark.slow,  # every case compiles the solver once more
    pytest.mark.skipif(bool(DISABLE_JIT), reason="nothing is compiled where numba is switched off"),
]

SOLVE = """
import sys
import numpy as np
from pidkit import bivariate_pid, bivariate_pid_batch
rng = np.random.default_rng(0)
for shape in ((2, 2, 2), (3, 4, 5), (5, 40, 9)):
    p = rng.dirichlet(np.ones(int(np.prod(shape))), size=2).reshape(2, *shape)
    print([repr(float(bivariate_pid(one).synergy)) for one in p], bivariate_pid_batch(p).synergy.tolist())
from pidkit.pid.solvers._kernels import pipeline
print(sum(pipeline.solve_certified.load().stats.cache_hits.values()), file=sys.stderr)
"""


def solve(cache: Path, *, before: str = "") -> tuple[str, str]:
    """Return what a fresh process prints of its atoms, and how often it loaded the solver from `cache`."""
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": ":".join(sys.path),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", before + SOLVE],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr.strip()


def test_a_first_run_gives_the_digits_of_later_ones_and_damaged_files_are_compiled_anew(tmp_path: Path) -> None:
    first, hits = solve(tmp_path)
    assert hits == "0"
    assert solve(tmp_path) == (first, "1")
    files = sorted(tmp_path.rglob("*.nb?"))
    assert len(files) > 20
    for number, path in enumerate(files):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if number % 3 else b"")
    assert solve(tmp_path) == (first, "0")
    assert solve(tmp_path) == (first, "1")  # the cache is sound again


NOWHERE = "from numba.core import caching\ncaching.CacheImpl._locator_classes = []\n"
"""What numba sees in a container without a home, with its packages out of reach: no place for a cache."""


def test_no_directory_is_needed(tmp_path: Path) -> None:
    atoms, hits = solve(tmp_path, before=NOWHERE)
    assert hits == "0"
    assert atoms.startswith("['0.")
    assert not list(tmp_path.iterdir())
