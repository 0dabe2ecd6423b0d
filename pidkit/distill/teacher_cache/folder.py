"""The folder of a cache: how many bytes lie in it, and how rows are written while no other process writes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from pidkit.arrays.locks import claimed
from pidkit.distill.teacher_cache.rows import RowStore

FILE_BYTES = 1 << 25
"""Bytes of rows in memory at which they are written."""

LAST_WAIT = 10.0
"""Seconds that the last rows wait for another process which is writing; then they are given up."""

CACHE_LOCK_FILE = "cache.lock"
"""The file in the folder that is locked while rows are written."""


def waiting_bytes(stores: Mapping[str, RowStore]) -> int:
    """Return the bytes of rows that are in no file."""
    return sum(store.pending_bytes for store in stores.values())


def folder_bytes(folder: Path | None) -> int:
    """Return the bytes of all files of rows in a folder, of whatever teacher; none without a folder."""
    return 0 if folder is None else sum(file.stat().st_size for file in folder.glob("*/rows-*.npz"))


def write_rows(folder: Path, stores: Mapping[str, RowStore], max_bytes: int) -> int | None:
    """Write the rows that are in no file, as far as there is room, and return the bytes of the folder then.

    Return None, and leave the rows where they are, while another process is writing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with claimed(folder / CACHE_LOCK_FILE) as ours:
        if not ours:
            return None
        total = folder_bytes(folder)
        for store in stores.values():
            total += store.save(max_bytes - total)
        return total


def write_last_rows(folder: Path, stores: Mapping[str, RowStore], max_bytes: int) -> None:
    """Write the rows of a cache that goes, as soon as no other process is writing."""
    gives_up = time.monotonic() + LAST_WAIT
    while waiting_bytes(stores) and write_rows(folder, stores, max_bytes) is None and time.monotonic() < gives_up:
        time.sleep(0.01)
