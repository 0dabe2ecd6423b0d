"""Choices among strings, and flags."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar, cast

import numpy as np

from pidkit.arguments.wording import refusal

Choice = TypeVar("Choice", bound=str)


def one_of(name: str, value: object, choices: Collection[Choice], *, remedy: str = "") -> Choice:
    """Return `value` if it is one of the strings `choices`, else raise InputError.

    Examples
    --------
    >>> one_of("unit", "bytes", ("bits", "nats"))
    Traceback (most recent call last):
    pidkit.errors.InputError: unit must be 'bits' or 'nats', not 'bytes'
    """
    if isinstance(value, str) and value in choices:
        return cast(Choice, str(value))
    listed = [repr(choice) for choice in choices]
    wanted = " or ".join(listed) if len(listed) <= 2 else f"one of {', '.join(listed)}"
    raise refusal(name, wanted, value, remedy)


def flag(name: str, value: object) -> bool:
    """Return `value` as a bool if it is True or False, else raise InputError: the string "no" would count as yes.

    Examples
    --------
    >>> flag("check", "no")
    Traceback (most recent call last):
    pidkit.errors.InputError: check must be True or False, not 'no'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise refusal(name, "True or False", value)
    return bool(value)
