"""Rows that do not lie in one file that can be mapped: copied once, a batch at a time, to a temporary file that is.

An iterator gives its batches once, and a compressed or chunked file gives them slowly, while a layer is read several
times. The temporary file lies in the folder of `tempfile.gettempdir()`, which the variable TMPDIR names. It has no
name, so that it goes when nothing uses it any more, however the process ends; and its pages are not memory of the
process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.array_likes import is_tensor, plain_array
from pidkit.errors import InputError
from pidkit.types import AnyArray

Batches = Iterable[npt.ArrayLike]
"""What gives rows a batch at a time: an iterator, or a DataLoader of torch."""

AT_ONCE = 2**26
"""Bytes that are copied at a time, and up to which an array of a file is read into memory instead."""

SCRATCH = 2**28
"""Bytes up to which an array that is computed is kept in memory; a larger one lies in a temporary file."""


def mapped_rows(x: Any, name: str) -> Any:
    """Return what gives rows a batch at a time as a memory map of them all, and anything else as it is.

    Parameters
    ----------
    x : object
        An iterator of batches, arrays or tensors (rows, ...), or of tuples that begin with one, as a DataLoader of
        torch gives; or a dataset of h5py or an array of zarr.
    name : str
        For messages.

    Raises
    ------
    InputError
        If batches are no arrays of one shape and dtype, or there is none, or a DataLoader shuffles its rows.

    Examples
    --------
    >>> rows = mapped_rows((np.full((2, 3), k) for k in range(4)), "x1")
    >>> rows.shape, rows[:, 0].tolist()
    ((8, 3), [0, 0, 1, 1, 2, 2, 3, 3])
    """
    if _is_stored(x):
        return mapped_slices(x)
    return _of_batches(x, name) if _gives_batches(x) else x


def mapped_slices(stored: Any) -> AnyArray:
    """Return an array of h5py or zarr, which gives slices of its rows: in memory if it is small, or as a memory map."""
    shape, dtype = tuple(stored.shape), np.dtype(stored.dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    if n_bytes <= AT_ONCE or not shape:
        return np.asarray(stored[...])
    height = max(1, AT_ONCE * shape[0] // n_bytes)
    return in_file((np.asarray(stored[begin : begin + height]) for begin in range(0, shape[0], height)), shape, dtype)


def in_file(pieces: Iterable[AnyArray | bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
    """Return a memory map of a temporary file that the pieces, in their order, are written to."""
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            file.write(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece).data)
        return _mapped(file, shape, dtype)


def scratch(shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
    """Return an array to be written to: in memory, or a memory map of a temporary file where it takes over SCRATCH."""
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    if n_bytes <= SCRATCH:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        file.truncate(n_bytes)
        array: AnyArray = np.memmap(file, dtype, "r+", 0, shape)
        return array


def _mapped(file: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> AnyArray:
    """Map a file that will be closed: the map keeps it."""
    file.flush()
    array: AnyArray = np.memmap(file, dtype, "r", 0, shape)
    return array


def _is_stored(x: Any) -> bool:
    """Return whether something is a dataset of h5py or an array of zarr, without importing either."""
    package = type(x).__module__.partition(".")[0]
    return package in ("h5py", "zarr") and hasattr(x, "shape") and hasattr(x, "dtype")


def _gives_batches(x: Any) -> bool:
    """Return whether something is iterated over for batches: an iterator, or an object such as a DataLoader."""
    if isinstance(x, (list, tuple, str, bytes, Mapping, set, frozenset, range)) or is_tensor(x):
        return False
    array_like = any(hasattr(x, name) for name in ("__array__", "__array_interface__", "shape", "__buffer__"))
    return not array_like and isinstance(x, Iterable)


def _of_batches(batches: Iterable[Any], name: str) -> AnyArray:
    """Return the rows of all batches as a memory map."""
    sampler = type(getattr(batches, "sampler", None)).__name__
    if sampler == "RandomSampler":
        raise InputError(
            f"{name} must give its rows in the order of the labels, but the DataLoader shuffles them; make it with "
            "shuffle=False"
        )
    with tempfile.TemporaryFile() as file:
        n, kind = 0, None
        for array in _arrays(batches, name):
            own = array.shape[1:], array.dtype
            if kind is not None and own != kind:
                raise InputError(
                    f"{name} must give batches of one shape and dtype; one has rows {own[0]} of {own[1]}, the first "
                    f"{kind[0]} of {kind[1]}"
                )
            kind = own
            n += len(array)
            file.write(np.ascontiguousarray(array).data)
        if kind is None or not n:
            raise InputError(f"{name} must give at least one batch of rows; an iterator that has ended gives none")
        return _mapped(file, (n, *kind[0]), kind[1])


def _arrays(batches: Iterable[Any], name: str) -> Iterator[AnyArray]:
    """Yield the array of every batch: itself, or the first of a tuple or list of arrays."""
    for batch in batches:
        first = batch
        if isinstance(batch, (list, tuple)) and batch and (is_tensor(batch[0]) or isinstance(batch[0], np.ndarray)):
            first = batch[0]
        if isinstance(first, Mapping):
            raise InputError(f"{name} must give batches that are arrays, not dicts; take the layer out of each")
        try:
            array = plain_array(first, name)
        except ValueError as error:
            raise InputError(f"{name} must give batches that are rectangular arrays ({error})") from error
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise InputError(
                f"{name} must give batches of rows of real numbers, shape (rows, ...), not shape {array.shape} of "
                f"{array.dtype}"
            )
        yield array
