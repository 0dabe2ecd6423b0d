"""Kernels that are copied into their callers have no compiled form of their own: tests run their Python."""

from __future__ import annotations

from typing import Any


def in_python(function: Any) -> Any:
    """Return the Python function of an inlined kernel, with numba or without."""
    return getattr(function, "py_func", function)
