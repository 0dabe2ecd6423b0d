"""Checks of paired samples that all estimators share."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.errors import ConstantInput, InputError
from pidkit.quantise.rows import SMALLEST_SPREAD, as_array, as_rows, is_constant
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray

Samples = npt.ArrayLike | Iterable[Hashable]


def check_rows(x: Samples, name: str) -> FloatArray:
    """Return `x` (n, ...) as finite float64 rows (n, d) that are not all the same.

    Raises
    ------
    InputError
        As `pidkit.quantise.rows.as_rows`.
    ConstantInput
        When every row is the same.

    Examples
    --------
    >>> check_rows([1, 2, 4], "a").shape
    (3, 1)
    """
    rows: FloatArray = _named(as_rows, x, name)
    if is_constant(rows):
        raise ConstantInput(name)
    return rows


def check_maps(x: Samples, name: str) -> FloatArray:
    """Return `x` as a finite float64 array that keeps its axes (n, channels, ...); (n,) becomes (n, 1)."""
    rows = check_rows(x, name)
    shape = _named(as_array, x, name).shape
    return rows.reshape(shape if len(shape) > 1 else (len(rows), 1))


def check_labels(x: Samples, name: str) -> IntArray:
    """Return codes 0..k-1 of one symbol a sample, at least two of them distinct.

    Raises
    ------
    InputError
        As `pidkit.symbols.encode_labels`.
    ConstantInput
        When there is one class only.
    """
    codes, _ = encode_labels(x, n=None, name=name)
    values, ranks = np.unique(codes, return_inverse=True)
    if values.size < 2:
        raise ConstantInput(name)
    return np.asarray(ranks, dtype=np.int64)


def check_pairs(n_a: int, n_b: int, *, at_least: int, reason: str) -> int:
    """Return the number of pairs if both sides have as many, and enough, else raise InputError."""
    if n_a != n_b:
        raise InputError(f"a and b must have one row a sample, in the same order; they have {n_a} and {n_b}")
    if n_a < at_least:
        raise InputError(f"a and b hold {n_a} samples; {reason} needs at least {at_least}")
    return n_a


def is_discrete(x: Any) -> bool:
    """Tell whether `x` looks like labels: one axis (or one column) of integers, booleans or anything not a number."""
    if not hasattr(x, "dtype"):
        try:
            x = np.asarray(x if isinstance(x, (list, tuple)) or hasattr(x, "__array__") else list(x))
        except (TypeError, ValueError):
            return False
    if len(x.shape) > 1 and math.prod(x.shape[1:]) != 1:
        return False
    return not any(kind in str(x.dtype) for kind in ("float", "complex"))


def row_codes(rows: FloatArray | IntArray) -> IntArray:
    """Return codes 0..m-1 that are equal where the rows (n, d) are equal.

    Examples
    --------
    >>> row_codes(np.array([[2.0, 1.0], [0.0, 3.0], [2.0, 1.0]]))
    array([1, 0, 1])
    """
    return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1], dtype=np.int64).reshape(-1)


def standardise(rows: FloatArray) -> FloatArray:
    """Return the rows with mean 0 and standard deviation 1 a column, and without the columns that are constant.

    An invertible map of each side, so it changes no mutual information.
    """
    scale = spread(rows)
    varies = (rows != rows[0]).any(axis=0) & (scale > 0.0)
    return np.asarray((rows[:, varies] - rows[:, varies].mean(axis=0)) / scale[varies])


def spread(x: FloatArray, axes: tuple[int, ...] = (0,)) -> FloatArray:
    """Return the standard deviation along axes, also where the squares of the deviations would underflow.

    Examples
    --------
    >>> spread(np.array([[1.0, 1e-200], [-1.0, -1e-200]]))
    array([1.e+000, 1.e-200])
    """
    plain = x.std(axis=axes)
    deviations = x - x.mean(axis=axes, keepdims=True)
    peak = np.abs(deviations).max(axis=axes, keepdims=True)
    small = (peak > 0.0) & (peak < SMALLEST_SPREAD)
    if not small.any():
        return np.asarray(plain)
    unit = np.where(small, peak, 1.0)
    rescued = np.squeeze(unit, axes) * (deviations / unit).std(axis=axes)
    return np.asarray(np.where(np.squeeze(small, axes), rescued, plain))


FAR_OUT = 10.0
"""Standard deviations from which a value is an outlier."""


def drawn_in(scaled: FloatArray) -> FloatArray:
    """Return standardised values of which those beyond FAR_OUT grow only as the logarithm of their distance.

    The map is invertible, so that no information is lost, and nothing that is trained runs away on one value.

    Examples
    --------
    >>> drawn_in(np.array([-3.0, 10.0, 1e9])).round(1)
    array([-3. , 10. , 30.7])
    """
    beyond = np.maximum(np.abs(scaled) - FAR_OUT, 0.0)
    return np.asarray(np.clip(scaled, -FAR_OUT, FAR_OUT) + np.sign(scaled) * np.log1p(beyond))


HEAVY_TAILS = 10.0
"""Excess kurtosis of a column from which a few rows decide its correlations; that of an exponential variable is 6."""


def tail_warnings(rows: FloatArray, name: str, decided: str) -> tuple[str, ...]:
    """Return the warning that a few rows of a side decide what is named."""
    excess = float((standardise(rows) ** 4).mean(axis=0).max()) - 3.0
    if excess <= HEAVY_TAILS:
        return ()
    return (
        f"heavy tails: a column of {name} has an excess kurtosis of {excess:.0f} (a Gaussian's is 0), so a few rows "
        f"decide {decided}; use 'gaussian-copula' or 'calibrated', and see check_samples(a, b)",
    )


COLUMNS_AT_ONCE = 64
"""Columns whose deviations from the mean are in memory together."""

LEAST_SPREAD_SHARE = 0.1
"""Smallest standard deviation that a column is divided by, as a share of the root mean square over all columns."""


def scaling(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of every column and the number to divide it by.

    That number is the column's standard deviation, but at least LEAST_SPREAD_SHARE of the root mean square of them all:
    a feature that is zero on all but one or two of these rows would otherwise come out enormous on other rows, and
    spoil whatever is trained on them.
    """
    parts = np.array_split(rows, -(-rows.shape[1] // COLUMNS_AT_ONCE), axis=1)
    scale = np.concatenate([spread(part) for part in parts])
    largest = float(scale.max())
    if 0.0 < largest < SMALLEST_SPREAD:  # its square would underflow
        typical = largest * np.sqrt(((scale / largest) ** 2).mean())
    else:
        typical = np.sqrt((scale**2).mean())
    scale = np.maximum(scale, LEAST_SPREAD_SHARE * typical)
    return rows.mean(axis=0), np.where(scale > 0.0, scale, 1.0)


def _named(check: Callable[[Any], Any], x: Any, name: str) -> Any:
    """Run a check of `pidkit.quantise.rows`, whose messages speak of x, under the argument's own name."""
    if isinstance(x, Iterable) and not hasattr(x, "__array__") and not isinstance(x, (list, tuple, Mapping)):
        x = list(x)
    try:
        return check(x)
    except InputError as error:
        raise InputError(f"{name}{str(error).removeprefix('x')}") from error
