"""The one wording of what is wrong with an argument: its name, what it must be, what it was, and the remedy."""

from __future__ import annotations

from pidkit.errors import InputError


def refusal(name: str, wanted: str, value: object, remedy: str = "") -> InputError:
    """Return the error that says what argument `name` must be, that it was `value`, and what to do instead.

    Examples
    --------
    >>> raise refusal("k", "a whole number >= 1", 2.0, "pass the int 2")
    Traceback (most recent call last):
    pidkit.errors.InputError: k must be a whole number >= 1, not 2.0; pass the int 2
    """
    return InputError(f"{name} must be {wanted}, not {value!r}{f'; {remedy}' if remedy else ''}")
