"""The command line: bad input of every kind ends in exit code 2 and one line, with nothing half written."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import save_arrays
from tests.command_lines import SAMPLES, one_line_of, save_samples, with_options


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the saved arrays."""
    monkeypatch.chdir(tmp_path)
    save_samples(tmp_path)
    return tmp_path


USAGE: list[tuple[str, str]] = [
    ("", "the following arguments are required: COMMAND"),
    ("frobnicate", "invalid choice: 'frobnicate'"),
    ("atoms", "the following arguments are required: --labels, --x1, --x2; see pidkit atoms --help"),
    ("gates XAND", "there is no gate 'XAND'; did you mean 'AND'?"),
    ("gates XOR --unit bytes", "unit must be 'bits' or 'nats', not 'bytes'"),
    ("info", "the following arguments are required: FILE"),
    ("info missing.npy", "missing.npy does not exist"),
    ("info .", "is a directory; name a file in it"),
]


@pytest.mark.parametrize(("command", "message"), USAGE)
def test_usage(command: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in one_line_of(command.split(), 2, capsys)


OPTIONS: list[tuple[str, str]] = [
    ("--frob", "unrecognized arguments: --frob"),
    ("--labels missing.npy", "--labels: path must name a file, but missing.npy does not exist"),
    ("--x1 .", "--x1: path must name a file, but . is a directory"),
    ("--x1 x1.csv", "--x1: path must name a file, but x1.csv does not exist"),
    ("--x2-key blok1", "key must name an array of layers.npz, not 'blok1' (did you mean 'block1'?)"),
    ("--x1 layers.npz", "--x1: key must say which of its arrays to load: layers.npz holds block1, head"),
    ("--x1-key head", "--x1: key must be left out, not 'head'"),
    ("--unit bytes", "unit must be 'bits' or 'nats', not 'bytes'"),
    ("--solver simplex", "solver must be one of 'auto', 'interior-point', 'scaling', 'conic', not 'simplex'"),
    ("--bias jackknife", "bias must be one of 'none', 'miller-madow', 'extrapolation', 'shuffle', not 'jackknife'"),
    ("--bias shuffle", "ask for one with n_null=20 or more"),
    ("--tol -1", "tol must be a finite number of bits > 0, not -1.0"),
    ("--tol nan", "tol must be a finite number of bits > 0, not nan"),
    ("--n-codes 601", "n_codes must be at most the number of rows, 600, not 601"),
    ("--n-codes 0", "n_codes must be a whole number >= 1, not 0"),
    ("--n-codes three", "argument --n-codes: invalid int value: 'three'"),
    ("--n-pca 0", "n_pca must be a whole number >= 1, not 0"),
    ("--n-pca few", "argument --n-pca: 'few' is neither a whole number nor 'none'"),
    ("--fit-fraction 1.5", "fit_fraction must be a number in (0, 1), not 1.5"),
    ("--fit-fraction 0.0001", "leaves no row to fit on, or none to measure"),
    ("--n-null -1", "n_null must be a whole number >= 0, not -1"),
    ("--n-bootstrap -3", "n_bootstrap must be a whole number >= 0, not -3"),
    ("--seed -1", "argument --seed: '-1' is no whole number from 0 to 2**32 - 1"),
    ("--seed 4294967296", "is no whole number from 0 to 2**32 - 1"),
    ("--json .", "--json: . is a directory; add a file name"),
    ("--json nowhere/out.json", "--json: there is no folder"),
    ("--plot nowhere/out.png", "--plot: there is no folder"),
    ("--json y.npy", "--json: y.npy is an input and would be replaced; choose another name"),
    ("--plot out.bmp", "a picture's name must end in .png, .pdf, .svg, not 'out.bmp'"),
    ("--plot out", "a picture's name must end in .png, .pdf, .svg, not 'out'"),
    ("--json out.png --plot out.png", "--plot: out.png is where --json writes; choose another name"),
    ("--names teacher", "argument --names: expected 2 arguments"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options(options: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in one_line_of(with_options(*options.split()), 2, capsys)


def with_nan(x: Any) -> Any:
    return np.where(np.arange(len(x)) == 3, np.nan, 1.0)[:, None] * np.ones(2)


ARRAYS: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("labels", lambda data: data["y"][:-1], "x1 must have one row a label: it has shape (600, 4), and there are 599"),
    ("labels", lambda data: data["y"][:, None], "labels must have one axis (one symbol a sample), not shape (600, 1)"),
    ("labels", lambda data: np.where(data["y"] == 0, np.nan, data["y"]), "is missing (nan); drop such samples"),
    ("labels", lambda data: data["y"][:0], "labels is empty: at least one sample is needed"),
    ("labels", lambda data: data["y"] * 1j, "labels holds complex numbers"),
    ("x1", lambda data: data["x1"][:500], "x1 must have one row a label: it has shape (500, 4)"),
    ("x1", lambda data: np.float64(1.0), "x1: x must have shape (n, ...), one row per sample"),
    ("x1", lambda data: with_nan(data["x1"]), "x1: x must be finite: it holds NaN or infinity"),
    ("x1", lambda data: data["x1"] * 1e300, "x1: x holds values beyond 1e+140"),
    ("x1", lambda data: data["x1"].astype(str), "x1: x must hold real numbers, not dtype <U"),
    ("x1", lambda data: data["x1"][:, :0], "x1: x must hold at least one row and one feature"),
]


@pytest.mark.parametrize(("option", "make", "message"), ARRAYS)
def test_arrays(
    option: str,
    make: Callable[[dict[str, Any]], Any],
    message: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_arrays("bad.npy", bad=make(SAMPLES))
    assert message in one_line_of(with_options(f"--{option}", "bad.npy"), 2, capsys)


def object_array(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


FILES: list[tuple[str, Callable[[Path], Any], str]] = [
    ("bad.npy", object_array, "holds pickled objects, which are never loaded"),
    ("bad.npy", lambda path: path.write_bytes(pickle.dumps([1, 2])), "is damaged or no .npy file"),
    ("bad.npz", lambda path: path.write_bytes(b"PK\x03\x04 cut short"), "is damaged or no .npz file"),
    ("bad.npy", lambda path: path.write_bytes(b""), "bad.npy is empty; write it again"),
    ("bad.csv", lambda path: path.write_text("1,2"), "path must end in .npy, .npz, .pt, .pth, .safetensors"),
    ("bad\nname.csv", lambda path: path.write_text("1,2"), "not 'bad"),
]


@pytest.mark.parametrize(("name", "write", "message"), FILES)
def test_files(
    name: str, write: Callable[[Path], Any], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / name)
    assert message in one_line_of(with_options("--x1", name), 2, capsys)


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_a_folder_without_permission_is_told_before_the_computation(
    option: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    monkeypatch.setattr("pidkit.representations.coded_pid", None)
    line = one_line_of(with_options(option, "out.png"), 2, capsys)
    assert f"{option}: nothing can be written in" in line


def test_a_full_disk_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (folder / "out.json").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in one_line_of(with_options("--json", "out.json"), 2, capsys)
