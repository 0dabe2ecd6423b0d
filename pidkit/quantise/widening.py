"""Numbers of any type as float32 or float64: those of two bytes several times as fast as numpy widens them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.types import AnyArray, FloatArray

WIDENED_AT_ONCE = 2**15
"""Numbers that are widened at a time, so that they stay in the cache of a core."""

LARGEST_HALF = 65504.0
"""The largest finite number of two bytes; the bits of infinity and NaN come out larger."""


def in_float64(array: AnyArray) -> FloatArray:
    """Return an array in float64: itself, if it is, or a copy."""
    return array if array.dtype == np.float64 else widened(array, np.float64)


def widened(array: AnyArray, dtype: npt.DTypeLike) -> AnyArray:
    """Return `array.astype(dtype)` of a floating type, which is a copy.

    A number of two bytes is sign, five bits of exponent e and ten of fraction. Moved to the places that these have in
    four bytes, it is 2**-112 times as large, whatever e, since the exponents are counted from 15 and from 127.

    Examples
    --------
    >>> halves = np.array([1.5, -0.0, 6e-8, np.inf], np.float16)
    >>> bool((widened(halves, np.float32) == halves.astype(np.float32)).all())
    True
    """
    wanted: np.dtype[Any] = np.dtype(dtype)
    if array.dtype != np.float16 or wanted.itemsize < 4 or not array.dtype.isnative:
        with np.errstate(over="ignore", invalid="ignore"):  # a long double beyond float64 becomes infinite
            return np.array(array, dtype=wanted, order="C")
    found = np.empty(array.shape, np.float32)
    halves, values = np.ascontiguousarray(array).reshape(-1), found.reshape(-1)
    signs = np.empty(min(WIDENED_AT_ONCE, values.size), np.uint32)
    for begin in range(0, values.size, WIDENED_AT_ONCE):
        own = slice(begin, begin + WIDENED_AT_ONCE)
        value, bits = values[own], values[own].view(np.uint32)
        sign = signs[: bits.size]
        bits[:] = halves[own].view(np.uint16)
        np.bitwise_and(bits, 0x8000, out=sign)
        sign <<= 16
        bits &= 0x7FFF
        bits <<= 13
        value *= np.float32(2.0**112)
        if float(value.max()) > LARGEST_HALF:
            value[:] = halves[own]
        else:
            bits |= sign
    with np.errstate(invalid="ignore"):  # some of the NaN
        return np.asarray(found, dtype=wanted)
