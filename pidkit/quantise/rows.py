"""Convert any real array or tensor (n, ...) to a checked float64 matrix (n, d), one row for each sample."""

from __future__ import annotations

import abc
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import pairwise_distances_chunked
from sklearn.utils.validation import check_is_fitted

from pidkit.errors import InputError
from pidkit.types import AnyArray, FloatArray, IntArray

LARGEST = 1e140
"""Largest magnitude of an entry: its square is 1e280, so that sums of 1e28 squares still fit float64."""


def as_array(x: npt.ArrayLike) -> AnyArray:
    """Return `x` as a non-empty real array (n, ...) without converting its dtype, so that a memory map stays one.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, ...)

    Raises
    ------
    InputError
        `x` is ragged, masked, sparse, not real, 0-d or empty.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if np.ma.isMaskedArray(x):
        raise InputError("x must not be a masked array: its mask would be lost; fill or drop the masked entries first")
    try:
        array = _array_of_tensor(x) if _is_tensor(x) else np.asarray(x)
    except ValueError as error:
        raise InputError(f"x must be a rectangular array: give every row the same shape ({error})") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"x must hold real numbers, not dtype {array.dtype}; convert it, e.g. x.astype(float)")
    if array.ndim == 0:
        raise InputError("x must have shape (n, ...), one row per sample, not a single number; pass x[None]")
    if array.size == 0:
        raise InputError(f"x must hold at least one row and one feature, not shape {array.shape}")
    return array


def as_rows(x: npt.ArrayLike) -> FloatArray:
    """Return `x` (n, ...) as finite float64 rows (n, d).

    float64 throughout: float16 squares overflow at 256, and the float16, float32 and float64 copies of the same
    values must get the same codes.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, ...)

    Raises
    ------
    InputError
        As `as_array`, and when `x` holds NaN, infinity or values whose squares overflow.

    Examples
    --------
    >>> as_rows(np.ones((5, 2, 3), dtype=np.float16)).shape
    (5, 6)
    """
    array = as_array(x)
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes infinite, and is refused below
        rows: FloatArray = np.asarray(array, dtype=np.float64).reshape(len(array), -1)
    peak = max(float(rows.max()), -float(rows.min()))
    if not np.isfinite(peak):
        raise InputError("x must be finite: it holds NaN or infinity; drop those rows or find out where they arise")
    if peak > LARGEST:
        raise InputError(f"x holds values beyond {LARGEST:g}, whose squares overflow; rescale it")
    return rows


def nearest(rows: FloatArray, points: FloatArray) -> IntArray:
    """Return for every row the index of the nearest point, the first of equally near ones.

    Distances are sums of squared differences, not |a|² - 2ab + |b|²: a row's code then depends neither on the rows
    beside it nor on a large common offset.
    """
    chunks = pairwise_distances_chunked(
        rows, points, reduce_func=lambda distance, start: distance.argmin(axis=1), metric="sqeuclidean"
    )
    return np.concatenate(list(chunks)).astype(np.int64)


class RowTransformer(TransformerMixin, BaseEstimator, abc.ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """A scikit-learn transformer of rows; subclasses write `fit` and `transform`."""

    n_features_in_: int

    @abc.abstractmethod
    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Learn from `x`, shape (n, ...); `y` is ignored."""

    @abc.abstractmethod
    def transform(self, x: npt.ArrayLike) -> AnyArray:
        """Transform `x`, shape (n, ...)."""

    def fit_transform(self, x: npt.ArrayLike, y: object = None) -> AnyArray:
        """Return `fit(x).transform(x)`; `y` is ignored."""
        return self.fit(x).transform(x)

    def _later_rows(self, x: npt.ArrayLike) -> FloatArray:
        """Return the rows of `x`, which must have as many features as those of `fit`."""
        check_is_fitted(self)
        rows = as_rows(x)
        if rows.shape[1] != self.n_features_in_:
            raise InputError(
                f"x has {rows.shape[1]} features a row, but fit saw {self.n_features_in_}; pass the same layer to both"
            )
        return rows


def _is_tensor(x: object) -> bool:
    """Return whether `x` is a torch tensor, judged by the name of its class so that torch is not imported."""
    return any(c.__module__ == "torch" and c.__name__ == "Tensor" for c in type(x).__mro__)


def _array_of_tensor(tensor: Any) -> AnyArray:
    if str(tensor.layout) != "torch.strided" or tensor.is_meta or tensor.is_quantized:
        raise InputError("x must be a dense tensor that holds its values; call .to_dense() or .dequantize() first")
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.detach().float()  # numpy has no bfloat16 and no float8
    array: AnyArray = tensor.numpy(force=True)  # detaches, moves to the CPU, resolves lazy views
    return array
