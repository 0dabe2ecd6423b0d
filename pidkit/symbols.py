"""Convert symbols of any kind (labels, clusters) to the integer codes that joints are counted from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from pidkit.arguments import check_count
from pidkit.errors import InputError
from pidkit.types import AnyArray, IntArray


def encode_labels(labels: npt.ArrayLike | Iterable[Hashable], *, n: int | None, name: str) -> tuple[IntArray, int]:
    """Return integer codes of one sequence of symbols and the size of its alphabet.

    Integers are codes as they stand: 0..n-1, the alphabet reaching to `n` or to the largest one. Anything else
    hashable (strings, floats, tuples) is coded by its rank among the distinct symbols, or in order of first
    appearance where the symbols cannot be ordered.

    Raises
    ------
    InputError
        If there are no symbols, more than one axis, NaN, an integer below 0 or not below `n`.

    Examples
    --------
    >>> encode_labels(["cat", "ant", "cat"], n=None, name="y")
    (array([1, 0, 1]), 2)
    """
    n = None if n is None else check_count(f"n_{name}", n)
    symbols = _one_axis(labels, name)
    if symbols.size == 0:
        raise InputError(f"{name} is empty: at least one sample is needed")
    if symbols.dtype.kind in "iub":
        codes = symbols.astype(np.int64)
        if int(codes.min()) < 0:
            raise InputError(f"{name} holds the negative code {int(codes.min())}; integer codes start at 0")
        largest = int(codes.max())
        if n is not None and largest >= n:
            raise InputError(f"{name} holds the code {largest}, but n_{name} = {n}; codes must be below n_{name}")
        return codes, largest + 1 if n is None else n
    if symbols.dtype.kind == "f" and not np.isfinite(symbols).all():
        raise InputError(f"{name} holds NaN or infinite symbols; drop those samples first")
    codes, n_symbols = _rank(symbols, name)
    if n is not None and n_symbols > n:
        raise InputError(f"{name} holds {n_symbols} distinct symbols, but n_{name} = {n}")
    return codes, n_symbols if n is None else n


def _one_axis(labels: npt.ArrayLike | Iterable[Hashable], name: str) -> AnyArray:
    """Return the symbols as an array of one axis; tuples and other hashables become an object array."""
    if isinstance(labels, np.ndarray) or hasattr(labels, "__array__"):
        array = np.asarray(labels)
    else:
        if not isinstance(labels, Iterable):
            raise InputError(f"{name} must be a sequence of symbols, one a sample, not {type(labels).__name__}")
        items = list(labels)
        plain = all(isinstance(item, (int, float, str, bool, np.generic)) for item in items)
        # One type only: numpy would turn [1, "1"] into two equal strings.
        if plain and len({type(item) for item in items}) == 1:
            return np.asarray(items)
        array = np.empty(len(items), dtype=object)
        array[:] = items
    if array.ndim != 1:
        raise InputError(f"{name} must have one axis (one symbol a sample); it has shape {array.shape}")
    if array.dtype.kind == "c":
        raise InputError(f"{name} holds complex numbers; symbols must be integers, strings or other hashables")
    return array


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
            raise InputError(f"{name}[{i}] is not hashable ({type(symbol).__name__}); symbols must be") from error
        if symbol != symbol:
            raise InputError(f"{name}[{i}] is NaN; drop those samples first")
    try:
        ordered = sorted(codes_of)  # type: ignore[type-var]
    except TypeError:
        return codes, len(codes_of)
    rank = np.empty(len(ordered), dtype=np.int64)
    rank[[codes_of[symbol] for symbol in ordered]] = np.arange(len(ordered))
    return rank[codes], len(ordered)
