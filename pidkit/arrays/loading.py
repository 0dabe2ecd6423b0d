"""`load_array` and `describe_file`: check the file, choose the array, and say which file is damaged."""

from __future__ import annotations

import contextlib
import difflib
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pidkit.arrays.formats import ArrayEntry
from pidkit.arrays.groups import READERS
from pidkit.errors import InputError
from pidkit.types import AnyArray


@dataclass(frozen=True)
class FileDescription:
    """A description of a file of arrays: its path, its format (the extension without the dot) and its entries."""

    path: str
    format: str
    entries: tuple[ArrayEntry, ...]


def load_array(path: str | os.PathLike[str], *, key: str | None = None) -> AnyArray:
    """Load one array from a file, memory-mapped where the format allows.

    Mapped: .npy, the aligned uncompressed members of .npz (all those that `save_arrays` writes), .pt, .pth and
    .safetensors. Anything else (other members of .npz, bfloat16 and float8, .h5, .hdf5, .zarr) is read into memory, and
    then only the array asked for; above 64 MiB it is copied to a temporary file, which is mapped. Mapped arrays but
    those of .pt files are read-only: copy before writing.

    The checksums that .npz and .pt files have are compared, which takes one pass over the array, or over the .pt file
    the first time; .npy and .safetensors files have none.

    Parameters
    ----------
    path : path
        A .npy, .npz, .pt, .pth, .safetensors, .h5 or .hdf5 file, or a .zarr folder. Pickled objects are never loaded.
    key : str, optional
        Which array, where the file holds several. Tensors nested in the dicts and lists of a .pt file have dotted keys,
        such as "layer4.0".

    Returns
    -------
    ndarray
        In the dtype of the file; bfloat16 and float8, which numpy lacks, become float32.

    Raises
    ------
    InputError
        The file is missing, of another kind, damaged, or holds pickled objects; the key is missing or wrong; or torch,
        safetensors, h5py or zarr is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from pidkit.arrays import save_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(f"{folder}/layers.npz", conv1=np.zeros((2, 3)), fc=np.ones(2))
    ...     np.array(load_array(f"{folder}/layers.npz", key="fc"))
    array([1., 1.])
    """
    file = _existing(path)
    with _damage_named(file):
        members = {member.entry.key: member for member in READERS[file.suffix.lower()](file)}
        return members[_choose(file, [*members], key)].load()


def describe_file(path: str | os.PathLike[str]) -> FileDescription:
    """Describe the arrays of a file without reading their values.

    Parameters
    ----------
    path : path
        As in `load_array`.

    Raises
    ------
    InputError
        The file is missing, of another kind or damaged, or torch or safetensors is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pidkit.arrays import save_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(f"{folder}/x.npy", x=[[0.0, 1.0], [2.0, 3.0]])
    ...     describe_file(f"{folder}/x.npy").entries
    (ArrayEntry(key=None, shape=(2, 2), dtype='float64', n_bytes=32),)
    """
    file = _existing(path)
    with _damage_named(file):
        entries = tuple(member.entry for member in READERS[file.suffix.lower()](file))
    return FileDescription(str(file), file.suffix.lower()[1:], entries)


def _existing(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    if file.is_dir() and file.suffix.lower() != ".zarr":
        raise InputError(f"path must name a file, but {file} is a directory; name a file in it")
    if not file.exists():
        raise InputError(f"path must name a file, but {file} does not exist; check the spelling")
    if file.suffix.lower() not in READERS:
        raise InputError(f"path must end in {', '.join(READERS)}, not {file.name!r}; convert the file")
    if not file.is_dir() and file.stat().st_size == 0:
        raise InputError(f"path must name a file of arrays, but {file} is empty; write it again")
    return file


@contextlib.contextmanager
def _damage_named(file: Path) -> Iterator[None]:
    """Turn errors of the libraries into an InputError that names the file: a damaged one makes them raise anything."""
    try:
        yield
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        raise InputError(
            f"path must name a file of arrays alone, but {file} holds pickled objects, which are never loaded; "
            "save a tensor or a dict of tensors"
        ) from error
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"path cannot be read: {file} is damaged or no {file.suffix} file ({reason})") from error


def _choose(file: Path, keys: list[str | None], key: str | None) -> str | None:
    """Return the key to load: the one asked for, or the only one."""
    if key in keys or (key is None and len(keys) == 1):
        return key if key in keys else keys[0]
    names = [name for name in keys if name is not None]
    if not keys:
        raise InputError(f"path must name a file of arrays, but {file} holds none; write it again")
    if not names:
        raise InputError(f"key must be left out, not {key!r}: {file} holds one array, without a name")
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    if key is None:
        raise InputError(f"key must say which of its arrays to load: {file} holds {listed}")
    close = difflib.get_close_matches(key, names, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(f"key must name an array of {file}, not {key!r}{meant}; it holds {listed}")
