"""Locks on files, which the system releases when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from pidkit.errors import InputError

if sys.platform != "win32":
    import fcntl

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems without locks answer, such as some of those that computers of a cluster share."""


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file: return whether it is ours now, False if another holds it, None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise
    return True


def is_there(descriptor: int, path: Path) -> bool:
    """Return whether an open file is the one that has the name: it may have been removed since it was opened."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def state_of(path: Path) -> tuple[int, int, int] | None:
    """Return what tells a file from one that replaces it later; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@contextlib.contextmanager
def held_alone(path: Path, what: str) -> Iterator[None]:
    """Run a block while no other process, and nothing else in this one, holds the lock file `path`; then remove it.

    What a killed process leaves is an empty claim: the next one takes it over. Where the file system has no locks the
    block runs without.

    Raises
    ------
    InputError
        If it is held (the message names `what` and the process that holds it), or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, held_alone(Path(folder, "lock"), "the run"):
    ...     with held_alone(Path(folder, "lock"), "the run"):
    ...         pass
    Traceback (most recent call last):
    pidkit.errors.InputError: path must not be in use: the run is held by process ...; wait until it ends, or pass
    another path
    """
    while True:
        try:
            file = path.open("a+b")
        except PermissionError as error:
            raise InputError(
                f"path must be writable, but {path.parent} is not; copy {what} to where you can"
            ) from error
        with file:
            locked = try_lock(file.fileno())
            if locked is False:
                file.seek(0)
                who = file.read().decode(errors="replace") or "another process"
                raise InputError(
                    f"path must not be in use: {what} is held by {who}; wait until it ends, or pass another path"
                )
            if not is_there(file.fileno(), path):
                continue  # removed by the one before, between our opening and our locking it
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Run a block with the lock file `path`, which is removed afterwards, or be told that another holds it.

    Where the file system has no locks every claim is granted.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, claimed(Path(folder, "lock")) as ours:
    ...     with claimed(Path(folder, "lock")) as again:
    ...         print(ours, again)
    True False
    """
    while True:
        with path.open("a+b") as file:
            if try_lock(file.fileno()) is False:
                yield False
                return
            if not is_there(file.fileno(), path):
                continue  # removed by the one before, between our opening and our locking it
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return
