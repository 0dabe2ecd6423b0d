"""`pidkit map`: files in, a table and figures out, and the same again computes nothing."""

import csv
import io
import json
from pathlib import Path

import pytest

from pidkit import save_arrays
from pidkit.cli import main
from pidkit.representations.table import work
from tests.command_lines import one_line_of
from tests.representations.table.layers import X1, X2, Y, content_of, table

COMMAND = [
    "map",
    "--labels",
    "y.npy",
    "--x1",
    "teacher/*.npy",
    "--x2",
    "{student}/epoch{epoch}.npz",
    "--out",
    "results",
]
HOW = ["--decoder", "knn", "--n-codes", "4", "--folds", "2"]

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("teacher", "alone", "distilled"):
        (tmp_path / name).mkdir()
    save_arrays("y.npy", y=Y)
    for name, array in X1.items():
        save_arrays(f"teacher/{name}.npy", a=array)
    for (name, student, epoch), array in X2.items():
        save_arrays(f"{student}/epoch{epoch}.npz", **{name: array, "again": array})
    return tmp_path


@pytest.mark.slow
def test_a_table_and_figures_of_everything(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*COMMAND, *HOW, "--compare", "student", "--names", "teacher", "student"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("PIDTable of 16 pairs, in bits")
    rows = list(csv.DictReader(io.StringIO((folder / "results" / "table.csv").read_text())))
    expected = table()
    for row in (one for one in expected.rows() if one["computed"]):
        (found,) = (
            one
            for one in rows
            if (one["x1"], one["x2"], one["student"], one["epoch"], one["atom"])
            == (row["x1"], row["x2"], row["student"], str(row["epoch"]), row["atom"])
        )
        assert float(found["value"]) == row["value"]
    document = json.loads((folder / "results" / "table.json").read_text())
    assert document["provenance"]["files"]["x1"][0] == {"layer": "early", "path": "teacher/early.npy", "key": None}
    figures = {file.name for file in (folder / "results").glob("*.png")}
    assert "map_redundancy_studentalone_epoch4.png" in figures
    assert not [name for name in figures if "synergy" in name]
    assert (folder / "results" / "differences.csv").exists()

    before = content_of(folder / "results" / "cache")
    for name in ("read_layer_once", "decoded_pid"):
        monkeypatch.setattr(work, name, lambda *_, **__: pytest.fail("computed again"))
    assert main([*command, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == document
    assert content_of(folder / "results" / "cache") == before


def test_codes_without_labels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = ["--x2", "alone/epoch{epoch}.npz", "--codes", "--n-codes", "3", "--n-pca", "2", "--format", "svg"]
    assert main([*COMMAND, *one]) == 0
    assert "map_synergy_epoch4.svg, along_epoch.svg to results" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--x1 nowhere/*.npy", "--x1: no file matches 'nowhere/*.npy'"),
        ("--x1 teacher/{layer}.npy", "--x2: its patterns must have the indices of --x1"),
        ("--labels nowhere.npy", "--labels: path must name a file"),
        ("--out y.npy", "--out: y.npy is a file; name a folder"),
        ("--out nowhere/results", "--out: there is no folder"),
        ("--n-pca 3", "--n-pca belongs to codes made without labels"),
        ("--codes --folds 3", "--folds belongs to decoded layers"),
        ("--codes --synergy", "--synergy belongs to decoded layers"),
        ("--json table.json", "argument --json: invalid choice: 'table.json'"),
    ],
)
def test_bad_input_takes_one_line(options: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in one_line_of([*COMMAND, *options.split()], 2, capsys)
