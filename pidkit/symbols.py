"""Convert symbols of any kind (labels, clusters) to the integer codes that joints are counted from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from pidkit.arguments import check_count
from pidkit.errors import InputError
from pidkit.labels import read_symbols
from pidkit.types import AnyArray, IntArray

LARGEST_WHOLE_FLOAT = 2.0**53
"""Floats below it tell all integers apart."""


def encode_labels(labels: npt.ArrayLike | Iterable[Hashable], *, n: int | None, name: str) -> tuple[IntArray, int]:
    """Return integer codes of one sequence of symbols and the size of its alphabet.

    One rule for all of them:

    - Integers from 0 on are codes as they stand, the alphabet reaching to `n` or to the largest one. Floats that are
      whole count as the integers that they equal, and so do True and False.
    - Anything else hashable is coded by its rank among the distinct symbols: numbers where one is negative (-1, +1),
      not whole or beyond 64 bits, strings (also those of digits), tuples. Symbols that cannot be ordered are coded in
      the order of their first appearance.

    Raises
    ------
    InputError
        As `read_symbols`, or for an integer below 0 or not below `n` where `n` is given.

    Examples
    --------
    >>> encode_labels(["cat", "ant", "cat"], n=None, name="y")
    (array([1, 0, 1]), 2)
    >>> encode_labels([-1, 1, 1], n=None, name="y")
    (array([0, 1, 1]), 2)
    """
    n = None if n is None else check_count(f"n_{name}", n)
    symbols = read_symbols(labels, name)
    integers = _integers(symbols)
    if integers is not None:
        lowest, largest = int(integers.min()), int(integers.max())
        if lowest >= 0:
            if n is not None and largest >= n:
                raise InputError(f"{name} holds the code {largest}, but n_{name} = {n}; codes must be below n_{name}")
            return integers, largest + 1 if n is None else n
        if n is not None:
            raise InputError(
                f"{name} holds the negative code {lowest}, but n_{name} = {n} says that codes are 0 to {n - 1}; "
                f"leave n_{name} out where negative integers are names"
            )
        symbols = integers
    codes, n_symbols = _rank(symbols, name)
    if n is not None and n_symbols > n:
        raise InputError(f"{name} holds {n_symbols} distinct symbols, but n_{name} = {n}")
    return codes, n_symbols if n is None else n


def _integers(symbols: AnyArray) -> IntArray | None:
    """Return symbols that all equal integers as int64; None where one does not, or does not fit."""
    kind = symbols.dtype.kind
    if kind in "bi":
        return symbols.astype(np.int64)
    if kind == "u":
        return None if int(symbols.max()) > np.iinfo(np.int64).max else symbols.astype(np.int64)
    if kind == "f":
        whole = (symbols == np.rint(symbols)).all() and float(abs(symbols).max()) < LARGEST_WHOLE_FLOAT
        return symbols.astype(np.int64) if whole else None
    if kind != "O" or not all(
        isinstance(symbol, (int, float, np.integer, np.floating, np.bool_)) for symbol in symbols
    ):
        return None
    if any(symbol != int(symbol) or not -(2**63) <= int(symbol) < 2**63 for symbol in symbols):
        return None
    return np.array([int(symbol) for symbol in symbols], dtype=np.int64)


def _rank(symbols: AnyArray, name: str) -> tuple[IntArray, int]:
    """Return codes of arbitrary symbols and how many distinct ones there are."""
    if symbols.dtype.kind != "O":
        values, inverse = np.unique(symbols, return_inverse=True)
        return inverse.astype(np.int64), int(values.size)
    codes_of: dict[Hashable, int] = {}
    codes = np.empty(symbols.size, dtype=np.int64)
    for i, symbol in enumerate(symbols):
        try:
            codes[i] = codes_of.setdefault(symbol, len(codes_of))
        except TypeError as error:
            kind = type(symbol).__name__
            raise InputError(
                f"{name}[{i}] is not hashable ({kind}); pass one symbol a sample, such as tuples"
            ) from error
    try:
        ordered = sorted(codes_of)  # type: ignore[type-var]
    except TypeError:
        return codes, len(codes_of)
    rank = np.empty(len(ordered), dtype=np.int64)
    rank[[codes_of[symbol] for symbol in ordered]] = np.arange(len(ordered))
    return rank[codes], len(ordered)
