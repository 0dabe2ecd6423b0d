"""Read what a caller passes as symbols, one a sample, and say what to do with what is something else."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.array_likes import is_tensor, plain_array
from pidkit.errors import InputError
from pidkit.types import AnyArray

FEWEST_MEASURED = 20
"""Samples from which numbers that hardly repeat are taken for measurements."""

MEASURED_SHARE = 0.5
"""Share of distinct values above which floats that are not whole are measurements, and no symbols."""


def read_symbols(labels: npt.ArrayLike | Iterable[Hashable], name: str) -> AnyArray:
    """Return symbols as an array of one axis: numbers, text, times, or an object array of anything hashable.

    Raises
    ------
    InputError
        If there are no symbols, more than one axis, a missing, masked or infinite one, or measurements instead.

    Examples
    --------
    >>> read_symbols([[0, 1], [1, 0]], "y")
    Traceback (most recent call last):
    pidkit.errors.InputError: y looks one-hot, of shape (2, 2); pass one symbol a sample: y.argmax(axis=1)
    """
    symbols = _as_array(labels, name)
    if symbols.dtype.kind == "c":
        raise InputError(f"{name} holds complex numbers; symbols must be integers, strings or other hashables")
    if symbols.ndim != 1:
        raise InputError(_advice_on_shape(symbols, name))
    if symbols.size == 0:
        raise InputError(f"{name} is empty: at least one sample is needed")
    _refuse_missing(symbols, name)
    _refuse_measured(symbols, name)
    return symbols


def _as_array(labels: npt.ArrayLike | Iterable[Hashable], name: str) -> AnyArray:
    """Return labels as an array; what numpy would merge or round becomes an object array."""
    if isinstance(labels, Mapping):
        raise InputError(
            f"{name} is a mapping; pass one symbol a sample. If it holds counts, repeat each symbol: "
            f"np.repeat(list({name}), list({name}.values()))"
        )
    if isinstance(labels, Set):
        raise InputError(f"{name} is a set, which has no order; pass one symbol a sample, in the order of the samples")
    if hasattr(labels, "columns") and len(getattr(labels, "shape", ())) == 2:
        raise InputError(f"{name} is a table; pass one column of it, such as {name}[{next(iter(labels.columns))!r}]")
    if is_tensor(labels) or hasattr(labels, "__array__"):
        return plain_array(labels, name)
    if not isinstance(labels, Iterable):
        raise InputError(f"{name} must be a sequence of symbols, one a sample, not {type(labels).__name__}")
    return _array_of_items(list(labels), name)


def _array_of_items(items: list[Any], name: str) -> AnyArray:
    """Return a list of symbols as an array of numbers or text if that keeps them apart, else as an object array."""
    if any(is_tensor(item) or isinstance(item, np.ndarray) for item in items):
        # Tensors are hashable, but by identity: every sample would be a symbol of its own.
        items = [
            plain_array(item, f"{name}[{i}]") if hasattr(item, "__array__") else item for i, item in enumerate(items)
        ]
        items = [item.item() if isinstance(item, np.ndarray) and item.ndim == 0 else item for item in items]
    kinds = {type(item) for item in items}
    if items and kinds <= {list, np.ndarray}:
        return _rows_of_lists(items, name)
    # Of one type only, because numpy would turn [1, "1"] into two equal strings.
    if len(kinds) <= 1 and kinds <= {int, float, str, bool} | {kind for kind in kinds if issubclass(kind, np.generic)}:
        array = np.asarray(items)
        # Integers beyond 64 bits become floats, and text loses zeros at its end.
        kept = (
            array.dtype.kind in "iu"
            if kinds == {int}
            else not any(isinstance(i, str) and i.endswith("\0") for i in items)
        )
        if kept:
            return array
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _rows_of_lists(items: list[Any], name: str) -> AnyArray:
    """Return lists that are rows of a table as one, whose shape says what is wrong; other lists are no symbols."""
    try:
        return np.asarray(items)
    except ValueError as error:
        kind = type(items[0]).__name__
        raise InputError(f"{name}[0] is not hashable ({kind}); pass one symbol a sample, such as tuples") from error


def _advice_on_shape(symbols: AnyArray, name: str) -> str:
    """Say what to pass in place of an array that has not one axis."""
    shape = symbols.shape
    if symbols.ndim == 0:
        return f"{name} must be a sequence of symbols, one a sample, not {symbols.item()!r}"
    if math.prod(shape) == max(shape):
        return f"{name} must have one axis (one symbol a sample), not shape {shape}; pass {name}.reshape(-1)"
    if symbols.ndim == 2 and symbols.dtype.kind in "biuf":
        of_rows = symbols.astype(np.float64).sum(1)
        if np.isin(symbols, (0, 1)).all():
            if (of_rows == 1.0).all():
                return f"{name} looks one-hot, of shape {shape}; pass one symbol a sample: {name}.argmax(axis=1)"
            return (
                f"{name} looks like several labels a sample, of shape {shape}; pass one column, or make each row one "
                f"symbol: list(map(tuple, {name}))"
            )
        if (symbols >= 0).all() and np.allclose(of_rows, 1.0, atol=1e-3):
            return (
                f"{name} looks like probabilities of classes, of shape {shape}; pass one symbol a sample: "
                f"{name}.argmax(axis=1)"
            )
    if symbols.dtype.kind == "f":
        return (
            f"{name} must have one axis (one symbol a sample), not shape {shape}; features are coded first: "
            "representation_pid, or a quantiser such as KMeansCodes"
        )
    return (
        f"{name} must have one axis (one symbol a sample), not shape {shape}; make each row one symbol: "
        f"list(map(tuple, {name}))"
    )


def _refuse_missing(symbols: AnyArray, name: str) -> None:
    """Raise InputError for the first symbol that is missing (NaN, NaT, None, pandas' NA), or infinite."""
    if symbols.dtype.kind == "f":
        missing, infinite = np.isnan(symbols), np.isinf(symbols)
    elif symbols.dtype.kind in "mM":
        missing, infinite = np.isnat(symbols), None
    elif symbols.dtype.kind == "O":
        missing = np.array([_is_missing(symbol) for symbol in symbols])
        infinite = np.array([isinstance(symbol, float) and math.isinf(symbol) for symbol in symbols])
    else:
        return
    if missing.any():
        first = int(missing.argmax())
        raise InputError(
            f"{name}[{first}] is missing ({symbols[first]}); drop such samples, or give what is missing a symbol"
        )
    if infinite is not None and infinite.any():
        raise InputError(f"{name}[{int(infinite.argmax())}] is infinite; drop such samples, or name it by a string")


def _is_missing(symbol: object) -> bool:
    """Return whether a symbol stands for no value: NA of pandas has no truth value, and NaN and NaT equal nothing."""
    if symbol is None or type(symbol).__name__ == "NAType":
        return True
    try:
        return bool(symbol != symbol)
    except (TypeError, ValueError, ArithmeticError):
        return False


def _refuse_measured(symbols: AnyArray, name: str) -> None:
    """Raise InputError for floats that hardly repeat: as symbols they would decide each other completely."""
    if symbols.dtype.kind != "f" or symbols.size < FEWEST_MEASURED or (symbols == np.rint(symbols)).all():
        return
    distinct = np.unique(symbols).size
    if distinct > MEASURED_SHARE * symbols.size:
        raise InputError(
            f"{name} holds {distinct} distinct numbers in {symbols.size} samples: measurements, not symbols. Code them "
            "first (QuantileBins, UniformBins), or pass strings if each is a name"
        )
