"""The formats of arrays in groups, HDF5 and zarr, each read by its own package; and the reader of every format."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pidkit.arrays.batches import mapped_slices
from pidkit.arrays.formats import ArrayEntry, Member, read_npy, read_npz, read_safetensors, read_torch
from pidkit.errors import InputError
from pidkit.types import AnyArray


def read_hdf5(path: Path) -> list[Member]:
    """List the datasets of numbers of an HDF5 file, in all its groups."""
    try:
        import h5py
    except ImportError as error:
        raise InputError(f"path {path} needs h5py to be read: pip install pidkit[files]") from error

    def load(key: str) -> AnyArray:
        with h5py.File(path, "r") as file:
            return mapped_slices(file[key])

    members = []

    def keep(key: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset) and found.dtype.kind in "biuf" and found.shape is not None:
            entry = ArrayEntry(key, tuple(found.shape), str(found.dtype), found.size * found.dtype.itemsize)
            members.append(Member(entry, functools.partial(load, key)))

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return members


def read_zarr(path: Path) -> list[Member]:
    """List the arrays of a .zarr folder: one unnamed array, or those of a group and the groups in it."""
    try:
        import zarr
    except ImportError as error:
        raise InputError(f"path {path} needs zarr to be read: pip install pidkit[files]") from error

    def walk(group: Any, before: str) -> Iterator[tuple[str | None, Any]]:
        for name, array in group.arrays():
            yield f"{before}{name}", array
        for name, inner in group.groups():
            yield from walk(inner, f"{before}{name}/")

    content: Any = zarr.open(str(path), mode="r")
    found = [(None, content)] if hasattr(content, "shape") else sorted(walk(content, ""))
    return [
        Member(
            ArrayEntry(key, tuple(array.shape), str(array.dtype), math.prod(array.shape) * array.dtype.itemsize),
            functools.partial(mapped_slices, array),
        )
        for key, array in found
        if array.dtype.kind in "biuf"
    ]


READERS: dict[str, Callable[[Path], list[Member]]] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".pt": read_torch,
    ".pth": read_torch,
    ".safetensors": read_safetensors,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".zarr": read_zarr,
}
"""The reader of every extension."""
