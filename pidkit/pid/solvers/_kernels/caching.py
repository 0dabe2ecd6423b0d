"""Compiled kernels are kept on disk, where that is possible, and never trusted more than they deserve.

numba's own cache gives up with an error where no directory can be written, as in containers without a home, and where a
file of it is cut short; and it looks at the source file of a function alone, not at those of what is copied into it or
of the types that it shares with the kernels that it calls. Here a kernel without a place on disk is compiled for the
process, a damaged file is compiled anew, and every kernel's file is stamped with the sources of all kernels.
"""

from __future__ import annotations

import hashlib
import pickle
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

from pidkit.pid.solvers.progress import announce

DAMAGED = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)
"""What reading a damaged file raises: pickle promises no single kind of error."""

COMPILING = "pidkit compiles its solver, once on this machine: about eight seconds"


class KernelCache(FunctionCache):
    """numba's cache of one function, stamped with the sources of all kernels and forgiving of damaged files."""

    def __init__(self, function: Any) -> None:
        """Find a directory that can be written; RuntimeError where there is none."""
        super().__init__(function)
        impl = self._impl
        self._cache_file = IndexDataCacheFile(self._cache_path, impl.filename_base, source_stamp=sources())

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled code from the disk, or None where it has to be compiled."""
        try:
            found = super().load_overload(signature, target_context)
        except OSError:
            found = None
        except DAMAGED:
            found = None
            self.flush_index()  # or else nothing could be saved beside it
        if found is None:
            announce(COMPILING)
        return found

    def save_overload(self, signature: Any, data: Any) -> None:
        """Write the compiled code; where that fails the next process compiles it again."""
        try:
            super().save_overload(signature, data)
        except (OSError, *DAMAGED):
            self.flush_index()

    def flush_index(self) -> None:
        """Begin a new index, over one that cannot be read; nothing where the directory cannot be written."""
        try:
            self.flush()
        except OSError:
            return


def keep_on_disk(dispatcher: Any) -> None:
    """Let a dispatcher of numba load its code from the disk and keep it there, if there is a place for it."""
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func)
    except RuntimeError:  # numba: "no locator available"
        announce(COMPILING.replace("once on this machine", "for this process, as no cache directory can be written"))


@cache
def sources() -> str:
    """Return a digest of the sources of all kernels: what the code of any of them may depend on."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
