"""Saved arrays: what is written comes back, nothing is unpickled, nothing is half written, every refusal is matched."""

import fractions
import os
import pickle
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings

from pidkit import InputError
from pidkit.arrays import ArrayEntry, describe_file, load_array, save_arrays, write_atomic

X = np.arange(12.0).reshape(3, 4)
Y = np.arange(5, dtype=np.int32)


def is_mapped(array: Any) -> bool:
    """Tell whether an array reads from a mapped file."""
    return isinstance(array, np.memmap)


def message_of(path: Path, **options: Any) -> str:
    """Return what load_array says when it refuses `path`."""
    with pytest.raises(InputError) as error:
        load_array(path, **options)
    text = str(error.value)
    assert "\n" not in text
    return text


# What is written comes back


@given(
    x=hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, min_side=0),
        elements=st.integers(0, 1),
    ),
    suffix=st.sampled_from([".npy", ".npz", ".safetensors"]),
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


def test_npy_is_mapped(tmp_path: Path) -> None:
    for name, x in {"c": X, "fortran": np.asfortranarray(X), "big": X.astype(">f8")}.items():
        np.save(tmp_path / f"{name}.npy", x)
        loaded = load_array(tmp_path / f"{name}.npy")
        assert is_mapped(loaded)
        assert not loaded.flags.writeable
        np.testing.assert_array_equal(loaded, x)
    with (tmp_path / "two.npy").open("wb") as file:
        np.lib.format.write_array(file, X, version=(2, 0))
    np.testing.assert_array_equal(load_array(str(tmp_path / "two.npy")), X)


def test_npz_members_are_mapped_where_aligned(tmp_path: Path) -> None:
    ours, packed = tmp_path / "ours.npz", tmp_path / "packed.NPZ"
    arrays: dict[str, Any] = {
        "x": X,
        "ÿ": Y,
        "file": np.asfortranarray(X),
        "nought": np.zeros((0, 2)),
        "scalar": np.float64(3),
    }
    save_arrays(ours, **arrays)
    with packed.open("wb") as file:
        np.savez_compressed(file, x=X, y=Y)
    for key, x in arrays.items():
        loaded = load_array(ours, key=key)
        assert is_mapped(loaded)
        assert loaded.flags.aligned
        np.testing.assert_array_equal(loaded, x)
    # numpy.savez aligns by chance, here by the length of the name: what lies unaligned is read.
    for key in ("x", "x1"):
        named: dict[str, Any] = {key: X}
        np.savez(tmp_path / "numpys.npz", **named)
        loaded = load_array(tmp_path / "numpys.npz")
        assert loaded.flags.aligned
        assert is_mapped(loaded) == (key == "x1")
        np.testing.assert_array_equal(loaded, X)
    assert not is_mapped(load_array(packed, key="x"))
    np.testing.assert_array_equal(load_array(packed, key="y"), Y)
    with np.load(ours) as readable:
        np.testing.assert_array_equal(readable["file"], X)
    assert zipfile.ZipFile(ours).testzip() is None


