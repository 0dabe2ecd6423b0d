"""Checksums: the CRC-32 of every member of a zip archive, and one digest of nested content for what pidkit records."""

from __future__ import annotations

import functools
import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.errors import InputError
from pidkit.types import AnyArray

PIECE = 1 << 24
"""Bytes that are read at once."""


def check_stored(path: Path, start: int, info: zipfile.ZipInfo) -> None:
    """Raise InputError unless an uncompressed member, whose bytes begin at `start`, has its checksum."""
    data, crc = np.memmap(path, np.uint8, "r", start, (info.file_size,)), 0
    for begin in range(0, info.file_size, PIECE):
        crc = zlib.crc32(data[begin : begin + PIECE].data, crc)
    if crc != info.CRC:
        raise InputError(damaged(path, f"the checksum of {info.filename} is wrong"))


def check_archive(path: Path) -> None:
    """Raise InputError unless every member of a zip archive has its checksum; read once while the file stays the same.

    torch can be told to write none, which are then all zero.
    """
    status = path.stat()
    _check_archive(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=64)
def _check_archive(path: Path, changed: int, size: int) -> None:
    with zipfile.ZipFile(path) as archive:
        if any(info.CRC for info in archive.infolist()) and (bad := archive.testzip()) is not None:
            raise InputError(damaged(path, f"the checksum of {bad} is wrong"))


def damaged(path: Path, reason: str) -> str:
    """Return the one message about a file whose content is not what was written."""
    return f"path cannot be read: {path} is damaged ({reason}); restore it, or write it again"


def digest_of(content: Any) -> str:
    """Return the SHA-256 of nested mappings, lists and tuples of arrays, numbers, strings, booleans and None.

    The keys of a mapping count in their order; lists and tuples are told apart, and so are 1, 1.0 and True, and arrays
    of different shapes and types.

    Parameters
    ----------
    content : object
        Arrays are numpy's; what is none of all these counts by its repr.

    Examples
    --------
    >>> digest_of({"epoch": 1, "loss": 0.5})[:12], digest_of({"epoch": 1.0, "loss": 0.5})[:12]
    ('64262f766c79', '62a5ffdae506')
    """
    digest = hashlib.sha256()
    _feed(digest, content)
    return digest.hexdigest()


def _feed(digest: Any, content: Any) -> None:
    if isinstance(content, Mapping):
        digest.update(b"{%d" % len(content))
        for key, value in content.items():
            _feed(digest, key)
            _feed(digest, value)
    elif isinstance(content, (list, tuple)):
        digest.update((b"[%d" if isinstance(content, list) else b"(%d") % len(content))
        for value in content:
            _feed(digest, value)
    elif content is None or isinstance(content, (bool, int, float, str)):
        # JSON tells 1, 1.0 and true apart, and writes a float so that it comes back the same.
        digest.update(json.dumps(content).encode() + b";")
    elif isinstance(content, (set, frozenset)):
        _feed(digest, sorted(map(repr, content)))
    elif not isinstance(content, (np.ndarray, np.generic)):
        digest.update(repr(content).encode() + b";")
    else:
        array = np.asarray(content)
        digest.update(f"<{array.dtype.str}{array.shape}".encode())
        for piece in _pieces(array):
            digest.update(piece)


def _pieces(array: AnyArray) -> Iterator[AnyArray]:
    """Return the bytes of an array in C order, a piece at a time: a memory map is neither copied nor read at once."""
    if array.flags.c_contiguous or array.ndim < 2:
        whole = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        yield from (whole[begin : begin + PIECE] for begin in range(0, whole.size, PIECE))
        return
    rows = max(1, PIECE * len(array) // max(array.nbytes, 1))
    for begin in range(0, len(array), rows):
        yield np.ascontiguousarray(array[begin : begin + rows]).reshape(-1).view(np.uint8)
