"""Rows of one tensor by key, in memory or in files of a folder that several processes share."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidkit.arrays.loading import load_array
from pidkit.arrays.saving import save_arrays
from pidkit.distill.teacher_cache.tensor_rows import KEY_BYTES, Bytes, RowLayout, as_rows, from_rows, layout_of
from pidkit.errors import InputError

HEADER_BYTES = 2048
"""More than a file takes beside its arrays."""


class RowStore:
    """The rows of one output of a teacher by key; once added a row never changes.

    In a folder the rows lie in files of many rows each, which are written to a temporary name and renamed, never
    changed, and mapped into memory: readers need no lock, and what a kill leaves is whole files. Files that other
    processes add are found when the folder has changed. Checksums are compared as files are opened.

    Parameters
    ----------
    folder : Path, optional
        None keeps the rows in memory.
    about : mapping
        What the rows are, in plain values. Files of something else are refused.
    """

    def __init__(self, folder: Path | None, about: Mapping[str, Any]) -> None:
        """Find what the folder holds."""
        self._folder, self._about = folder, dict(about)
        self._blocks: list[Bytes] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._pending: list[int] = []  # blocks that are in no file yet
        self._opened: set[str] = set()
        self._seen: int | None = None
        self._layout: RowLayout | None = None
        self.refresh()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._places)

    def __contains__(self, key: bytes) -> bool:
        """Return whether there is a row of a key."""
        return key in self._places

    @property
    def pending_bytes(self) -> int:
        """Return the bytes of rows that are in no file: without a folder, of all."""
        return sum(self._blocks[at].nbytes for at in self._pending)

    def refresh(self) -> None:
        """Open the files that were added to the folder since the last time."""
        if self._folder is None or not self._folder.is_dir():
            return
        changed = self._folder.stat().st_mtime_ns
        if changed != self._seen:
            for file in sorted(self._folder.glob("rows-*.npz")):
                self._open(file)
            self._seen = changed

    def add(self, keys: Sequence[bytes], tensor: Tensor) -> None:
        """Add the rows of a tensor, whose keys are new, each once. `save` writes them.

        Raises
        ------
        InputError
            If its rows have another shape or dtype than those before.
        """
        self._pending.append(self._place(keys, as_rows(tensor), layout_of(tensor)))

    def learn(self, tensor: Tensor) -> None:
        """Take the layout of rows from a whole output."""
        self._check(layout_of(tensor))

    def gather(
        self, keys: Sequence[bytes], device: torch.device, others: Mapping[bytes, Bytes] | None = None
    ) -> Tensor:
        """Return the tensor of the rows of keys, in that order: rows that are there, and `others` by key."""
        assert self._layout is not None
        found = [self._row(key) if others is None or key not in others else others[key] for key in keys]
        rows = np.empty((len(found), found[0].size), np.uint8)
        for row, one in zip(rows, found, strict=True):
            row[:] = one
        return from_rows(rows, self._layout, device)

    def _row(self, key: bytes) -> Bytes:
        block, at = self._places[key]
        row: Bytes = self._blocks[block][at]
        return row

    def save(self, room: int) -> int:
        """Write what is in no file yet, but for rows that others wrote meanwhile; return the bytes written.

        Parameters
        ----------
        room : int
            Bytes that may be written; rows beyond them are forgotten.
        """
        if self._folder is None or not self._pending or self._layout is None:
            return 0
        self._folder.mkdir(parents=True, exist_ok=True)
        pending, self._pending = set(self._pending), []
        waiting = {key: place for key, place in self._places.items() if place[0] in pending}
        blocks = {at: self._blocks[at] for at in pending}
        for key in waiting:
            del self._places[key]
        for at in pending:
            self._blocks[at] = self._blocks[at][:0]  # the numbers of the others stay
        self.refresh()
        new = {key: blocks[block][at] for key, (block, at) in waiting.items() if key not in self}
        about = np.frombuffer(json.dumps([self._about, self._layout]).encode(), np.uint8)
        size = KEY_BYTES + max((row.nbytes for row in new.values()), default=0)
        taken = list(new)[: max(room - about.nbytes - HEADER_BYTES, 0) // size]
        if not taken:
            return 0
        file = self._folder / f"rows-{secrets.token_hex(8)}.npz"
        save_arrays(
            file,
            about=about,
            keys=np.frombuffer(b"".join(taken), np.uint8).reshape(-1, KEY_BYTES),
            rows=np.stack([new[key] for key in taken]),
        )
        self._open(file)
        return file.stat().st_size

    def _open(self, file: Path) -> None:
        if file.name in self._opened:
            return
        about, layout = json.loads(bytes(np.asarray(load_array(file, key="about"))))
        keys, rows = np.asarray(load_array(file, key="keys")), load_array(file, key="rows")
        if about != self._about or keys.shape != (len(rows), KEY_BYTES):
            raise InputError(f"path holds {file}, whose rows are of something else; move it away")
        dtype, shape, order = layout
        self._place([key.tobytes() for key in keys], rows, RowLayout(dtype, tuple(shape), tuple(order)))
        self._opened.add(file.name)

    def _place(self, keys: Sequence[bytes], rows: Any, layout: RowLayout) -> int:
        """Note where the rows of keys are, and return the number of their block."""
        self._check(layout)
        self._blocks.append(rows)
        for at, key in enumerate(keys):
            self._places.setdefault(key, (len(self._blocks) - 1, at))
        return len(self._blocks) - 1

    def _check(self, layout: RowLayout) -> None:
        """Take a layout if there is none yet; its order of axes is then that of the first."""
        before = self._layout = self._layout or layout
        if (layout.dtype, layout.shape) != (before.dtype, before.shape):
            found = f"{layout.dtype} of shape {layout.shape}, before {before.dtype} of shape {before.shape}"
            raise InputError(f"cache cannot hold {self._about['output']}: of inputs of one shape it is {found}")
