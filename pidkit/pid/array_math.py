"""Formulas for numpy arrays and torch tensors alike, for one problem or for a stack of problems.

The scaling solver and its certificate are written once, for any arrays that `array_api_compat` knows, so that no array
library has to be imported. The last two axes are those of one problem; a first axis, if there is one, counts problems.
"""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any, Self

import numpy as np
from array_api_compat import array_namespace

Array = Any
"""A float64 array of any library: numpy, or torch on any device."""

LAST_TWO = (-2, -1)
"""The axes of one problem."""


class Stack:
    """A record of arrays, or of further stacks, whose first axes all count the same problems.

    Indexing a stack indexes every attribute, so each array must have the batch as its first axis. Modules (the array
    library in use) are passed on as they are.
    """

    def __getitem__(self, index: Array) -> Self:
        """Return the same record of the problems `index` alone."""
        part = copy.copy(self)
        for name, values in vars(self).items():
            setattr(part, name, values if isinstance(values, ModuleType) else values[index])
        return part


def logarithm(values: Array) -> Array:
    """Return the logarithm, which is -inf where a potential is off its support or a weight has underflowed to zero."""
    with np.errstate(divide="ignore"):
        return array_namespace(values).log(values)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, zero where the denominator is not positive."""
    positive = denominator > 0.0
    return numerator * positive / (denominator * positive + ~positive)


def times_log(x: Array, y: Array) -> Array:
    """Return x log y where x > 0, elsewhere zero."""
    xp = array_namespace(x)
    return x * xp.log(xp.where(x > 0.0, y, 1.0))


def finite_maximum(values: Array, *, axis: int) -> Array:
    """Return the maximum along an axis, which stays with length one; -inf (a symbol without mass) becomes zero."""
    xp = array_namespace(values)
    largest = xp.max(values, axis=axis, keepdims=True)
    return xp.where(largest > -xp.inf, largest, 0.0)


def choose(mask: Array, one: Array | float, other: Array) -> Array:
    """Return, problem by problem, `one` where `mask` and `other` elsewhere."""
    xp = array_namespace(mask)
    return xp.where(xp.reshape(mask, tuple(mask.shape) + (1,) * (other.ndim - mask.ndim)), one, other)
