"""Probability masses as callers pass them: real numbers, none negative, that sum to one as well as their dtype can."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pidkit.array_likes import plain_array, rounding_of
from pidkit.errors import InputError
from pidkit.types import AnyArray, FloatArray

MASS_TOLERANCE = 1e-9
"""How far from one the total mass of a joint in float64 may be before it is refused (it is never renormalised)."""

ROUNDINGS = 4.0
"""The same for float32, float16 and bfloat16, in machine epsilons: 4.8e-7, .0039 and .031. Normalising in such a dtype
leaves about one, which is scaled away in float64; more than four is no rounding."""


def as_real(values: npt.ArrayLike, name: str) -> AnyArray:
    """Return `values` as an array of a real dtype, else raise InputError."""
    try:
        array = plain_array(values, name)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, not dtype {array.dtype}")
    return array


def check_masses(array: AnyArray, name: str) -> FloatArray:
    """Return a real array as float64 if it holds finite masses that are not negative, else raise InputError."""
    if array.size == 0:
        raise InputError(f"{name} is empty: shape {array.shape}")
    masses = array.astype(np.float64)
    if not np.isfinite(masses).all():
        raise InputError(f"{name} holds NaN or infinite entries; a joint needs finite probabilities")
    lowest = masses.min()
    if lowest < 0.0:
        raise InputError(f"{name} holds negative mass ({lowest:.3g}); a joint needs probabilities >= 0")
    return masses


def mass_tolerance(given: object) -> float:
    """Return how far from one a total may be, for masses in the dtype that was given.

    Examples
    --------
    >>> mass_tolerance(np.ones(1)), round(mass_tolerance(np.ones(1, dtype=np.float32)), 9)
    (1e-09, 4.77e-07)
    """
    rounding = rounding_of(given)
    return ROUNDINGS * rounding if rounding > np.finfo(np.float64).eps else MASS_TOLERANCE


def summing_to_one(masses: FloatArray, name: str, *, tolerance: float) -> FloatArray:
    """Return one table of masses if it sums to one within the tolerance; what float32 and less left is scaled away.

    Raises
    ------
    InputError
        If it does not: counts are not normalised silently.
    """
    total = float(masses.sum())
    if abs(total - 1.0) > tolerance:
        advice = f"divide it by its sum first ({name} / {name}.sum()), in float64"
        raise InputError(f"{name} sums to {total:.12g}, not 1; {advice}")
    return masses / total if tolerance > MASS_TOLERANCE else masses


def each_summing_to_one(masses: FloatArray, name: str, *, tolerance: float) -> FloatArray:
    """Return a batch of tables (b, ...) if each sums to one, as `summing_to_one` does with a single one."""
    totals = masses.sum(tuple(range(1, masses.ndim)), keepdims=True)
    worst = int(np.abs(totals - 1.0).argmax())
    total = float(totals.flat[worst])
    if abs(total - 1.0) > tolerance:
        raise InputError(f"{name}[{worst}] sums to {total:.12g}, not 1; divide every joint by its sum first")
    return masses / totals if tolerance > MASS_TOLERANCE else masses


def with_common_target(
    p_yx1: FloatArray, p_yx2: FloatArray, *, tolerances: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return P(y, x1) and P(y, x2), shapes (..., n_y, n_x1) and (..., n_y, n_x2), if they share P(y).

    Where a dtype below float64 left a difference, the rows of the less exact table are scaled to the other's P(y).

    Raises
    ------
    InputError
        If they do not share P(y) within the larger of the tolerances of the two.
    """
    if p_yx1.shape[:-1] != p_yx2.shape[:-1]:
        axes = "the target axis" if p_yx1.ndim == 2 else "the batch and the target axis"
        raise InputError(f"p_yx1 and p_yx2 must share {axes}: they have shapes {p_yx1.shape} and {p_yx2.shape}")
    first, second = p_yx1.sum(-1, keepdims=True), p_yx2.sum(-1, keepdims=True)
    worst, tolerance = float(np.abs(first - second).max()), max(tolerances)
    if worst > tolerance or ((first > 0.0) != (second > 0.0))[np.maximum(first, second) > MASS_TOLERANCE].any():
        raise InputError(f"p_yx1 and p_yx2 have different P(y) (by up to {worst:.3g}); both must come from one joint")
    if tolerance == MASS_TOLERANCE:
        return p_yx1, p_yx2
    if tolerances[0] > tolerances[1]:
        return _with_rows(p_yx1, first, second), p_yx2
    return p_yx1, _with_rows(p_yx2, second, first)


def _with_rows(table: FloatArray, have: FloatArray, wanted: FloatArray) -> FloatArray:
    """Scale the rows of a table from the sums they have to those wanted; a row without mass stays so."""
    return table * np.divide(wanted, have, out=np.zeros_like(have), where=have > 0.0)
