"""The default quantiser: principal components, then k-means, as in the RID paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from pidkit.arguments import Memory, byte_count, check_count, check_seed, flag
from pidkit.quantise.clusters import KMeansCodes
from pidkit.quantise.pieces import COPIES_OF_PIECES, DEFAULT_MEMORY, SomeRows, array_or_pieces
from pidkit.quantise.rows import CodeTransformer, unit_rows
from pidkit.quantise.steps import PrincipalComponents
from pidkit.types import AnyArray, FloatArray, IntArray

FEWEST_BATCHED = 1000
"""Rows of a batch at least, and rows that are clustered together however wide they are."""


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
        Starts of k-means.
    memory : int or str, optional
        Bytes, or text such as "500 MB"; None is "1 GiB", or what `coded_pid` says. An array of which three copies take
        more as float64, such as a large memory map, is read in pieces. Its components are those of the covariance or,
        beyond 3000 features, found by subspace iteration, a pass each; then all rows are in memory as their components,
        and k-means goes on as ever. Without PCA, or for rows whose components are larger than that as well, k-means
        sees one random batch of rows after the other (MiniBatchKMeans, one start).
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
        memory: Memory | None = None,
        random_state: int = 0,
    ) -> None:
        """Keep the parameters; `fit` checks them."""
        self.n_pca = n_pca
        self.n_codes = n_codes
        self.normalise = normalise
        self.n_init = n_init
        self.memory = memory
        self.random_state = random_state

    def fit(self, x: npt.ArrayLike | SomeRows, y: object = None) -> Self:
        """Find the components and the centres of `x`, shape (n, ...); `y` is ignored.

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array, n_codes is not between 1 and the number of rows, memory is no
            size, or normalise is neither True nor False.
        """
        flag("normalise", self.normalise)
        if self.memory is not None:
            byte_count("memory", self.memory)
        given = array_or_pieces(x, self.memory)
        n, d = len(given), given.n_features if isinstance(given, SomeRows) else given[0].size
        check_count("n_init", self.n_init)
        check_count("n_codes", self.n_codes, at_most=n, limit="the number of rows")
        self.n_pca_ = d if self.n_pca is None else min(check_count("n_pca", self.n_pca), n, d)
        self.n_features_in_ = d
        self._keep_names(x)
        reduced = self.n_pca_ < d
        self.pca_ = PrincipalComponents(self.n_pca_, random_state=self.random_state) if reduced else None
        self.codes_ = KMeansCodes(self.n_codes, n_init=self.n_init, random_state=self.random_state)
        if isinstance(given, SomeRows):
            if self.pca_ is not None:
                self.pca_.fit(replace(given, unit=self.normalise))
            self._cluster(given)
        else:
            rows = self._scaled(given)
            if self.pca_ is not None:
                self.pca_.fit(rows)
            self.codes_.fit(self._project(rows))
        self.n_codes_ = self.codes_.n_codes_
        return self

    def codes(self, x: npt.ArrayLike | SomeRows) -> IntArray:
        """Return the code of every row of `x`, shape (n, ...), as (n,).

        Raises
        ------
        InputError
            `x` is not a finite, real, non-empty array with as many features as in `fit`.
        """
        check_is_fitted(self)
        self._check_names(x)
        given = array_or_pieces(x, self.memory)
        parts: Iterable[AnyArray] = given if isinstance(given, SomeRows) else [given]
        return np.concatenate([self.codes_.codes(self._project(self._scaled(part))) for part in parts])

    def _scaled(self, array: AnyArray) -> FloatArray:
        rows = self._later_rows(array)
        return unit_rows(rows) if self.normalise else rows

    def _project(self, rows: FloatArray) -> FloatArray:
        return rows if self.pca_ is None else self.pca_.transform(rows)

    def _cluster(self, pieces: SomeRows) -> None:
        """Fit k-means to rows that are read in pieces: to all of their components, or to batches where these are large.

        Batches are drawn at random over all rows, so that an array sorted by class is no trap, and read in the order of
        the file.
        """
        n, memory = len(pieces), byte_count("memory", DEFAULT_MEMORY if self.memory is None else self.memory)
        if COPIES_OF_PIECES * 8 * n * self.n_pca_ <= memory or n <= FEWEST_BATCHED:
            self.codes_.fit(np.concatenate([self._project(self._scaled(part)) for part in pieces]))
            return
        height = max(self.n_codes, FEWEST_BATCHED, memory // COPIES_OF_PIECES // (8 * pieces.n_features))
        order = np.random.default_rng(check_seed(self.random_state)).permutation(n)
        for batch in np.array_split(order, max(1, n // height)):
            own = np.sort(batch) if pieces.rows is None else pieces.rows[np.sort(batch)]
            few = SomeRows(pieces.array, own, self.memory)
            self.codes_.partial_fit(np.concatenate([self._project(self._scaled(part)) for part in few]))
