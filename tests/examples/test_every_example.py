"""The examples run as a reader would run them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pidkit import describe_file

EXAMPLES = Path(__file__).parents[2] / "examples"
LAYERS = ["block1", "block2", "block3", "logits"]


@pytest.mark.slow  # thirty CPU seconds of decoders
def test_saved_representations_writes_files_figures_and_results(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-W", "error", str(EXAMPLES / "saved_representations.py"), "--quick", "--out", "out"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "logits against logits" in run.stdout

    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "labels.npy",
        "teacher.safetensors",
        "student_alone.npz",
        "student_distilled.pt",
        "results.json",
        "budget.png",
        "maps_alone.png",
        "maps_by_decoder.png",
        "maps_distilled.png",
        "pair.png",
        "student_layers.png",
    }
    for name in ("teacher.safetensors", "student_alone.npz", "student_distilled.pt"):
        assert [entry.key for entry in describe_file(out / name).entries] == LAYERS
    pairs = json.loads((out / "results.json").read_text())["pairs"]
    assert len(pairs) == 2 * 2**2  # --quick measures two layers of each
    for pair in pairs:
        atoms = pair["redundancy"] + pair["unique_1"] + pair["unique_2"] + pair["synergy"]
        assert atoms == pytest.approx(pair["mi_joint"])
        assert pair["report"]["gap"] <= 1e-9
        assert pair["mi_joint"] <= pair["entropy_y"]


@pytest.mark.slow
def test_theory_figures_draws_the_figures_of_the_docs(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "theory_figures.py"), "--out", "out"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    drawn = {path.name for path in (tmp_path / "out").iterdir()}
    assert drawn == {"theory_students.png", "theory_candidates.png", "theory_order.png"}
    assert drawn < {path.name for path in (EXAMPLES.parent / "docs" / "images").iterdir()}
