"""The peak of memory within a block, which counts what is imported and compiled there: call it once before."""

import contextlib
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Traced:
    """What a block took: `peak` bytes at most, once it is over."""

    peak: int = 0


@contextlib.contextmanager
def traced_memory() -> Iterator[Traced]:
    """Trace a block, and stop whether or not it raises: all later tests would be slow."""
    traced = Traced()
    tracemalloc.start()
    try:
        yield traced
        traced.peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
