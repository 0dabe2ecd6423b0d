"""The folder of a table: one file for every layer read and every pair solved, named by the digest of what made it.

Files are written whole or not at all, and locked while they are made, so that several processes may share the folder
and a killed one leaves nothing but what it had finished. A file that is damaged is made again.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.arrays import describe_file, load_array, save_arrays
from pidkit.arrays.locks import claimed
from pidkit.arrays.saving import remove_leftovers
from pidkit.errors import InputError, warn
from pidkit.types import AnyArray

LAYOUT = 1
"""The layout of the files: part of every digest, so that files of another layout are not found."""

LOOK_AGAIN = 0.05
"""Seconds between looks at what another process is making."""

RECORD = "record"
"""The member of a file that holds its JSON; the others are arrays."""


@dataclass(frozen=True)
class Entry:
    """What a file of the store holds: a record for JSON, whose numbers come back the same, and arrays by name."""

    record: Mapping[str, Any]
    arrays: Mapping[str, AnyArray]


@dataclass(frozen=True)
class Store:
    """A folder of entries."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Return the store of a folder, which is made if it does not exist.

        Raises
        ------
        InputError
            If it is no folder, or cannot be made.
        """
        try:
            for kind in ("layers", "pairs"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(f"path must name a folder for the table, but {error.filename} is a file") from error
        except PermissionError as error:
            raise InputError(f"path must be writable, but {error.filename} is not; pass another folder") from error
        return cls(folder)

    def file_of(self, kind: str, digest: str) -> Path:
        """Return the file of an entry, whether or not it exists."""
        return self.folder / kind / f"{digest}.npz"

    def load(self, kind: str, digest: str) -> Entry | None:
        """Return an entry, its arrays mapped into memory; None where there is none, or only a damaged one."""
        file = self.file_of(kind, digest)
        if not file.exists():
            return None
        try:
            arrays = {str(one.key): load_array(file, key=one.key) for one in describe_file(file).entries}
            record = json.loads(arrays.pop(RECORD).tobytes())
            if record.pop("digest") != digest:
                raise InputError(f"path holds {file}, which is another entry's")
        except (InputError, KeyError, ValueError) as error:
            warn(f"{file} cannot be used and is made again: {error}")
            file.unlink(missing_ok=True)
            return None
        return Entry(record, arrays)

    def save(self, kind: str, digest: str, entry: Entry) -> None:
        """Write an entry; equal entries give equal files."""
        text = json.dumps({"digest": digest, **entry.record}).encode()
        save_arrays(self.file_of(kind, digest), **{RECORD: np.frombuffer(text, np.uint8), **entry.arrays})

    def make(self, kind: str, digest: str, how: Callable[[], Entry], *, wait: bool) -> bool:
        """Make an entry unless it is there; return whether it is there now.

        Another process may be making it: without `wait` that is left to it. With `wait` this process waits until it is
        made, or makes it after all, if the other one ended without.
        """
        while True:
            if self.load(kind, digest) is not None:
                return True
            with claimed(self.file_of(kind, digest).with_suffix(".lock")) as ours:
                if ours:
                    if self.load(kind, digest) is None:  # made between the look and the lock
                        self.save(kind, digest, how())
                    return True
            if not wait:
                return False
            time.sleep(LOOK_AGAIN)

    def sweep(self) -> None:
        """Remove what killed processes left: locks that nobody holds, and half-written temporary files."""
        for file in self._all():
            with contextlib.suppress(FileNotFoundError):
                if file.suffix == ".lock":
                    with claimed(file):
                        pass
                elif half := re.fullmatch(r"\.(.+)\.[0-9a-f]{8}\.tmp", file.name):
                    remove_leftovers(file.with_name(half[1]))

    def _all(self) -> Iterator[Path]:
        for kind in ("layers", "pairs"):
            yield from list((self.folder / kind).iterdir())
