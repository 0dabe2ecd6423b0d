"""Units of information: kernels compute in nats, results are shown in bits unless asked otherwise."""

import math
from typing import TypeVar, get_args

from pidkit.arguments import one_of
from pidkit.types import FloatArray, Unit

Information = TypeVar("Information", float, FloatArray)
"""A number, or an array of numbers."""

NATS_PER_UNIT: dict[str, float] = {"bits": math.log(2.0), "nats": 1.0}
"""How many nats one unit holds."""

_UNITS: tuple[Unit, ...] = get_args(Unit)


def check_unit(unit: object) -> Unit:
    """Return `unit` if it is "bits" or "nats", else raise InputError."""
    return one_of("unit", unit, _UNITS)


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
