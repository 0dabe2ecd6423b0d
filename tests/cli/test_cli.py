"""The command line: what it prints and writes, its exit codes, and how it runs as a program."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import GATES, RepresentationCodes, coded_pid, explain, representation_pid, save_arrays
from pidkit.cli import main
from pidkit.errors import SolverError
from tests.command_lines import ATOMS, DECODED, SAMPLES, N, one_line_of, save_samples, with_options


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the saved arrays."""
    monkeypatch.chdir(tmp_path)
    save_samples(tmp_path)
    return tmp_path


def test_atoms_prints_and_writes_what_the_library_returns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = with_options("--n-null", "3", "--n-bootstrap", "3", "--bias", "shuffle", "--seed", "5", "--unit", "nats")
    assert main([*command, "--json", "out.json", "--plot", "out.png", "--names", "teacher", "student"]) == 0
    expected = coded_pid(
        labels=SAMPLES["y"], x1=SAMPLES["x1"], x2=SAMPLES["x2"], rng=5,
        quantiser=RepresentationCodes(n_codes=3, random_state=5), n_null=3, n_bootstrap=3, bias="shuffle", unit="nats",
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


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_layers_are_decoded_by_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--decoder", "knn", "--folds", "4", "--n-codes", "6", "--n-null", "3", "--seed", "5"]
    assert main([*DECODED, *options, "--json", "out.json", "--plot", "out.png"]) == 0
    expected = representation_pid(
        labels=SAMPLES["y"], x1=SAMPLES["x1"], x2=SAMPLES["x2"], decoder="knn", folds=4, n_codes=6, n_null=3, rng=5
    )
    assert capsys.readouterr().out == f"{expected!r}\n"
    assert json.loads((folder / "out.json").read_text())["decoders"]["x1"]["name"] == "knn"
    assert main([*DECODED, *options, "--explain"]) == 0
    assert capsys.readouterr().out == f"{explain(expected)}\n"


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_the_memory_of_a_layer_is_an_option(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--decoder", "knn", "--folds", "2", "--n-codes", "3", "--json", "-"]
    for memory, streamed in (("1 GiB", False), ("10 KiB", True), ("10240", True)):
        assert main([*DECODED, *options, "--memory", memory]) == 0
        assert json.loads(capsys.readouterr().out)["decoders"]["x1"]["streamed"] == streamed
    assert "memory must be a number of bytes" in one_line_of([*DECODED, "--memory", "much"], 2, capsys)


@pytest.mark.parametrize("option", ["--n-pca 3", "--normalise", "--fit-fraction .5", "--bias shuffle", "--tol 1e-6"])
def test_options_of_codes_need_codes(option: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = one_line_of([*DECODED, *option.split()], 2, capsys)
    assert f"{option.split()[0]} belongs to codes made without labels; add --codes" in line


def test_codes_have_no_folds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--folds belongs to decoded layers" in one_line_of(with_options("--folds", "3"), 2, capsys)


def test_atoms_fits_on_a_share_without_pca_on_unit_rows(folder: Path) -> None:
    options = ["--fit-fraction", "0.5", "--n-pca", "none", "--normalise", "--solver", "interior-point", "--tol", "1e-8"]
    assert main(with_options(*options, "--json", "out.json")) == 0
    written = json.loads((folder / "out.json").read_text())
    assert written["n_samples"] == N // 2
    quantiser = written["provenance"]["quantiser_1"]
    assert (quantiser["n_pca"], quantiser["n_codes"], quantiser["normalise"]) == (None, 3, True)
    assert written["pid"]["report"]["solver"] == "interior-point"


@pytest.mark.parametrize("kind", [str, float, np.uint8])
def test_labels_may_be_strings_floats_or_codes(kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ATOMS) == 0
    expected = capsys.readouterr().out.splitlines()[:-1]
    save_arrays("z.npy", z=SAMPLES["y"].astype(kind))
    assert main(with_options("--labels", "z.npy")) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == expected


def test_a_bias_warning_takes_one_line_and_is_no_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    save_arrays("noise.npy", noise=rng.normal(size=(N, 2)))
    assert main(["atoms", "--labels", "y.npy", "--x1", "noise.npy", "--x2", "noise.npy", "--codes"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("CodedPID")
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

    monkeypatch.setattr("pidkit.representations.coded_pid", fail)
    assert message in one_line_of(ATOMS, code, capsys)


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
