"""Convert any real array or tensor (n, ...) to a checked float64 matrix (n, d), one row for each sample."""

from __future__ import annotations

import abc
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import pairwise_distances_chunked
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted

from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.quantise.widening import in_float64
from pidkit.types import AnyArray, FloatArray, IntArray

LARGEST = 1e140
"""Largest magnitude of an entry: its square is 1e280, so that sums of 1e28 squares still fit float64."""

SMALLEST_SPREAD = 1e-140
"""Smallest range of a representation whose distances can be trusted: the square of a thousandth of it is 1e-286."""


def is_constant(rows: AnyArray) -> bool:
    """Return whether every row is the same and finite; reading stops at the first 1024 rows where one differs."""
    first = rows[:1]
    return bool(np.isfinite(first).all()) and all(
        (rows[begin : begin + 1024] == first).all() for begin in range(0, len(rows), 1024)
    )


def as_array(x: npt.ArrayLike) -> AnyArray:
    """Return `x` as a non-empty real array (n, ...) without converting its dtype, so that a memory map stays one.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, ...)

    Raises
    ------
    InputError
        `x` is ragged, sparse, not real, 0-d or empty, or has masked entries.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    try:
        array = plain_array(x, "x")
    except InputError:
        raise
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
    rows: FloatArray = np.asarray(in_float64(array)).reshape(len(array), -1)
    peak = max(float(rows.max()), -float(rows.min()))
    if not np.isfinite(peak):
        raise InputError("x must be finite: it holds NaN or infinity; drop those rows or find out where they arise")
    if peak > LARGEST:
        raise InputError(f"x holds values beyond {LARGEST:g}, whose squares overflow; rescale it")
    return rows


def unit_rows(rows: FloatArray) -> FloatArray:
    """Return `rows` (n, d) at unit Euclidean length, zero rows as they are."""
    peak = np.abs(rows).max(axis=1, keepdims=True)
    # Rows of tiny numbers first come to order one: their squares would underflow and they would pass for zero.
    scaled: FloatArray = normalize(rows / np.where(peak > 0, peak, 1.0))
    return scaled


def check_spread(rows: FloatArray) -> None:
    """Raise InputError for rows that differ so little that squared distances between them underflow to zero."""
    largest = float((rows.max(axis=0) - rows.min(axis=0)).max())
    if 0.0 < largest < SMALLEST_SPREAD:
        raise InputError(
            f"x varies by no more than {largest:.1e}, whose square underflows; rescale it, such as x / abs(x).max()"
        )


def widest(rows: FloatArray, so_far: FloatArray | None) -> FloatArray:
    """Return the least and the greatest value of every column, (2, d), of `rows` and of the batches before them.

    A batch by itself may vary by next to nothing where the whole does not, so that `check_spread` is for the whole.
    """
    both = rows if so_far is None else np.concatenate([so_far, rows])
    extremes: FloatArray = np.stack([both.min(axis=0), both.max(axis=0)])
    return extremes


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
    """A scikit-learn transformer of rows; subclasses write `fit`, `transform` and `get_feature_names_out`."""

    n_features_in_: int
    feature_names_in_: AnyArray
    """The names of the columns that `fit` saw, as scikit-learn keeps them; absent where they had none."""

    @abc.abstractmethod
    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Learn from `x`, shape (n, ...); `y` is ignored."""

    @abc.abstractmethod
    def transform(self, x: npt.ArrayLike) -> AnyArray:
        """Transform `x`, shape (n, ...)."""

    def fit_transform(self, x: npt.ArrayLike, y: object = None) -> AnyArray:
        """Return `fit(x).transform(x)`; `y` is ignored."""
        return self.fit(x).transform(x)

    @abc.abstractmethod
    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> AnyArray:
        """Return the names of the columns that `transform` puts out, as scikit-learn's transformers do."""

    def _later_rows(self, x: npt.ArrayLike) -> FloatArray:
        """Return the rows of `x`, which must have as many features as those of `fit`."""
        check_is_fitted(self)
        self._check_names(x)
        rows = as_rows(x)
        if rows.shape[1] != self.n_features_in_:
            raise InputError(
                f"x has {rows.shape[1]} features a row, but fit saw {self.n_features_in_}; pass the same layer to both"
            )
        return rows

    def _keep_names(self, x: object) -> None:
        """Keep the names of the columns that `fit` sees, if `x` is a table whose columns all have names."""
        self.__dict__.pop("feature_names_in_", None)
        if (names := _column_names(x)) is not None:
            self.feature_names_in_ = names

    def _check_names(self, x: object) -> None:
        """Raise InputError if the columns of a table are not those that `fit` saw, in the same order."""
        names, seen = _column_names(x), getattr(self, "feature_names_in_", None)
        if names is None or seen is None or names.tolist() == seen.tolist():
            return
        what = "in another order" if sorted(names) == sorted(seen) else "of other names"
        raise InputError(f"x has columns {what} than fit saw; pass x[list({type(self).__name__}.feature_names_in_)]")


class CodeTransformer(RowTransformer):
    """A transformer of rows into codes: one integer column, (n, 1), as scikit-learn's transformers put out.

    Subclasses write `fit` and `codes`.
    """

    n_codes_: int

    @abc.abstractmethod
    def codes(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as (n,)."""

    def transform(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as a column, (n, 1); `codes` gives the vector.

        Raises
        ------
        InputError
            As `codes`.
        """
        return self.codes(x)[:, None]

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> AnyArray:
        """Return the name of the one column, that of the class: "kmeanscodes0" of KMeansCodes.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return np.array([f"{type(self).__name__.lower()}0"], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that codes are integers, whatever the dtype of `x`."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """Tell scikit-learn before 1.6 the same."""
        return {"preserves_dtype": []}


def _column_names(x: object) -> AnyArray | None:
    """Return the names of the columns of a table, or None where `x` has none or one of them is no string."""
    names = getattr(x, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return np.array(list(names), dtype=object)
