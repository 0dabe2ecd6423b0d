"""What a table shows, selects and hands on."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PIDTable, UniformBins, pid_table
from pidkit.pid.result import ATOMS
from tests.representations.table.layers import X1, X2, Y, compared


@pytest.fixture(scope="module")
def made() -> PIDTable:
    return compared()


def test_tidy_rows_are_one_a_pair_and_atom(made: PIDTable) -> None:
    rows = made.rows()
    assert len(rows) == len(ATOMS) * len(made.pairs)
    names = ("x1", "x2", "student", "epoch", "atom")
    assert len({tuple(row[name] for name in names) for row in rows}) == len(rows)
    for row in rows:
        result = made.result(row["x1"], row["x2"], student=row["student"], epoch=row["epoch"])
        if row["atom"] == "synergy":
            assert (row["computed"], row["above_chance"], np.isnan(row["value"])) == (False, None, True)
        else:
            assert row["value"] == getattr(result, row["atom"])
            assert (row["low"], row["high"]) == result.interval[row["atom"]]
            assert row["above_chance"] == (row["p_value"] <= 0.05)
            assert row["null_mean"] == result.null[row["atom"]].mean  # type: ignore[index]


def test_csv_holds_the_same_numbers(made: PIDTable, tmp_path: Path) -> None:
    made.write(tmp_path / "table.csv")
    read = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    for row, text in zip(made.rows(), read, strict=True):
        assert list(row) == list(text)
        if row["computed"]:
            assert float(text["value"]) == row["value"]
        else:
            assert (text["value"], text["computed"]) == ("", "False")


def test_json_holds_every_result(made: PIDTable, tmp_path: Path) -> None:
    made.write(tmp_path / "table.json")
    document = json.loads((tmp_path / "table.json").read_text())
    assert document == json.loads(json.dumps(made.to_dict()))
    assert document["pairs"][3]["result"]["redundancy"] == made.pairs[3].result.redundancy
    assert document["pairs"][3]["result"]["synergy"] is None


def test_a_frame_of_pandas_on_request(made: PIDTable) -> None:
    pandas = pytest.importorskip("pandas")
    frame = made.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    wide = frame[frame.computed].pivot_table(index="x1", columns="epoch", values="value", aggfunc="size")
    assert wide.to_numpy().tolist() == [[6, 6], [6, 6]]


def test_other_formats_are_refused(made: PIDTable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path must end in .csv, .json or .parquet, not 'table.xlsx'"):
        made.write(tmp_path / "table.xlsx")


def test_parquet_needs_its_package_or_holds_the_same(made: PIDTable, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    try:
        import pyarrow  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="needs pyarrow"):
            made.write(tmp_path / "table.parquet")
        return
    made.write(tmp_path / "table.parquet")
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "table.parquet"), made.to_frame())


def test_selecting_keeps_what_is_about_the_pairs(made: PIDTable) -> None:
    part = made.select(x1="late", epoch=4)
    assert {(one.x1, one.place[1]) for one in part.pairs} == {("late", 4)}
    assert {(one.x1, one.place) for one in part.differences} == {("late", (4,))}
    assert made.select(student="alone").differences == ()
    assert len(made.select().differences) == len(made.differences)
    names_1, names_2 = made.select(student="alone", epoch=1).map_of_layers()[1:]
    assert (names_1, names_2) == (["early", "late"], ["fc"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda made: made.select(layer=1), r"layer is no index of the table, which has \['student', 'epoch'\]"),
        (lambda made: made.select(epoch=9), "the table has no pair with {'epoch': 9}"),
        (
            lambda made: made.result("late", "fc"),
            "x1='late' and x2='fc' name 4 pairs; give the values of student, epoch",
        ),
        (lambda made: made.map_of_layers(), r"a map shows one; take .select\(student=..., epoch=...\)"),
    ],
)
def test_what_is_not_there_is_named(made: PIDTable, call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(made)


def test_the_printed_table_says_what_is_chance_and_what_was_not_computed(made: PIDTable) -> None:
    lines = repr(made).splitlines()
    assert lines[0] == "PIDTable of 8 pairs, in bits"
    assert lines[1].split() == ["x1", "x2", "student", "epoch", *ATOMS]
    for one, line in zip(made.pairs, lines[2:], strict=False):
        *names, redundancy, _, _, synergy = line.split()
        assert names == [one.x1, one.x2, *map(str, one.place)]
        assert synergy == "-"
        assert redundancy.startswith("(") != one.result.is_above_chance("redundancy")
    assert "The synergy was not computed: pass synergy=True" in repr(made)
    assert made.to("nats").pairs[0].result.redundancy == pytest.approx(made.pairs[0].result.redundancy * np.log(2.0))


def test_differences_are_tidy_too(made: PIDTable) -> None:
    rows = made.difference_rows()
    assert len(rows) == len(ATOMS) * len(made.differences)
    assert (rows[0]["compared"], rows[0]["of"], rows[0]["less"]) == ("student", "distilled", "alone")
    assert rows[0]["low"] <= rows[0]["difference"] <= rows[0]["high"]


@pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")
def test_codes_fill_the_columns_that_they_have() -> None:
    made = pid_table(labels=Y, x1=X1, x2={"a": X2["fc", "alone", 4]}, quantiser=UniformBins(2), n_bootstrap=2)
    row = made.rows()[3]
    assert (row["atom"], row["computed"], row["low"], row["p_value"]) == ("synergy", True, None, None)
    assert row["bootstrap_std"] == made.pairs[0].result.bootstrap["synergy"].std  # type: ignore[index]
    with pytest.raises(InputError, match="compare is for decoded layers"):
        pid_table(labels=Y, x1=X1, x2=X2, index=("student", "epoch"), compare="student", quantiser=UniformBins(2))
