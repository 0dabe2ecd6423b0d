"""HDF5, zarr, .safetensors in place, and compressed .npz: the same arrays, mapped where they are large."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, describe_file, load_array, save_arrays
from pidkit.arrays import batches, formats
from tests.arrays.files import X, Y, is_mapped, message_of


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 20 bytes count as many."""
    for module in (batches, formats):
        monkeypatch.setattr(module, "AT_ONCE", 20)


def hdf5(path: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, chunks=(1, 4), compression="gzip")
        file.create_dataset("layers/y", data=Y)
        file.create_dataset("name", data="a text")
    return path


def zarr_folder(path: Path) -> Path:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(path), mode="w")
    for name, array in (("x", X), ("layers/y", Y)):
        group.create_array(name, shape=array.shape, dtype=array.dtype, chunks=(2,) * array.ndim)[...] = array
    return path


MAKERS = {".h5": hdf5, ".hdf5": hdf5, ".zarr": zarr_folder}


@pytest.mark.parametrize("suffix", MAKERS)
def test_arrays_in_groups(suffix: str, tmp_path: Path) -> None:
    path = MAKERS[suffix](tmp_path / f"a{suffix}")
    described = {entry.key: (entry.shape, entry.dtype, entry.n_bytes) for entry in describe_file(path).entries}
    assert described == {"x": (X.shape, "float64", 96), "layers/y": (Y.shape, "int32", 20)}
    np.testing.assert_array_equal(load_array(path, key="x"), X)
    np.testing.assert_array_equal(load_array(path, key="layers/y"), Y)
    assert not is_mapped(load_array(path, key="x"))
    assert "it holds layers/y, x" in message_of(path, key="z")


@pytest.mark.parametrize("suffix", MAKERS)
def test_large_ones_are_mapped(suffix: str, tmp_path: Path, small: None) -> None:
    found = load_array(MAKERS[suffix](tmp_path / f"a{suffix}"), key="x")
    assert is_mapped(found)
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize(("suffix", "package"), [(".h5", "h5py"), (".zarr", "zarr")])
def test_missing_packages(suffix: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs {package} to be read: pip install pidkit\[files\]$"):
        load_array(path)


@pytest.mark.parametrize("suffix", MAKERS)
def test_damaged_ones_are_named(suffix: str, tmp_path: Path) -> None:
    MAKERS[suffix](tmp_path / f"a{suffix}")
    (tmp_path / f"b{suffix}").write_bytes(b"anything")
    assert f"b{suffix} is damaged or no {suffix} file" in message_of(tmp_path / f"b{suffix}")


def test_open_datasets_are_rows(tmp_path: Path, small: None) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(hdf5(tmp_path / "a.h5"), "r") as file:
        found: Any = batches.mapped_rows(file["x"], "x1")
    assert is_mapped(found)
    np.testing.assert_array_equal(found, X)


def test_safetensors_are_mapped_in_place(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    save_arrays(path, x=X, half=X.astype(np.float16), flags=X > 3.0, y=Y)
    for key, array in {"x": X, "half": X.astype(np.float16), "flags": X > 3.0, "y": Y}.items():
        found = load_array(path, key=key)
        assert is_mapped(found)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_large_compressed_members_are_mapped(tmp_path: Path, small: None) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=X, f=np.asfortranarray(X))
    assert is_mapped(load_array(tmp_path / "x.npz", key="x"))
    for key in ("x", "f"):
        np.testing.assert_array_equal(load_array(tmp_path / "x.npz", key=key), X)


def test_large_tensors_that_numpy_lacks_are_mapped(tmp_path: Path, small: None) -> None:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(X).bfloat16()
    torch.save(x, tmp_path / "x.pt")
    found = load_array(tmp_path / "x.pt")
    assert is_mapped(found)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x.float().numpy())
