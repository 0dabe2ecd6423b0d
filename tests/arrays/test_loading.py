"""Loading: arrays are mapped where they can be, files described, and every refusal says why."""

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from pidkit import InputError
from pidkit.arrays import ArrayEntry, describe_file, load_array, save_arrays
from tests.arrays.files import WRITABLE, X, Y, is_mapped, message_of


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


def test_describe_names_path_and_format(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", x=X, y=Y)
    description = describe_file(tmp_path / "x.npz")
    assert description.path == str(tmp_path / "x.npz")
    assert description.format == "npz"
    assert description.entries == (ArrayEntry("x", (3, 4), "float64", 96), ArrayEntry("y", (5,), "int32", 20))


def test_paths_that_name_no_file_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2")
    (tmp_path / "empty.npy").write_bytes(b"")
    assert "is a directory; name a file in it" in message_of(tmp_path)
    assert "absent.npy does not exist; check the spelling" in message_of(tmp_path / "absent.npy")
    assert "must end in .npy, .npz, .pt, .pth, .safetensors, .h5, .hdf5, .zarr, not 'x.csv'" in message_of(
        tmp_path / "x.csv"
    )
    assert "empty.npy is empty" in message_of(tmp_path / "empty.npy")
    with pytest.raises(InputError, match=r"absent.npy does not exist"):
        describe_file(tmp_path / "absent.npy")


@given(position=st.integers(0, 10**6), byte=st.integers(0, 255), suffix=st.sampled_from(WRITABLE))
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
