"""Arguments that hold several values: sequences, and mappings by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pidkit.arguments.numbers import check_count
from pidkit.arguments.wording import refusal


def items_of(name: str, value: object, *, remedy: str = "put a single one in a tuple") -> tuple[Any, ...]:
    """Return the items of a sequence, whatever they are, else raise InputError: a string would give its letters.

    Examples
    --------
    >>> items_of("epochs", [10, 20])
    (10, 20)
    >>> items_of("epochs", 10)
    Traceback (most recent call last):
    pidkit.errors.InputError: epochs must be a sequence, not 10; put a single one in a tuple
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise refusal(name, "a sequence", value, remedy)
    return tuple(value)


def check_shape(name: str, value: object) -> tuple[int, ...]:
    """Return the shape of one sample, every size of it a whole number of at least 1, else raise InputError.

    Examples
    --------
    >>> check_shape("shape_a", (3, 0))
    Traceback (most recent call last):
    pidkit.errors.InputError: every size in shape_a must be a whole number >= 1, not 0
    """
    return tuple(check_count(f"every size in {name}", size) for size in items_of(name, value))


def mapping_of(name: str, value: object) -> dict[Any, Any]:
    """Return a copy of a mapping, whatever it holds, else raise InputError.

    Examples
    --------
    >>> mapping_of("weights", 0.5)
    Traceback (most recent call last):
    pidkit.errors.InputError: weights must be a mapping by name, not 0.5
    """
    if not isinstance(value, Mapping):
        raise refusal(name, "a mapping by name", value)
    return dict(value)
