"""kill -9 in every writer: nothing is lost, and nothing is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow  # 60 processes
def test_killed_writers_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.arrays.killed_writers", str(tmp_path), "60"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["versions"] >= 1
    assert found["left_over"] >= 10, "the kills did not fall into writes"
    assert found["files"] == sorted(
        ["x.npz", "x.npy", "x.safetensors", "text.json", "plane.npz", "plane.json", "atoms.json", "history.json"]
    )
