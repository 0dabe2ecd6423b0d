"""Steps before clustering: scale rows to unit length, and project them on principal components."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.utils.validation import check_is_fitted

from pidkit.arguments import check_count, check_seed
from pidkit.errors import InputError
from pidkit.quantise.pieces import SomeRows, leading_components
from pidkit.quantise.rows import RowTransformer, as_rows, check_spread, unit_rows, widest
from pidkit.types import AnyArray, FloatArray


class L2Normalise(RowTransformer):
    """Scale every row to unit Euclidean length: x / ||x||; a row of zeros stays zero.

    Attributes
    ----------
    n_features_in_ : int
        Features of a flattened row.

    Notes
    -----
    The published code of the RID paper normalises its representations so; the paper does not say so.

    Examples
    --------
    >>> L2Normalise().fit_transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Remember the number of features of `x`, shape (n, ...); `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with one row per sample.
        """
        self.n_features_in_ = as_rows(x).shape[1]
        self._keep_names(x)
        return self

    def transform(self, x: npt.ArrayLike) -> FloatArray:
        """Return the rows of `x`, shape (n, ...), at unit length, shape (n, d).

        Raises
        ------
        InputError
            As `fit`, and when the number of features differs.
        """
        return unit_rows(self._later_rows(x))

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> AnyArray:
        """Return the names of the features of `fit`, or "x0", "x1", ... where they had none.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            If `input_features` are not as many, or not those that `fit` saw.
        """
        check_is_fitted(self)
        own = getattr(self, "feature_names_in_", None)
        if input_features is None:
            return np.array([f"x{k}" for k in range(self.n_features_in_)], dtype=object) if own is None else own
        asked = np.asarray(input_features, dtype=object)
        if len(asked) != self.n_features_in_:
            raise InputError(f"input_features should have length equal to number of features, {self.n_features_in_}")
        if own is not None and asked.tolist() != own.tolist():
            raise InputError("input_features is not equal to feature_names_in_")
        return asked


class PrincipalComponents(RowTransformer):
    """Project rows on their leading principal components, (x - mean) W (scikit-learn's PCA, seeded).

    Parameters
    ----------
    n_components : int
        At most min(n, d).
    random_state : int
        Seed of the randomised solver, which scikit-learn takes for large inputs.

    Attributes
    ----------
    components_ : ndarray, shape (n_components, d)
    mean_ : ndarray, shape (d,)
    n_features_in_ : int

    Examples
    --------
    >>> x = np.outer([0.0, 1.0, 2.0], [3.0, 4.0])
    >>> np.abs(PrincipalComponents(n_components=1).fit_transform(x)).ravel().round(6)
    array([5., 0., 5.])
    """

    components_: FloatArray
    _range: FloatArray
    mean_: FloatArray
    _model: PCA | IncrementalPCA | None

    def __init__(self, n_components: int = 10, *, random_state: int = 0) -> None:
        """Keep the parameters; `fit` checks them."""
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, x: npt.ArrayLike | SomeRows, y: object = None) -> Self:
        """Find the components of `x`, shape (n, ...), afresh; `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array, or n_components exceeds min(n, d).
        """
        if isinstance(x, SomeRows):
            return self._fit_pieces(x)
        rows = as_rows(x)
        self._keep_names(x)
        n_components = self._check_components(rows)
        return self._take(PCA(n_components, random_state=check_seed(self.random_state), copy=False), rows, restart=True)

    def partial_fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Update the components with one more batch (IncrementalPCA); after `fit` it starts afresh.

        Raises
        ------
        InputError
            As `fit`, and when the number of features differs from the first batch.
        """
        if isinstance(getattr(self, "_model", None), IncrementalPCA):
            rows = self._later_rows(x)
            self._check_components(rows)
            return self._take(self._model, rows, restart=False)
        rows = as_rows(x)
        self._keep_names(x)
        return self._take(IncrementalPCA(self._check_components(rows)), rows, restart=True)

    def transform(self, x: npt.ArrayLike) -> FloatArray:
        """Return the projections of `x`, shape (n, ...), as (n, n_components).

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with as many features as in `fit`.
        """
        rows = self._later_rows(x)
        rows = rows - self._shift
        return np.asarray(rows @ self.components_.T if self._model is None else self._model.transform(rows))

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> AnyArray:
        """Return one name a component: "principalcomponents0" and so on.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return np.array([f"principalcomponents{k}" for k in range(len(self.components_))], dtype=object)

    def _check_components(self, rows: FloatArray | SomeRows) -> int:
        shape = (len(rows), rows.n_features) if isinstance(rows, SomeRows) else rows.shape
        return check_count(
            "n_components", self.n_components, at_most=min(shape), limit="the smaller of rows and features"
        )

    def _fit_pieces(self, pieces: SomeRows) -> Self:
        """Find the components of rows that are read in pieces."""
        n_components = self._check_components(pieces)
        extremes: list[FloatArray] = []
        exact = pieces.covariance_fits
        single = pieces.single_is_enough and not exact

        def read() -> Iterator[AnyArray]:
            first = not extremes
            for rows in pieces.in_single() if single else pieces:
                if first:
                    extremes[:] = [widest(rows, extremes[0] if extremes else None)]
                yield rows

        rng = np.random.default_rng(check_seed(self.random_state))
        self.components_, self.mean_ = leading_components(read, n_components, pieces.n_features, rng, exact=exact)
        self._range = extremes[0]
        check_spread(self._range)
        self._model, self._shift, self.n_features_in_ = None, self.mean_, pieces.n_features
        return self

    def _take(self, model: PCA | IncrementalPCA, rows: FloatArray, *, restart: bool) -> Self:
        """Fit `model` on `rows` or, unless `restart`, on one more batch of them."""
        seen: FloatArray | None = None if restart else self._range
        self._range: FloatArray = widest(rows, seen)
        check_spread(self._range)
        if restart:
            # scikit-learn squares before it subtracts the mean, which a large common offset would not survive.
            self._shift = rows.mean(axis=0)
        # A single row or constant rows have no variance: 0 / 0 in the explained variances, which are not used here.
        with np.errstate(divide="ignore", invalid="ignore"):
            step = model.partial_fit if isinstance(model, IncrementalPCA) else model.fit
            step(rows - self._shift)
        self._model = model
        self.n_features_in_ = rows.shape[1]
        self.components_, self.mean_ = model.components_, self._shift + model.mean_
        return self