def test_npz_passes_over_other_members(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", x=X)
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("readme.txt", "not an array")
    np.testing.assert_array_equal(load_array(tmp_path / "x.npz"), X)


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_arrays(tmp_path / name, x=X, y=Y)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_torch_tensor_and_nested_checkpoint(tmp_path: Path) -> None:
    x = torch.tensor(X, requires_grad=True)
    torch.save(x, tmp_path / "one.pt")
    np.testing.assert_array_equal(load_array(tmp_path / "one.pt"), X)
    assert describe_file(tmp_path / "one.pt").entries == (ArrayEntry(None, (3, 4), "float64", 96),)

    checkpoint = {
        "epoch": 3,
        "model": {"fc.weight": x, "half": x.half()},
        "layers": [x.bfloat16(), x.detach().to(torch.float8_e4m3fn)],
        "sparse": x.detach().to_sparse(),
    }
    torch.save(checkpoint, tmp_path / "many.pth")
    description = describe_file(tmp_path / "many.pth")
    assert description.format == "pth"
    assert [(e.key, e.dtype) for e in description.entries] == [
        ("model.fc.weight", "float64"),
        ("model.half", "float16"),
        ("layers.0", "bfloat16"),
        ("layers.1", "float8_e4m3fn"),
        ("sparse", "float64"),
    ]
    for key, dtype in {"model.fc.weight": "f8", "model.half": "f2", "layers.0": "f4", "sparse": "f8"}.items():
        np.testing.assert_array_equal(load_array(tmp_path / "many.pth", key=key), X.astype(dtype), strict=True)
    assert load_array(tmp_path / "many.pth", key="layers.1").dtype == np.float32


def test_safetensors_written_by_torch(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    x = torch.tensor(X)
    safetensors.torch.save_file({"a": x.bfloat16(), "b": x.to(torch.float8_e4m3fn), "c": x, "d": x > 1}, path)
    assert describe_file(path).entries == (
        ArrayEntry("a", (3, 4), "bfloat16", 24),
        ArrayEntry("b", (3, 4), "float8_e4m3", 12),
        ArrayEntry("c", (3, 4), "float64", 96),
        ArrayEntry("d", (3, 4), "bool", 12),
    )
    np.testing.assert_array_equal(load_array(path, key="a"), X.astype(np.float32), strict=True)
    assert load_array(path, key="b").dtype == np.float32
    np.testing.assert_array_equal(load_array(path, key="c"), X, strict=True)
    np.testing.assert_array_equal(load_array(path, key="d"), X > 1, strict=True)


def test_describe_names_path_and_format(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", x=X, y=Y)
    description = describe_file(tmp_path / "x.npz")
    assert description.path == str(tmp_path / "x.npz")
    assert description.format == "npz"
    assert description.entries == (ArrayEntry("x", (3, 4), "float64", 96), ArrayEntry("y", (5,), "int32", 20))


# Refusals: the path


def test_paths_that_name_no_file_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2")
    (tmp_path / "empty.npy").write_bytes(b"")
    assert "is a directory; name a file in it" in message_of(tmp_path)
    assert "absent.npy does not exist; check the spelling" in message_of(tmp_path / "absent.npy")
    assert "must end in .npy, .npz, .pt, .pth, .safetensors, not 'x.csv'" in message_of(tmp_path / "x.csv")
    assert "empty.npy is empty" in message_of(tmp_path / "empty.npy")
    with pytest.raises(InputError, match=r"absent.npy does not exist"):
        describe_file(tmp_path / "absent.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_damaged_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".pt":
        torch.save(torch.tensor(X), path)
    else:
        save_arrays(path, x=X)
    whole = path.read_bytes()
    for damaged in (b"nonsense", whole[:5], whole[:60], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(damaged)
        assert str(path) in message_of(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"is damaged or no \.|is cut short or a legacy pickle"):
        describe_file(path)


@given(
    position=st.integers(0, 10**6), byte=st.integers(0, 255), suffix=st.sampled_from([".npy", ".npz", ".safetensors"])
)
@settings(max_examples=80, deadline=None)
def test_a_changed_byte_raises_nothing_but_input_error(position: int, byte: int, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{suffix}")
        save_arrays(path, x=Y)
        data = bytearray(path.read_bytes())
        data[position % len(data)] = byte
        path.write_bytes(data)
        try:
            loaded = load_array(path)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017  # either outcome is right
        else:
            assert isinstance(loaded, np.ndarray)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    objects = np.array([{}], dtype=object)
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "o.npz", allow_pickle=True, o=objects)
    torch.save({"x": torch.ones(2), "y": fractions.Fraction(1, 2)}, tmp_path / "o.pt")
    for name in ("o.npy", "o.npz", "o.pt"):
        assert "holds pickled objects, which are never loaded; save" in message_of(tmp_path / name)
    assert describe_file(tmp_path / "o.npy").entries[0].dtype == "object"

    (tmp_path / "legacy.pt").write_bytes(pickle.dumps({"x": 1}))
    torch.save(torch.ones(2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("legacy.pt", "old.pt"):
        assert "is cut short or a legacy pickle, which is never loaded" in message_of(tmp_path / name)


def test_files_without_arrays(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    assert "holds a dict without any" in message_of(tmp_path / "x.pt")
    torch.save(3, tmp_path / "x.pt")
    assert "holds a int without any" in message_of(tmp_path / "x.pt")
    np.savez(tmp_path / "x.npz")
    assert "x.npz holds none; write it again" in message_of(tmp_path / "x.npz")


def test_keys_that_clash(tmp_path: Path) -> None:
    torch.save({"a.b": torch.ones(2), "a": {"b": torch.ones(3)}}, tmp_path / "x.pt")
    assert "holds 'a.b' twice; rename one" in message_of(tmp_path / "x.pt")


def test_npy_format_3(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file, pytest.warns(UserWarning, match="format 3.0"):
        np.lib.format.write_array(file, np.zeros(2, dtype=[("ψ", float)]))
    assert "must name a file of npy format 1 or 2, not 3" in message_of(tmp_path / "x.npy")


@pytest.mark.parametrize("name", ["x.pt", "x.safetensors"])
def test_missing_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert "to be read: pip install pidkit[torch]" in message_of(path)


def test_missing_packages_for_one_tensor_and_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.ones(2).bfloat16(), "b": torch.ones(2)}, path)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "key 'a' of" in message_of(path, key="a")
    assert "needs PyTorch to be read: pip install pidkit[torch]" in message_of(path, key="a")
    np.testing.assert_array_equal(load_array(path, key="b"), [1, 1])
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(InputError, match=r"needs safetensors to be written: pip install pidkit\[torch\]"):
        save_arrays(path, x=X)


# Refusals: the key


def test_keys(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", teacher=X, student=Y)
    save_arrays(tmp_path / "x.npy", x=X)
    assert message_of(tmp_path / "x.npz").endswith("holds teacher, student")
    assert "not 'techer' (did you mean 'teacher'?); it holds teacher, student" in message_of(
        tmp_path / "x.npz", key="techer"
    )
    assert "not 'zzz'; it holds teacher" in message_of(tmp_path / "x.npz", key="zzz")
    assert "key must be left out, not 'x'" in message_of(tmp_path / "x.npy", key="x")
    save_arrays(tmp_path / "many.npz", **{f"k{i}": Y for i in range(25)})
    assert message_of(tmp_path / "many.npz").endswith("k18, k19 and 5 more")


# Writing


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
