"""Arrays that are read a piece at a time, and their leading principal components."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, qr

from pidkit.arguments import Memory, byte_count
from pidkit.quantise.rows import as_array, as_rows, unit_rows
from pidkit.quantise.widening import widened
from pidkit.types import AnyArray, FloatArray, IntArray

DEFAULT_MEMORY = "1 GiB"
"""What reading an array may take before it is read in pieces, unless something else is asked for."""

COPIES_IN_MEMORY = 3
"""How often an array lies in memory as float64, at most, while it is read whole: as it is, at unit length, and centred
by a quantiser; as the parts of a fold, and with a column of ones, by a decoder."""

COPIES_OF_PIECES = 16
"""A piece is the part of the memory that leaves room for it as float64, its copies, and what is made of all pieces."""

EXACT_FEATURES = 3000
"""Features up to which components are those of the covariance, where it fits; subspace iteration finds others."""

MORE_DIRECTIONS, PASSES, SETTLED_SHARE = 10, 8, 1e-6
"""Directions that are iterated beside those wanted; passes at most; and the relative change of the variances at which
the iteration stops."""


def needs_pieces(array: AnyArray, memory: Memory | None) -> bool:
    """Return whether COPIES_IN_MEMORY of an array take more than `memory` as float64; None is DEFAULT_MEMORY."""
    return COPIES_IN_MEMORY * 8 * array.size > byte_count("memory", DEFAULT_MEMORY if memory is None else memory)


@dataclass(frozen=True)
class SomeRows:
    """Some rows of an array (n, ...), or all, which are read a piece at a time: as float64 rows (n, d).

    Attributes
    ----------
    array : ndarray
        A memory map stays one.
    rows : ndarray of int, optional
        In order; None is all.
    memory : int or str, optional
        Of all that is made of a piece.
    unit : bool
        Whether rows are scaled to unit length.
    """

    array: AnyArray
    rows: IntArray | None = None
    memory: Memory | None = None
    unit: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.array) if self.rows is None else self.rows.size

    @property
    def n_features(self) -> int:
        """How many numbers a row has."""
        return int(np.prod(self.array.shape[1:]))

    @property
    def covariance_fits(self) -> bool:
        """Whether the covariance of the features, and the workspace of its eigenvectors, fit into the memory."""
        return self.n_features <= EXACT_FEATURES and 32 * self.n_features**2 <= self._memory

    @property
    def _memory(self) -> int:
        return byte_count("memory", DEFAULT_MEMORY if self.memory is None else self.memory)

    @property
    def single_is_enough(self) -> bool:
        """Whether the squares of the entries fit float32, which holds the entries themselves exactly."""
        return self.array.dtype == np.float16 or (self.array.dtype == np.float32 and self.unit)

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the rows in order.

        Raises
        ------
        InputError
            As `as_rows`.
        """
        for part in self._parts():
            rows = as_rows(part)
            yield unit_rows(rows) if self.unit else rows

    def in_single(self) -> Iterator[AnyArray]:
        """Yield the rows in order, in float32.

        Raises
        ------
        InputError
            As `as_rows`.
        """
        for part in self._parts():
            rows = widened(part, np.float32).reshape(len(part), -1)
            peak = np.maximum(rows.max(1), -rows.min(1))
            if not np.isfinite(peak).all():
                as_rows(part)  # which says what is wrong
            if self.unit:
                rows /= np.where(peak > 0.0, peak, np.float32(1.0))[:, None]
                norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
                rows /= np.where(norms > 0.0, norms, np.float32(1.0))[:, None]
            yield rows

    def _parts(self) -> Iterator[AnyArray]:
        height = max(1, self._memory // COPIES_OF_PIECES // (8 * self.n_features))
        for begin in range(0, len(self), height):
            own = slice(begin, begin + height)
            yield self.array[own] if self.rows is None else self.array[self.rows[own]]


def array_or_pieces(x: npt.ArrayLike | SomeRows, memory: Memory | None) -> AnyArray | SomeRows:
    """Return `as_array(x)`, or what reads it in pieces where reading it whole takes more than `memory`."""
    if isinstance(x, SomeRows):
        return x
    array = as_array(x)
    return SomeRows(array, memory=memory) if needs_pieces(array, memory) else array


def leading_components(
    read: Callable[[], Iterator[AnyArray]],
    n_components: int,
    n_features: int,
    rng: np.random.Generator,
    *,
    exact: bool,
) -> tuple[FloatArray, FloatArray]:
    """Return the leading principal components (n_components, d) of rows that are read in pieces, and their mean (d,).

    If `exact` they are the eigenvectors of the covariance, from one pass. Else they come from subspace iteration: with
    A the centred rows, Q is replaced by an orthonormal basis of A'(A Q), one pass each, until the variances of the
    components settle. The mean is found in the first of these passes: with the rows A and m the mean,
    (A - 1 m')'(A - 1 m') Q = A'(A Q) - n m (m'Q).

    Parameters
    ----------
    read : callable
        Returns an iterator over the pieces, each time anew: in float64, or in float32, and then products are computed
        in float32, and the pieces are overwritten.
    n_components, n_features : int
    rng : numpy.random.Generator
        Draws the first Q.
    exact : bool
        Whether a covariance is made, (n_features, n_features).

    References
    ----------
    Halko, Martinsson & Tropp, Finding structure with randomness, SIAM Review 53, 2011, algorithm 4.4.
    """
    shift, total, n = np.zeros(n_features), np.zeros(n_features), 0
    products = np.zeros((n_features, n_features) if exact else (0, 0))
    # One direction more than there are rows or features would be of no use; the number of rows is not known yet.
    basis = _orthonormal(rng.standard_normal((n_features, min(n_components + MORE_DIRECTIONS, n_features))))
    image = np.zeros((0, 0) if exact else basis.shape)
    for piece in read():
        if n == 0:
            shift = piece.mean(0, dtype=np.float64)  # products of rows with a large offset would not survive
        piece = _less(piece, shift)
        total += piece.sum(0, dtype=np.float64)
        n += len(piece)
        if exact:
            products += piece.T @ piece
        else:
            image += _products(piece, basis)
    away = total / n
    if exact:
        vectors = eigh(products - n * np.outer(away, away))[1]
        return vectors[:, ::-1][:, :n_components].T, shift + away
    # What the pieces had subtracted was the shift in their own type.
    mean = (shift if piece.dtype == np.float64 else shift.astype(piece.dtype).astype(np.float64)) + away
    image -= n * np.outer(away, away @ basis)
    before = np.full(n_components, np.inf)
    for number in range(PASSES):
        if number:
            image = np.zeros(basis.shape)
            for piece in read():
                image += _products(_less(piece, mean), basis)
        values, turn = eigh(basis.T @ image)
        components = basis @ turn[:, ::-1][:, :n_components]
        leading = values[::-1][:n_components]
        if np.abs(leading - before).max() <= SETTLED_SHARE * max(float(leading[0]), 0.0):
            break
        before = leading
        basis = _orthonormal(image)
    return components.T, mean


def _less(piece: AnyArray, mean: FloatArray) -> AnyArray:
    """Return the piece less a mean, in its own type; one in float32 is a copy of what it was read from."""
    if piece.dtype != np.float32:
        return piece - mean
    piece -= mean.astype(np.float32)
    return piece


def _orthonormal(columns: FloatArray) -> FloatArray:
    return np.asarray(qr(columns, mode="economic", check_finite=False)[0])


def _products(piece: AnyArray, basis: FloatArray) -> AnyArray:
    """Return A'(A Q) in the type of A."""
    return np.asarray(piece.T @ (piece @ basis.astype(piece.dtype)))
