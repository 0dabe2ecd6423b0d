"""Atomic writing: arrays, text and bytes reach the disk whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import stat
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from pidkit.array_likes import plain_array
from pidkit.arrays.locks import is_there, try_lock
from pidkit.errors import InputError
from pidkit.types import AnyArray

ALIGNMENT = 64
"""Bytes: arrays in a .npz file start at multiples of this, as those of .npy files do, so that they can be mapped."""


def save_arrays(path: str | os.PathLike[str], /, **arrays: npt.ArrayLike) -> None:
    """Write arrays to a .npz, .npy (exactly one array, whose name is dropped) or .safetensors file, atomically.

    The members of a .npz file are uncompressed and aligned, so that `load_array` maps them. Equal arrays give equal
    files.

    Parameters
    ----------
    path : path
    **arrays : array_like
        Arrays by key; no Python objects.

    Raises
    ------
    InputError
        Another extension, no array, several arrays for .npy, a dtype that the format cannot hold, no such folder, or
        safetensors is not installed.

    Examples
    --------
    >>> save_arrays("codes.npy", teacher=[0, 1], student=[1, 1])
    Traceback (most recent call last):
    pidkit.errors.InputError: arrays must be one for codes.npy, not 2; use .npz
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in (".npy", ".npz", ".safetensors"):
        raise InputError(f"path must end in .npy, .npz or .safetensors, not {file.name!r}")
    if not arrays:
        raise InputError("arrays must not be empty: save_arrays(path, name=array)")
    if suffix == ".npy" and len(arrays) > 1:
        raise InputError(f"arrays must be one for {file.name}, not {len(arrays)}; use .npz")
    # C order, because safetensors writes the buffer as it lies.
    ready = {key: np.asarray(plain_array(value, key), order="C") for key, value in arrays.items()}
    for key, array in ready.items():
        if array.dtype.hasobject or (suffix == ".safetensors" and array.dtype.kind not in "biuf"):
            raise InputError(f"{key} has dtype {array.dtype}, which {suffix} files cannot hold; convert it to numbers")
    if suffix == ".safetensors":
        write_atomic(file, _safetensors_bytes(file, ready))
    else:
        with _atomic(file) as out:
            if suffix == ".npy":
                np.lib.format.write_array(out, next(iter(ready.values())), allow_pickle=False)
            else:
                _write_npz(out, ready)


def write_atomic(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to `path` whole or not at all, replacing what was there.

    A file that is replaced hands on its permissions. Temporary files that killed writers of `path` left are removed.

    Parameters
    ----------
    path : path
        A symbolic link stays one: the file it points to is replaced.
    data : bytes or str

    Raises
    ------
    InputError
        `path` is a directory, or its folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(f"{folder}/result.json", "{}")
    ...     Path(folder, "result.json").read_text()
    '{}'
    """
    with _atomic(Path(path)) as out:
        out.write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def _atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place once it is complete and on the disk."""
    target = path.resolve()
    if target.is_dir():
        raise InputError(f"path must name a file, but {path} is a directory; add a file name")
    if not target.parent.is_dir():
        raise InputError(f"path must lie in an existing folder; create {target.parent} first")
    remove_leftovers(target)
    out, temporary = _open_temporary(target)
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
            if os.name == "nt":
                out.close()  # Windows moves no open file, and knows no lock that has to be held until then
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files of killed writers of `target`; a writer that lives holds a lock on its own."""
    leftover = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.tmp")
    for file in target.parent.iterdir():
        if leftover.fullmatch(file.name):
            # Gone meanwhile, or of another user.
            with contextlib.suppress(FileNotFoundError, PermissionError), file.open("rb") as left:
                if try_lock(left.fileno()):
                    file.unlink()


def _open_temporary(target: Path) -> tuple[IO[bytes], Path]:
    """Open and lock a new file beside `target`, with the permissions of the file that it will replace."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    # Private from its first moment, where the old file may have been.
    opener = None if mode is None else functools.partial(os.open, mode=0o600)
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        out = open(temporary, "xb", opener=opener)  # noqa: SIM115  (the caller closes it)
        # Another writer that looks for leftovers may have come between the two.
        if try_lock(out.fileno()) is not False and is_there(out.fileno(), temporary):
            if mode is not None:
                temporary.chmod(mode)
            return out, temporary
        out.close()


def _write_npz(out: IO[bytes], arrays: Mapping[str, AnyArray]) -> None:
    """Write a .npz whose arrays start at multiples of ALIGNMENT; numpy.savez leaves that to chance."""
    with zipfile.ZipFile(out, "w") as archive:
        for key, array in arrays.items():
            info = zipfile.ZipInfo(f"{key}.npy")  # with a fixed date
            # The local header is 30 bytes, the name, 20 bytes of zip64 sizes and this padding field with its own four.
            padding = -(out.tell() + 30 + len(info.filename.encode()) + 20 + 4) % ALIGNMENT
            info.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)  # Android's zipalign uses this number
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _safetensors_bytes(path: Path, arrays: Mapping[str, AnyArray]) -> bytes:
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise InputError(f"path {path} needs safetensors to be written: pip install pidkit[torch]") from error
    data: bytes = save(dict(arrays))
    return data
