"""What two results are compared by: values and their types, so that a numpy integer that was kept shows."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

TIMES = {"seconds"}
"""What differs from run to run."""


def fingerprint(value: Any) -> Any:
    """Return nested tuples that are equal where two results are the same, in value and in type."""
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, float, complex, str, np.generic, enum.Enum)):
        return kind, repr(value)
    if isinstance(value, np.ndarray):
        return kind, str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return kind, tuple((fingerprint(key), fingerprint(part)) for key, part in value.items() if key not in TIMES)
    if isinstance(value, (tuple, list)):
        return kind, tuple(fingerprint(part) for part in value)
    if isinstance(value, (set, frozenset)):
        return kind, tuple(sorted(repr(part) for part in value))
    if isinstance(value, functools.partial):
        return kind, fingerprint(value.args), fingerprint(value.keywords)
    if hasattr(value, "state_dict") and hasattr(value, "named_modules"):
        own = {name: part for name, part in vars(value).items() if _is_plain(part) and not name.startswith("__")}
        return kind, fingerprint(own), fingerprint(dict(value.state_dict()))
    if hasattr(value, "detach"):
        return kind, str(value.dtype), fingerprint(value.detach().tolist())
    if dataclasses.is_dataclass(value):
        return kind, fingerprint({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if hasattr(value, "__dict__"):
        return kind, fingerprint(vars(value))
    return kind, repr(value)


def _is_plain(value: Any) -> bool:
    """Return whether an attribute of a module is a setting: a number, a string, or several."""
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str, np.generic))
