"""Sizes in bytes, as numbers or as text."""

from __future__ import annotations

import re

import numpy as np

from pidkit.arguments.wording import refusal

UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**k for k, letter in enumerate("KMGT", 1)},
    **{f"{letter}IB": 1024**k for k, letter in enumerate("KMGT", 1)},
}
"""Bytes of every unit, in capitals: "KB" is 1000 bytes and "KIB" 1024."""

Memory = int | str
"""A size of memory: a number of bytes, or text such as "1 GiB"."""


def byte_count(name: str, value: object) -> int:
    """Return a size as a number of bytes, at least 1, else raise InputError.

    Examples
    --------
    >>> byte_count("memory", "1 GiB"), byte_count("memory", "1.5GB"), byte_count("memory", 2**21)
    (1073741824, 1500000000, 2097152)
    >>> byte_count("memory", "plenty")
    Traceback (most recent call last):
    pidkit.errors.InputError: memory must be a number of bytes, or text such as '1 GiB' or '500 MB', not 'plenty'
    """
    number = _bytes(value)
    if not number:
        raise refusal(name, "a number of bytes, or text such as '1 GiB' or '500 MB'", value)
    return number


def shown_bytes(n_bytes: int) -> str:
    """Return a size as text in binary units.

    Examples
    --------
    >>> shown_bytes(2**30), shown_bytes(9_633_792_000), shown_bytes(100)
    ('1 GiB', '8.97 GiB', '100 B')
    """
    for power, letter in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if n_bytes >= 1024**power:
            return f"{n_bytes / 1024**power:.3g} {letter}"
    return f"{n_bytes} B"


def _bytes(value: object) -> int | None:
    """Return a size in bytes, or None for what is no size."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value) if 0 <= value < 2**63 else None
    if not isinstance(value, str):
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
    if found is None or found[2].upper() not in UNITS:
        return None
    size = float(found[1]) * UNITS[found[2].upper()]
    return int(size) if size < 2**63 else None
