"""The command line: exit codes, one line for every bad input, nothing half written."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import GATES, RepresentationCodes, representation_pid, save_arrays
from pidkit.cli import main
from pidkit.errors import SolverError

N = 600


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Labels of three classes, a teacher that knows them and a student that knows one from the others."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=N)
    x1 = y[:, None] + 0.3 * rng.normal(size=(N, 4))
    x2 = (y == 0)[:, None, None] + 0.3 * rng.normal(size=(N, 2, 3))
    return {"y": y, "x1": x1, "x2": x2}


@pytest.fixture
def folder(tmp_path: Path, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the saved arrays."""
    monkeypatch.chdir(tmp_path)
    save_arrays("y.npy", y=data["y"])
    save_arrays("x1.npy", x1=data["x1"])
    save_arrays("layers.npz", block1=data["x2"], head=np.zeros((N, 1)))
    return tmp_path


ATOMS = ["atoms", "--labels", "y.npy", "--x1", "x1.npy", "--x2", "layers.npz", "--x2-key", "block1", "--n-codes", "3"]


def with_options(*options: str) -> list[str]:
    """Return a sound command with more options; argparse takes the last of each."""
    return [*ATOMS, *options]


# What works


def test_atoms_prints_and_writes_what_the_library_returns(
    folder: Path, data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command = with_options("--n-null", "3", "--n-bootstrap", "3", "--bias", "shuffle", "--seed", "5", "--unit", "nats")
    assert main([*command, "--json", "out.json", "--plot", "out.png", "--names", "teacher", "student"]) == 0
    expected = representation_pid(
        labels=data["y"], x1=data["x1"], x2=data["x2"], quantiser=RepresentationCodes(n_codes=3, random_state=5),
        n_null=3, n_bootstrap=3, bias="shuffle", unit="nats", rng=5,
    )  # fmt: skip
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines()[:-1] == repr(expected).splitlines()[:-1]
    written = json.loads((folder / "out.json").read_text())
    files = written["provenance"].pop("files")
    assert files["x2"] == {"path": "layers.npz", "key": "block1"}
    assert files["labels"] == {"path": "y.npy", "key": None}
    document = json.loads(json.dumps(expected.to_dict()))
    for report in (written["pid"]["report"], document["pid"]["report"]):
        del report["seconds"]
    assert written == document
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["layers.npz", "out.json", "out.png", "x1.npy", "y.npy"]


def test_atoms_fits_on_a_share_without_pca_on_unit_rows(folder: Path) -> None:
    options = ["--fit-fraction", "0.5", "--n-pca", "none", "--normalise", "--solver", "interior-point", "--tol", "1e-8"]
    assert main(with_options(*options, "--json", "out.json")) == 0
    written = json.loads((folder / "out.json").read_text())
    assert written["n_samples"] == N // 2
    quantiser = written["provenance"]["quantiser_1"]
    assert (quantiser["n_pca"], quantiser["n_codes"], quantiser["normalise"]) == (None, 3, True)
    assert written["pid"]["report"]["solver"] == "interior-point"


@pytest.mark.parametrize("kind", [str, float, np.uint8])
def test_labels_may_be_strings_floats_or_codes(
    kind: str, folder: Path, data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ATOMS) == 0
    expected = capsys.readouterr().out.splitlines()[:-1]
    save_arrays("z.npy", z=data["y"].astype(kind))
    assert main(with_options("--labels", "z.npy")) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == expected


def test_a_bias_warning_takes_one_line_and_is_no_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    save_arrays("noise.npy", noise=rng.normal(size=(N, 2)))
    assert main(["atoms", "--labels", "y.npy", "--x1", "noise.npy", "--x2", "noise.npy"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("RepresentationPID")
    (line,) = shown.err.splitlines()
    assert line.startswith("pidkit: warning: the predicted plug-in bias")


def test_gates_shows_every_gate_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gates"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["gate", "atoms", "in", "bits", *pidkit.pid.result.ATOMS, "error", "gap"]
    known, computed = [row.split() for row in rows[::2]], [row.split() for row in rows[1::2]]
    assert [row[0] for row in known] == list(GATES)
    for exact, found in zip(known, computed, strict=True):
        assert exact[2:6] == found[1:5]
        error, gap = map(float, found[5:])
        assert error < 1e-8
        assert gap < 1e-8


def test_gates_in_nats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gates", "XOR", "--unit", "nats"]) == 0
    assert capsys.readouterr().out.splitlines()[-2].split()[-1] == "0.693147"


def test_info_lists_the_arrays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "layers.npz"]) == 0
    name, head, first, second = capsys.readouterr().out.splitlines()
    assert name == "layers.npz (npz)"
    assert head.split() == ["key", "dtype", "shape", "bytes"]
    assert first.split() == ["block1", "float64", "(600,", "2,", "3)", "28,800"]
    assert second.split() == ["head", "float64", "(600,", "1)", "4,800"]
    assert main(["info", "y.npy"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "-"


@pytest.mark.parametrize(("option", "text"), [("--version", f"pidkit {pidkit.__version__}"), ("--help", "usage:")])
def test_version_and_help(option: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out.startswith(text)


@pytest.mark.parametrize("command", ["atoms", "gates", "info"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: pidkit {command}")


# Bad input: exit code 2 and one line


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
    ("labels", lambda data: np.zeros(N, dtype=int), "labels hold one class only"),
    ("labels", lambda data: data["y"][:-1], "x1 must have one row a label: it has shape (600, 4), and there are 599"),
    ("labels", lambda data: data["y"] - 1, "labels holds the negative code -1; integer codes start at 0"),
    ("labels", lambda data: data["y"][:, None], "labels must have one axis (one symbol a sample); it has shape"),
    ("labels", lambda data: np.where(data["y"] == 0, np.nan, data["y"]), "labels holds NaN or infinite symbols"),
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
    data: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_arrays("bad.npy", bad=make(data))
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
    monkeypatch.setattr("pidkit.representations.decomposition.representation_pid", None)
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


# Neither done nor bad input


def test_an_unreachable_tolerance_is_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = one_line_of(with_options("--tol", "1e-30", "--json", "out.json"), 1, capsys)
    assert "certified gap" in line


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (SolverError("two\nlines"), 1, "two lines"),
        (MemoryError(), 1, "out of memory; measure fewer rows or features"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (PermissionError(13, "Permission denied"), 2, "Permission denied"),
    ],
)
def test_exit_codes(
    error: BaseException,
    code: int,
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(**options: Any) -> None:
        raise error

    monkeypatch.setattr("pidkit.representations.decomposition.representation_pid", fail)
    assert message in one_line_of(ATOMS, code, capsys)


# As a program


def run(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def test_python_m_pidkit() -> None:
    done = run("-m", "pidkit", "gates", "XOR")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("XOR: the parity of two bits")
    failed = run("-m", "pidkit", "info", "missing.npy")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.splitlines() == [
        "pidkit: error: path must name a file, but missing.npy does not exist; check the spelling"
    ]


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pidkit", "gates"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = ("numpy", "matplotlib", "sklearn", "numba", "cvxpy", "torch")
    assert run("-c", f"import sys, pidkit.cli; sys.exit(any(m in sys.modules for m in {heavy}))").returncode == 0
