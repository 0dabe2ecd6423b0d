"""kill -9 in training, also while a checkpoint is written; a new process resumes; the final weights are the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SEEDS = ["0", "-1", *map(str, range(1, 10))]
"""One run that is never killed, and ten that are, six times each."""


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_one_that_never_was(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.distill.training.killed_run", str(tmp_path), *SEEDS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(SEEDS)
    assert lines[0][2] == "0"  # never killed
    for digest, epoch, killed, *leftovers in lines[1:]:
        assert [digest, epoch, killed] == [*lines[0][:2], "6"]
        assert leftovers == []
