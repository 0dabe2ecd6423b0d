"""Units of information: kernels compute in nats, results are shown in bits unless asked otherwise."""

import math
from typing import TypeVar

from pidkit.errors import InputError
from pidkit.types import FloatArray

Information = TypeVar("Information", float, FloatArray)
"""A number, or an array of numbers."""

NATS_PER_UNIT: dict[str, float] = {"bits": math.log(2.0), "nats": 1.0}
"""How many nats one unit holds."""


def check_unit(unit: str) -> str:
    """Return `unit` if it is "bits" or "nats", else raise InputError."""
    if not isinstance(unit, str) or unit not in NATS_PER_UNIT:  # type: ignore[redundant-expr]
        raise InputError(f"unit must be 'bits' or 'nats', not {unit!r}")
    return unit


def from_nats(value: Information, unit: str) -> Information:
    """Convert a value in nats to `unit`.

    Examples
    --------
    >>> round(from_nats(0.6931471805599453, "bits"), 12)
    1.0
    """
    return value / NATS_PER_UNIT[check_unit(unit)]


def convert(value: Information, *, old: str, new: str) -> Information:
    """Convert a number or an array between units: value · (nats per old unit) / (nats per new unit)."""
    if check_unit(old) == check_unit(new):
        return value
    return value * NATS_PER_UNIT[old] / NATS_PER_UNIT[new]
