"""The default quantiser: principal components, then k-means, as in the RID paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from pidkit.arguments import check_count, check_seed, flag
from pidkit.errors import InputError
from pidkit.quantise.clusters import KMeansCodes
from pidkit.quantise.rows import CodeTransformer, as_array
from pidkit.quantise.steps import PrincipalComponents, unit_rows
from pidkit.types import AnyArray, FloatArray, IntArray


class RepresentationCodes(CodeTransformer):
    """Number representations by k-means on their leading principal components.

    Flatten, scale rows to unit length if asked, keep n_pca_ principal components, and number every row by the nearest
    of n_codes_ centres.

    Parameters
    ----------
    n_pca : int or None
        Principal components to keep; None leaves PCA out.
    n_codes : int
        Centres to look for, at most the number of rows.
    normalise : bool
        Scale rows to unit Euclidean length first.
    n_init : int
        Starts of k-means; the streaming fit has one.
    streaming : bool
        Read `x` in batches (IncrementalPCA, then MiniBatchKMeans, two passes), for memory-mapped arrays that do not fit
        in memory. Slower and less exact: its codes are not those of the plain fit. Batches are drawn at
        random over all rows, so that an array sorted by class is no trap.
    batch_size : int
        Rows of a batch when streaming, at least n_pca and n_codes.
    random_state : int
        Seed.

    Attributes
    ----------
    n_pca_ : int
        Dimension in which k-means ran: min(n_pca, n, d). Where that is d, PCA would only rotate the rows, to which
        k-means is blind, and is left out.
    n_codes_ : int
        Size of the alphabet; less than n_codes when fewer distinct rows exist (see KMeansCodes).
    pca_ : PrincipalComponents or None
    codes_ : KMeansCodes
    n_features_in_ : int

    Notes
    -----
    The information of the codes is at most log n_codes_, and its upward bias grows with n_codes: fit on one split and
    measure on another. Source: "Quantifying Knowledge Distillation Using Partial Information Decomposition",
    appendix D.3 (flatten, PCA to 10, k-means); its published code also normalises.

    Examples
    --------
    >>> x = np.repeat(np.eye(3), 4, axis=0).reshape(12, 3, 1)
    >>> quantiser = RepresentationCodes(n_codes=3).fit(x)
    >>> quantiser.n_pca_, quantiser.n_codes_, quantiser.codes(x).shape
    (3, 3, (12,))
    """

    n_pca_: int
    n_codes_: int
    pca_: PrincipalComponents | None
    codes_: KMeansCodes

    def __init__(
        self,
        n_pca: int | None = 10,
        n_codes: int = 10,
        *,
        normalise: bool = False,
        n_init: int = 10,
        streaming: bool = False,
        batch_size: int = 4096,
        random_state: int = 0,
    ) -> None:
        """Keep the parameters; `fit` checks them."""
        self.n_pca = n_pca
        self.n_codes = n_codes
        self.normalise = normalise
        self.n_init = n_init
        self.streaming = streaming
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Find the components and the centres of `x`, shape (n, ...); `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array, n_codes is not between 1 and the number of rows, or batch_size
            is too small, or a flag is neither True nor False.
        """
        flag("normalise", self.normalise)
        flag("streaming", self.streaming)
        check_count("batch_size", self.batch_size)  # also where it is not used
        array = as_array(x)
        n, d = len(array), array[0].size
        check_count("n_init", self.n_init)
        check_count("n_codes", self.n_codes, at_most=n, limit="the number of rows")
        self.n_pca_ = d if self.n_pca is None else min(check_count("n_pca", self.n_pca), n, d)
        self.n_features_in_ = d
        self._keep_names(x)
        reduced = self.n_pca_ < d
        self.pca_ = PrincipalComponents(self.n_pca_, random_state=self.random_state) if reduced else None
        self.codes_ = KMeansCodes(self.n_codes, n_init=self.n_init, random_state=self.random_state)
        if self.streaming:
            if self.pca_ is not None:
                for rows in self._batches(array):
                    self.pca_.partial_fit(rows)
            for rows in self._batches(array):
                self.codes_.partial_fit(self._project(rows))
        else:
            rows = self._scaled(array)
            if self.pca_ is not None:
                self.pca_.fit(rows)
            self.codes_.fit(self._project(rows))
        self.n_codes_ = self.codes_.n_codes_
        return self

    def codes(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as (n,).

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with as many features as in `fit`.
        """
        check_is_fitted(self)
        self._check_names(x)
        array = as_array(x)
        size = self.batch_size if self.streaming else len(array)
        parts = [array[start : start + size] for start in range(0, len(array), size)]
        return np.concatenate([self.codes_.codes(self._project(self._scaled(part))) for part in parts])

    def _scaled(self, array: AnyArray) -> FloatArray:
        rows = self._later_rows(array)
        return unit_rows(rows) if self.normalise else rows

    def _project(self, rows: FloatArray) -> FloatArray:
        return rows if self.pca_ is None else self.pca_.transform(rows)

    def _batches(self, array: AnyArray) -> Iterator[FloatArray]:
        """Yield random batches of at least batch_size rows, or all rows where there are fewer."""
        size = check_count("batch_size", self.batch_size)
        if size < max(self.n_pca_ if self.pca_ is not None else 0, self.n_codes):
            raise InputError(f"batch_size must be at least n_pca and n_codes, not {size}; raise batch_size")
        order = np.random.default_rng(check_seed(self.random_state)).permutation(len(array))
        for batch in np.array_split(order, max(1, len(array) // size)):
            yield self._scaled(array[np.sort(batch)])  # in the order of the file, to read it forwards
