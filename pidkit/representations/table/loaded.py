"""Files of layers that a process has loaded for a table, kept for its next tasks: some formats are copied."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from pidkit.representations.table.sources import NamedLayer

MOST_KEPT, MOST_BYTES = 64, 2**27
"""Layers that are kept at most, and bytes of those that lie in memory and not in a file."""

_kept: dict[tuple[str, str], Any] = {}
_lock = threading.RLock()  # of tasks that are threads of one process


def loaded(layer: NamedLayer, run: str) -> Any:
    """Return a layer, loaded by this process once for the call that `run` names; "" keeps nothing.

    A dataset of HDF5 or zarr, a compressed member and numbers that numpy lacks are copied where they are loaded, to a
    temporary file above some size, and two tasks of a table want the same layer. What an earlier call loaded is
    forgotten, since the file may have changed.

    Raises
    ------
    InputError
        As `NamedLayer.load`.
    """
    if not run or not layer.is_file:
        return layer.load()
    key = run, str(layer.source)
    with _lock:
        for other in [other for other in _kept if other[0] != run]:
            del _kept[other]
        if key not in _kept:
            _kept[key] = layer.load()
            while len(_kept) > MOST_KEPT or _in_memory() > max(MOST_BYTES, _bytes(_kept[key])):
                del _kept[next(iter(_kept))]
        return _kept[key]


def forget(run: str) -> None:
    """Forget what was loaded for a call."""
    with _lock:
        for key in [key for key in _kept if key[0] == run]:
            del _kept[key]


def _in_memory() -> int:
    return sum(map(_bytes, _kept.values()))


def _bytes(array: Any) -> int:
    """Return the bytes of an array that lies in memory."""
    base = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        if base.base is None:
            return int(array.nbytes)
        base = base.base
    return 0
