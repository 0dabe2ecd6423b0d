"""Patterns of file names, and the layers and indices that they name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, save_arrays
from pidkit.cli.layer_files import fields_of, find_layers

ARRAY = np.zeros((3, 2))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("alone", "distilled"):
        for epoch in (2, 10):
            (tmp_path / name / f"epoch{epoch}").mkdir(parents=True)
            for layer in ("conv1", "fc"):
                save_arrays(tmp_path / name / f"epoch{epoch}" / f"{layer}.npy", a=ARRAY)
    save_arrays(tmp_path / "net.npz", block1=ARRAY, block2=ARRAY)
    save_arrays(tmp_path / "other.npz", block1=ARRAY, block2=ARRAY)
    return tmp_path


def test_fields_make_the_index_and_whole_numbers_are_numbers(folder: Path) -> None:
    pattern = "{student}/epoch{epoch}/*.npy"
    assert fields_of([pattern]) == ("student", "epoch")
    layers = find_layers("x2", [pattern], ("student", "epoch"))
    assert list(layers)[:4] == [("conv1", "alone", 2), ("fc", "alone", 2), ("conv1", "alone", 10), ("fc", "alone", 10)]
    assert layers["fc", "distilled", 10] == ("distilled/epoch10/fc.npy", None)
    turned = find_layers("x2", ["{student}/epoch{epoch}/fc.npy"], ("epoch", "student"))
    assert ("fc", 2, "alone") in turned


def test_files_and_keys_give_the_names(folder: Path) -> None:
    assert find_layers("x1", ["alone/epoch2/*.npy"], ()) == {
        "conv1": ("alone/epoch2/conv1.npy", None),
        "fc": ("alone/epoch2/fc.npy", None),
    }
    assert find_layers("x1", ["net.npz"], ()) == {"block1": ("net.npz", "block1"), "block2": ("net.npz", "block2")}
    assert list(find_layers("x1", ["*.npz"], ())) == ["net:block1", "net:block2", "other:block1", "other:block2"]


@pytest.mark.parametrize(
    ("patterns", "index", "message"),
    [
        (["nowhere/*.npy"], (), r"--x1: no file matches 'nowhere/\*.npy'"),
        (["*/epoch2/fc.npy"], (), "are both called 'fc'; name them apart, or by an index"),
        (["{a}/epoch2/fc.npy", "alone/epoch{b}/fc.npy"], ("a",), "must name the same indices"),
        (["{}/epoch2/fc.npy"], (), "an index in {} must be a name"),
        (["{a}/{a}/fc.npy"], ("a",), "each once"),
    ],
)
def test_other_patterns_are_refused(folder: Path, patterns: list[str], index: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_layers("x1", patterns, index)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "bad.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match=r"--x1: path .*bad.npy"):
        find_layers("x1", ["bad.npy"], ())
