"""Saved arrays to measure, a sound command, and the one line that a failing one leaves."""

from pathlib import Path

import numpy as np
import pytest

from pidkit import save_arrays
from pidkit.cli import main

N = 600


def samples() -> dict[str, np.ndarray]:
    """Return labels of three classes, a teacher that knows them and a student that knows one from the others."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=N)
    x1 = y[:, None] + 0.3 * rng.normal(size=(N, 4))
    x2 = (y == 0)[:, None, None] + 0.3 * rng.normal(size=(N, 2, 3))
    return {"y": y, "x1": x1, "x2": x2}


SAMPLES = samples()


def save_samples(folder: Path) -> None:
    """Save the arrays that `ATOMS` names."""
    save_arrays(folder / "y.npy", y=SAMPLES["y"])
    save_arrays(folder / "x1.npy", x1=SAMPLES["x1"])
    save_arrays(folder / "layers.npz", block1=SAMPLES["x2"], head=np.zeros((N, 1)))


DECODED = ["atoms", "--labels", "y.npy", "--x1", "x1.npy", "--x2", "layers.npz", "--x2-key", "block1"]
"""A sound command that decodes."""

ATOMS = [*DECODED, "--codes", "--n-codes", "3"]
"""A sound command by codes made without the labels."""


def with_options(*options: str) -> list[str]:
    """Return a sound command with more options; argparse takes the last of each."""
    return [*ATOMS, *options]


def one_line_of(argv: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the only line that a command which ends with `code` leaves, on stderr."""
    before = {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()}
    assert main(argv) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("pidkit: error: ")
    assert "Traceback" not in line
    assert {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()} == before
    return line
