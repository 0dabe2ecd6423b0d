"""Whole numbers and real numbers."""

from __future__ import annotations

import math

import numpy as np

from pidkit.arguments.wording import refusal

LARGEST_WHOLE = 2**63 - 1
"""The largest int64. No count is larger: beyond it arrays, loops and torch fail in ways of their own."""


def whole_number(
    name: str, value: object, *, least: int = 0, most: int | None = None, limit: str = "", remedy: str = ""
) -> int:
    """Return `value` as an int if it is a whole number from `least` to `most`.

    Parameters
    ----------
    name : str
        The argument, with which the message begins.
    value : object
        What was passed.
    least, most : int
        The range; without `most` it ends at the largest int64.
    limit : str
        What `most` is where that depends on the data, such as "the number of rows".
    remedy : str
        What the caller can do instead, put at the end of the message.

    Raises
    ------
    InputError
        If `value` is no int of Python or numpy, or out of range.

    Examples
    --------
    >>> whole_number("n_null", True)
    Traceback (most recent call last):
    pidkit.errors.InputError: n_null must be a whole number >= 0, not True
    >>> whole_number("k", 2.0, least=1)
    Traceback (most recent call last):
    pidkit.errors.InputError: k must be a whole number >= 1, not 2.0; pass the int 2
    """
    wanted = f"a whole number >= {least}" if most is None or limit else f"a whole number from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise refusal(name, wanted, value, remedy or _advice_on_whole(value))
    if most is not None and value > most:
        raise refusal(name, f"at most {limit}, {most}" if limit else wanted, value, remedy)
    if value > LARGEST_WHOLE:
        raise refusal(name, "at most 2**63 - 1, the largest 64-bit integer", value, remedy)
    return int(value)


def check_count(name: str, value: object, *, at_most: int | None = None, limit: str = "") -> int:
    """Return `value` as an int if it is a whole number from 1 to `at_most`, which `limit` names; else InputError.

    Examples
    --------
    >>> check_count("n_codes", 9, at_most=5, limit="the number of rows")
    Traceback (most recent call last):
    pidkit.errors.InputError: n_codes must be at most the number of rows, 5, not 9; lower n_codes or pass more data
    """
    number = whole_number(name, value, least=1)
    if at_most is not None:
        whole_number(name, number, most=at_most, limit=limit, remedy=f"lower {name} or pass more data")
    return number


def real_number(
    name: str,
    value: object,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    finite: bool = True,
    of: str = "",
    remedy: str = "",
) -> float:
    """Return `value` as a float if it is a real number in the range.

    Parameters
    ----------
    name, value, remedy
        As in `whole_number`.
    least, above : float, optional
        The lower end, itself allowed (`least`) or not (`above`); one of the two at most.
    most, below : float, optional
        The upper end likewise.
    finite : bool
        False allows infinity, where the range does.
    of : str
        The unit, such as "bits", for the message.

    Raises
    ------
    InputError
        If `value` is no int or float of Python or numpy, is NaN, or is out of range.

    Examples
    --------
    >>> real_number("momentum", 1.0, least=0.0, below=1.0)
    Traceback (most recent call last):
    pidkit.errors.InputError: momentum must be a number in [0, 1), not 1.0
    >>> real_number("tol", "1e-9", above=0.0, of="bits")
    Traceback (most recent call last):
    pidkit.errors.InputError: tol must be a finite number of bits > 0, not '1e-9'
    """
    number = _as_float(value)
    inside = (
        (math.isfinite(number) if finite else not math.isnan(number))
        and (least is None or number >= least)
        and (above is None or number > above)
        and (most is None or number <= most)
        and (below is None or number < below)
    )
    if not inside:
        kind = f"number of {of}" if of else "number"
        wanted = _wanted(kind, least=least, above=above, most=most, below=below, finite=finite)
        raise refusal(name, wanted, value, remedy)
    return number


def _wanted(
    kind: str, *, least: float | None, above: float | None, most: float | None, below: float | None, finite: bool
) -> str:
    """Say which numbers are allowed: as an interval, by the end that there is, or any."""
    lower = ("[", ">=", least) if above is None else ("(", ">", above)
    upper = ("]", "<=", most) if below is None else (")", "<", below)
    if lower[2] is not None and upper[2] is not None:
        return f"a {kind} in {lower[0]}{lower[2]:g}, {upper[2]:g}{upper[0]}"
    text = f"a {'finite ' if finite else ''}{kind}"
    ends = [f"{sign} {end:g}" for _, sign, end in (lower, upper) if end is not None]
    return " ".join([text, *ends])


def _as_float(value: object) -> float:
    """Return a real number as a float, and NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, (float, int, np.floating, np.integer)):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int beyond the largest float
        return math.inf if value > 0 else -math.inf


def _advice_on_whole(value: object) -> str:
    """Say what to pass for a float, which no count may be."""
    if isinstance(value, (float, np.floating)):
        return f"pass the int {int(value)}" if value.is_integer() and value > 0 else "pass an int"
    return ""
