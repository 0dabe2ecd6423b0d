"""The information-plane example runs as a reader would run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pidkit import PlaneTrajectory

EXAMPLE = Path(__file__).parents[2] / "examples" / "information_plane.py"


@pytest.mark.slow
def test_the_example_writes_trajectories_figures_and_results(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-W", "error", str(EXAMPLE), "--quick", "--out", "out"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]

    out = tmp_path / "out"
    names = ("teacher", "alone", "KD", "SFKD")
    assert {path.name for path in out.iterdir()} == {
        *(f"{name}{suffix}" for name in names for suffix in (".npz", ".json")),
        "results.json",
        "plane_networks.png",
        "plane_layers.png",
        "plane_kept_fraction.png",
    }
    for name in names:
        found = PlaneTrajectory.load(out / f"{name}.npz")
        assert found.steps == (0.0, 1.0, 2.0)
        assert found.estimators[:2] == ("decoder", "binned")
        label = found.select(network=name, quantity="mi_label", estimator="decoder").points
        assert len(label) == 3 * 2
        assert all(point.stderr is not None and point.null is not None for point in label)
        assert all(point.value <= found.entropy_y + 0.2 for point in label)
    results = json.loads((out / "results.json").read_text())
    assert set(results["networks"]) == set(names)
    low, high = results["kept"]
    assert low["mi_input"][0] < high["mi_input"][0]
