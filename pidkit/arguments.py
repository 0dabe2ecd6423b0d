"""Plain arguments that many doors take: whole numbers, and seeds."""

from __future__ import annotations

import numpy as np

from pidkit.errors import InputError

Rng = int | np.random.Generator


def whole_number(name: str, value: object, *, least: int = 0) -> int:
    """Return `value` if it is a whole number of at least `least`, else raise InputError.

    Examples
    --------
    >>> whole_number("n_null", True)
    Traceback (most recent call last):
    pidkit.errors.InputError: n_null must be a whole number >= 0, not True
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} must be a whole number >= {least}, not {value!r}")
    return int(value)


def generator(rng: object) -> np.random.Generator:
    """Return a Generator of an integer seed, or the Generator given; None is refused: it would not repeat.

    Raises
    ------
    InputError
        If `rng` is neither.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise InputError(f"rng must be an integer seed of at least 0 or a numpy.random.Generator, not {rng!r}")
    return np.random.default_rng(rng)


def seed_name(rng: Rng) -> int | str:
    """Return what a result records of `rng`."""
    return "generator" if isinstance(rng, np.random.Generator) else int(rng)


def check_count(name: str, value: object, *, at_most: int | None = None, limit: str = "") -> int:
    """Return `value` if it is an integer from 1 to `at_most` (which `limit` names), else raise InputError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name} must be an integer of at least 1, not {value!r}")
    if at_most is not None and value > at_most:
        raise InputError(f"{name} must be at most {limit}, {at_most}, not {value}; lower {name} or pass more data")
    return int(value)


def check_seed(value: object) -> int:
    """Return `value` if it is an integer seed, else raise InputError.

    None and RandomState are refused: the one reads the global state, the other makes a second fit differ.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < 2**32:
        raise InputError(f"random_state must be an integer from 0 to 2**32 - 1, not {value!r}")
    return int(value)
