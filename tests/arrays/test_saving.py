"""Saving: what is written comes back, equal arrays give equal files, nothing is half written."""

import functools
import os
import stat
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
from pidkit.arrays.locks import try_lock
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


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_a_file_that_is_replaced_hands_on_its_permissions(tmp_path: Path, mode: int) -> None:
    """Private results became readable for everybody when they were written again."""
    (tmp_path / "plain").touch()
    for path in (tmp_path / "x.npz", tmp_path / "x.json"):
        write = (
            functools.partial(save_arrays, path, x=X)
            if path.suffix == ".npz"
            else functools.partial(write_atomic, path, "{}")
        )
        write()
        assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
        path.chmod(mode)
        write()
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_new_content_of_a_private_file_is_private_from_its_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(descriptor: int) -> bool:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return True

    path = tmp_path / "x.json"
    write_atomic(path, "old")
    path.chmod(0o600)
    monkeypatch.setattr("pidkit.arrays.saving.try_lock", look)  # before anything else happens to the new file
    write_atomic(path, "new")
    assert seen == [0o600]


def test_leftovers_of_killed_writers_go_and_nothing_else(tmp_path: Path) -> None:
    living, others = tmp_path / ".x.json.00000000.tmp", [".y.json.0a1b2c3d.tmp", "mine.tmp", ".x.json.mine.tmp"]
    for name in (".x.json.0a1b2c3d.tmp", ".x.json.ffffffff.tmp", *others):
        (tmp_path / name).touch()
    with living.open("wb") as file:
        assert try_lock(file.fileno())
        write_atomic(tmp_path / "x.json", "{}")
        assert {f.name for f in tmp_path.iterdir()} == {"x.json", living.name, *others}
    save_arrays(tmp_path / "x.npz", x=X)
    write_atomic(tmp_path / "x.json", "{}")
    assert {f.name for f in tmp_path.iterdir()} == {"x.json", "x.npz", *others}
