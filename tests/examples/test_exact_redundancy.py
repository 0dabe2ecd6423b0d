"""The example of exact redundancy runs as a reader would run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "exact_redundancy.py"


@pytest.mark.slow
def test_the_example_writes_results_and_a_figure(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-W", "error", str(EXAMPLE), "--quick", "--out", "out", "--figure", "curves.png"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    assert {path.name for path in tmp_path.iterdir()} == {"out", "curves.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results.json"}

    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert len(results["last"]) == 2 * 2  # two objectives, two starts
    for runs in results["curves"].values():
        for run_ in runs:
            assert [found["step"] for found in run_] == [0, 5, 10]
            assert all(found["red"] <= found["Z"] + 1e-6 for found in run_)  # Red <= I(Y;S)
    assert (EXAMPLE.parents[1] / "docs" / "images" / "exact_redundancy.png").exists()
