"""Codes from k-means: a row's code is the number of its nearest centre."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # comes with scikit-learn

from pidkit.arguments import check_count, check_seed
from pidkit.quantise.rows import CodeTransformer, as_rows, check_spread, nearest, widest
from pidkit.types import FloatArray, IntArray


class KMeansCodes(CodeTransformer):
    """Number rows by the nearest of n_codes k-means centres: code(x) = argmin_k ||x - c_k||².

    Parameters
    ----------
    n_codes : int
        Centres to look for, at most the number of rows.
    n_init : int
        Starts of which `fit` keeps the best; `partial_fit` has one.
    random_state : int
        Seed; the same seed and rows give the same codes whatever the number of threads.

    Attributes
    ----------
    codebook_ : ndarray, shape (n_codes_, d)
        The centres.
    n_codes_ : int
        Size of the alphabet. After `fit` every code occurs among the rows of `fit`, so n_codes_ is less than n_codes
        when there are fewer distinct rows: each then has its own code, and constant rows have the single code 0.
        After `partial_fit` it counts the distinct centres, which need not all occur.
    n_features_in_ : int

    Notes
    -----
    The information of the codes is at most log n_codes_.

    Examples
    --------
    >>> x = [[0.0], [0.1], [9.0], [9.1]]
    >>> codes = KMeansCodes(n_codes=2).fit(x).codes(x)
    >>> bool(codes[0] == codes[1] != codes[2] == codes[3])
    True
    """

    codebook_: FloatArray
    n_codes_: int
    _minibatch: Any = None  # a MiniBatchKMeans once partial_fit has begun
    _range: FloatArray

    def __init__(self, n_codes: int = 10, *, n_init: int = 10, random_state: int = 0) -> None:
        """Keep the parameters; `fit` checks them."""
        self.n_codes = n_codes
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Find the centres of `x`, shape (n, ...), afresh; `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array, or n_codes is not between 1 and the number of rows.
        """
        rows = as_rows(x)
        check_spread(rows)
        self._keep_names(x)
        model = KMeans(
            self._check_codes(rows),
            n_init=check_count("n_init", self.n_init),
            random_state=check_seed(self.random_state),
        )
        with _reproducible():
            model.fit(rows)
        used = np.unique(nearest(rows, model.cluster_centers_))
        self._minibatch = None
        return self._keep(model.cluster_centers_[used])

    def partial_fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Move the centres with one more batch (MiniBatchKMeans); after `fit` it starts afresh.

        The first batch places the centres: let it be a fair sample, and hold at least n_codes rows. Codes keep their
        meaning only once the last batch is in.

        Raises
        ------
        InputError
            As `fit`, and when the number of features differs from the first batch.
        """
        if self._minibatch is None:
            rows = as_rows(x)
            self._keep_names(x)
            self._minibatch = MiniBatchKMeans(
                self._check_codes(rows), n_init=1, random_state=check_seed(self.random_state)
            )
            # MiniBatchKMeans expands |a - b|², which a large common offset would not survive.
            self._shift = rows.mean(axis=0)
            self._range = widest(rows, None)
        else:
            rows = self._later_rows(x)
            self._range = widest(rows, self._range)
        check_spread(self._range)
        with _reproducible():
            self._minibatch.partial_fit(rows - self._shift)
        centres = self._minibatch.cluster_centers_
        first = np.sort(np.unique(centres, axis=0, return_index=True)[1])
        return self._keep(centres[first] + self._shift)

    def codes(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as (n,).

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with as many features as in `fit`.
        """
        rows = self._later_rows(x)
        return nearest(rows, self.codebook_)

    def _check_codes(self, rows: FloatArray) -> int:
        return check_count("n_codes", self.n_codes, at_most=len(rows), limit="the number of rows")

    def _keep(self, centres: FloatArray) -> Self:
        self.n_features_in_ = centres.shape[1]
        self.codebook_ = centres
        self.n_codes_ = len(centres)
        return self


@contextlib.contextmanager
def _reproducible() -> Iterator[None]:
    """Cluster on one thread, without the warning that n_codes_ answers.

    From three threads on, scikit-learn adds partial sums in the order in which the threads finish: the same seed then
    gives centres that differ in their last digits, and ties between them go either way.
    """
    with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Number of distinct clusters", ConvergenceWarning)
        yield
