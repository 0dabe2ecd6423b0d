"""Saving: what is written comes back, equal arrays give equal files, nothing is half written."""

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from pidkit import InputError
from pidkit.arrays import ArrayEntry, describe_file, load_array, save_arrays, write_atomic
from tests.arrays.files import WRITABLE, X, Y


@given(
    x=hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, min_side=0),
        elements=st.integers(0, 1),
    ),
    suffix=st.sampled_from(WRITABLE),
)
@settings(max_examples=60, deadline=None)
def test_round_trip(x: Any, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        save_arrays(path, a=x.T)
        loaded = np.array(load_array(path))
        (entry,) = describe_file(path).entries
    np.testing.assert_array_equal(loaded, x.T, strict=True)
    assert entry == ArrayEntry(None if suffix == ".npy" else "a", x.T.shape, str(x.dtype), x.nbytes)


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_arrays(tmp_path / name, x=X, y=Y)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_bad_saves_leave_nothing(tmp_path: Path) -> None:
    for name, arrays, message in (
        ("x.csv", {"x": X}, r"path must end in .npy, .npz or .safetensors, not 'x.csv'"),
        ("x.npz", {}, "arrays must not be empty"),
        ("x.npy", {"x": X, "y": Y}, "arrays must be one for x.npy, not 2"),
        ("x.npz", {"x": np.array([None])}, "x has dtype object, which .npz files cannot hold"),
        ("x.safetensors", {"x": np.array(["a"])}, "x has dtype <U1, which .safetensors files cannot hold"),
        ("no/x.npz", {"x": X}, "path must lie in an existing folder; create .*no first"),
    ):
        with pytest.raises(InputError, match=message):
            save_arrays(tmp_path / name, **arrays)
    with pytest.raises(InputError, match="is a directory; add a file name"):
        write_atomic(tmp_path, "x")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.npz"
    save_arrays(path, x=X)

    def full_disk(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    for write in (lambda: save_arrays(path, x=Y), lambda: write_atomic(path, "new")):
        with pytest.raises(OSError, match="no space left"):
            write()
    np.testing.assert_array_equal(load_array(path), X)
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


def test_write_atomic_replaces_text_and_bytes_and_follows_links(tmp_path: Path) -> None:
    path, link = tmp_path / "r.json", tmp_path / "link.json"
    write_atomic(path, "{}")
    write_atomic(str(path), "é")
    assert path.read_bytes() == "é".encode()
    link.symlink_to(path)
    write_atomic(link, b"\x00")
    assert link.is_symlink()
    assert path.read_bytes() == b"\x00"


def test_one_array_may_have_any_name(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", path=X)
    np.testing.assert_array_equal(load_array(tmp_path / "x.npz", key="path"), X)
