"""`pid_table` gives the numbers of a loop of `representation_pid`, and computes only what is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pidkit import (
    InputError,
    PidkitWarning,
    PIDTable,
    UniformBins,
    coded_pid,
    paired_differences,
    pid_table,
    representation_pid,
    save_arrays,
)
from pidkit.representations.table import work
from tests.representations.table import layers
from tests.representations.table.layers import INDEX, QUICK, X1, X2, Y, content_of, layer, table

pytestmark = pytest.mark.filterwarnings("ignore::pidkit.PidkitWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("table")


@pytest.fixture(scope="module")
def made(folder: Path) -> PIDTable:
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return table(folder, compare="student", n_null=2, n_bootstrap=3)


def plain(result: Any) -> dict[str, Any]:
    """Return what a result holds beside seconds, which tables do not keep."""
    document: dict[str, Any] = result.to_dict()
    del (document["report"] if "report" in document else document["pid"]["report"])["seconds"]
    return document


def test_every_pair_is_what_representation_pid_returns(made: PIDTable) -> None:
    assert len(made.pairs) == 8
    with threadpool_limits(1):
        for one in made.pairs[::7]:
            x1, x2 = X1[one.x1], X2[one.x2, *one.place]
            expected = representation_pid(labels=Y, x1=x1, x2=x2, **QUICK, synergy=False, n_null=2, n_bootstrap=3)
            assert plain(one.result) == plain(expected)
            np.testing.assert_array_equal(one.result.row_scores, expected.row_scores)


def test_the_second_call_computes_nothing_and_leaves_every_byte(
    made: PIDTable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_of(folder)
    assert len(before) == len(X1) + len(X2) + len(made.pairs)
    for name in ("read_layer_once", "decoded_pid"):
        monkeypatch.setattr(work, name, lambda *_, **__: pytest.fail("computed again"))
    again = table(folder, compare="student", n_null=2, n_bootstrap=3)
    assert (repr(again.rows()), repr(again)) == (repr(made.rows()), repr(made))
    assert content_of(folder) == before


def counting(counted: list[str], name: str, made: Any) -> Any:
    counted.append(name)
    return made


def test_only_what_is_missing_is_computed_and_gives_the_same_bytes(
    made: PIDTable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content_of(folder)
    lost = [name for name in before if name.startswith("layers")][:1] + [name for name in before if "pairs" in name][:2]
    for name in lost:
        (folder / name).unlink()
    counted: list[str] = []
    for name in ("read_layer_once", "decoded_pid"):
        real = getattr(work, name)
        monkeypatch.setattr(work, name, lambda *a, _n=name, _r=real, **k: counting(counted, _n, _r(*a, **k)))
    table(folder, compare="student", n_null=2, n_bootstrap=3)
    assert sorted(counted) == ["decoded_pid", "decoded_pid", "read_layer_once"]
    assert content_of(folder) == before


FEW: dict[str, Any] = {"x1": {"late": X1["late"]}, "x2": {"a": layer(1, 0.5), "b": layer(2, 0.7)}, "index": ()}


def test_numbers_do_not_depend_on_the_backend(tmp_path: Path) -> None:
    before = [one["num_threads"] for one in threadpool_info()]
    table(tmp_path / "one", **FEW)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        table(tmp_path / "threads", **FEW)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "threads")
    assert [one["num_threads"] for one in threadpool_info()] == before


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    table(tmp_path / "one", **FEW)
    table(tmp_path / "two", **FEW, n_jobs=2)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")


def test_students_are_compared_row_by_row(made: PIDTable) -> None:
    assert (made.compared, len(made.differences)) == ("student", 4)
    one = made.differences[0]
    assert (one.of, one.less) == ("distilled", "alone")
    pair = {"x1": one.x1, "x2": one.x2, "epoch": one.place[0]}
    later, earlier = (made.result(**pair, student=student) for student in (one.of, one.less))
    assert repr(one.result) == repr(paired_differences(later, earlier))  # type: ignore[arg-type]
    assert np.isnan(one.result.difference["synergy"])


def test_the_same_rows_are_resampled_in_every_pair() -> None:
    # Of layers that are the same, pairs are the same down to the resamples.
    same = {"a": X1["late"], "b": X1["late"].copy()}
    made = table(x1={"x": X1["early"]}, x2=same, index=(), n_null=1, n_bootstrap=4)
    assert made.pairs[0].result.bootstrap == made.pairs[1].result.bootstrap
    assert made.pairs[0].result.null == made.pairs[1].result.null


def test_linear_decoders_chosen_codes_and_groups_are_those_of_the_loop() -> None:
    how: dict[str, Any] = {"folds": 2, "groups": np.arange(len(Y)) // 2}
    made = pid_table(labels=Y, x1={"x": X1["early"]}, x2={"y": X1["late"]}, **how)
    with threadpool_limits(1):
        expected = representation_pid(labels=Y, x1=X1["early"], x2=X1["late"], **how, synergy=False)
    assert plain(made.pairs[0].result) == plain(expected)


def test_synergy_on_request_is_that_of_representation_pid(tmp_path: Path) -> None:
    made = table(tmp_path, x1={"x": X1["early"]}, x2={"y": X1["late"]}, index=(), synergy=True)
    with threadpool_limits(1):
        expected = representation_pid(labels=Y, x1=X1["early"], x2=X1["late"], **QUICK)
    assert plain(made.pairs[0].result) == plain(expected)
    assert "was not computed" not in repr(made)


def test_files_keys_and_arrays_are_the_same_layers(tmp_path: Path) -> None:
    save_arrays(tmp_path / "t.npz", early=X1["early"], other=Y)
    save_arrays(tmp_path / "s.npy", s=X1["late"])
    from_files = table(x1={"x": (tmp_path / "t.npz", "early")}, x2={"y": str(tmp_path / "s.npy")}, index=())
    from_arrays = table(x1={"x": X1["early"]}, x2={"y": X1["late"]}, index=())
    assert repr(from_files.rows()) == repr(from_arrays.rows())


def test_codes_without_labels_make_a_table_of_coded_pid(tmp_path: Path) -> None:
    how: dict[str, Any] = {"quantiser": UniformBins(2), "n_null": 2, "n_bootstrap": 2, "unit": "nats"}
    made, again = (pid_table(labels=Y, x1=X1, x2=X2, index=INDEX, path=tmp_path, **how) for _ in range(2))
    one = made.pairs[5]
    expected = coded_pid(labels=Y, x1=X1[one.x1], x2=X2[one.x2, *one.place], **how)
    assert plain(one.result) == plain(expected)
    assert repr(again) == repr(made)
    for options in ({"synergy": True}, {"groups": Y}, {"folds": 2}, {"decoder": "mlp"}, {"sequences": "tokens"}):
        with pytest.raises(InputError, match=f"{next(iter(options))} is for decoders, and quantiser makes codes"):
            pid_table(labels=Y, x1=X1, x2=X2, index=INDEX, **{**how, **options})


def test_tokens_are_read_token_by_token() -> None:
    rng = np.random.default_rng(0)
    x1, x2 = (np.eye(3)[Y][:, None, :] + rng.normal(size=(len(Y), 2, 3)) for _ in range(2))
    made = pid_table(labels=Y, x1={"a": x1}, x2={"b": x2}, sequences="tokens", **QUICK)
    with threadpool_limits(1):
        expected = representation_pid(labels=Y, x1=x1, x2=x2, sequences="tokens", **QUICK, synergy=False)
    assert plain(made.pairs[0].result) == plain(expected)
    with pytest.raises(InputError, match=r"x1\['a'\] and x2\['b'\] must have sequences of one length"):
        pid_table(labels=Y, x1={"a": x1}, x2={"b": x2[:, :1]}, sequences="tokens", **QUICK)


def test_a_change_of_anything_that_counts_is_noticed(folder: Path) -> None:
    few: dict[str, Any] = {"x1": {"late": X1["late"]}, "x2": {"a": layer(1, 0.5)}, "index": ()}
    base = table(folder, **few)
    changed = X1["late"].copy()
    changed[0, 0] += 1.0
    for other in ({"x1": {"late": changed}}, {"rng": 3}, {"folds": 3}, {"decoder": "linear"}, {"labels": Y[::-1]}):
        assert repr(table(folder, **{**few, **other}).rows()) != repr(base.rows()), other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "x1"}, "index must hold names such as 'epoch'"),
        ({"index": ("epoch",)}, "a key of x2 must be the layer's name, or a tuple"),
        ({"compare": "layer"}, "compare must be 'student' or 'epoch'"),
        ({"n_jobs": 0}, "n_jobs must be a whole number >= 1, or -1"),
        ({"x1": {}}, "x1 must hold at least one layer"),
        ({"x1": {"a": "nowhere.npy"}}, r"x1\['a'\]: path must name a file, but nowhere.npy does not exist"),
        ({"x1": {"a": np.full((len(Y), 2), np.nan)}}, r"x1\['a'\]"),
        ({"x1": {"a": X1["early"][1:]}}, r"x1\['a'\] must have one row a label"),
        ({"path": Path(__file__)}, "path must name a folder for the table"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(**options)


def test_warnings_are_counted_and_kept(tmp_path: Path) -> None:
    few: dict[str, Any] = {"x1": {"same": np.ones((len(Y), 2))}, "x2": {"a": layer(1, 0.5)}, "index": ()}
    for _ in range(2):  # as it is made, and from the store
        with pytest.warns(PidkitWarning, match="1 of 1 pairs have warnings.*x1 is constant"):
            made = table(tmp_path, **few)
        assert made.warnings == ("x1 is constant: its information about anything is 0 (1 of 1 pairs)",)


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    table(tmp_path / "whole", n_null=2)
    return content_of(tmp_path / "whole")


@pytest.mark.slow
def test_killed_ten_times_at_random_the_bytes_are_the_same(tmp_path: Path, expected: dict[str, bytes]) -> None:
    folder, rng = tmp_path / "killed", np.random.default_rng(0)
    command = [sys.executable, "-m", layers.__name__, str(folder)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    root = Path(__file__).parents[3]
    partly = 0
    for _ in range(10):
        process = subprocess.Popen(command, cwd=root, env=environment)
        enough = len(list(folder.rglob("*.npz"))) + rng.integers(1, len(expected) // 10 + 1)  # files, not seconds
        while process.poll() is None and len(list(folder.rglob("*.npz"))) < enough:
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.01))
        process.send_signal(signal.SIGKILL)
        process.wait()
        partly += len(list(folder.rglob("*.npz"))) < len(expected)
    assert partly >= 8  # it was killed in the middle; a machine that stops this process for long may let it end
    table(folder, n_null=2)
    assert content_of(folder) == expected


@pytest.mark.slow
def test_two_processes_share_a_folder(tmp_path: Path, expected: dict[str, bytes]) -> None:
    command = [sys.executable, "-m", layers.__name__, str(tmp_path / "shared")]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    both = [subprocess.Popen(command, cwd=Path(__file__).parents[3], env=environment) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert content_of(tmp_path / "shared") == expected


def test_the_index_names_the_places(made: PIDTable) -> None:
    assert made.index == INDEX
    assert {one.place for one in made.pairs} == {key[1:] for key in X2}
