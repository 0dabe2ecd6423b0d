"""Arrays that are read a piece at a time, and their leading principal components."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, qr

from pidkit.arguments import Memory, byte_count
from pidkit.quantise.rows import as_array, as_rows, unit_rows
from pidkit.types import AnyArray, FloatArray, IntArray

DEFAULT_MEMORY = "1 GiB"
"""What an array may take as float64 before it is read in pieces, unless something else is asked for."""

COPIES = 16
"""A piece is the part of the memory that leaves room for it as float64, its copies, and what is made of all pieces."""

EXACT_FEATURES = 3000
"""Features up to which components are those of the covariance, where it fits; subspace iteration finds others."""

MORE_DIRECTIONS, PASSES, SETTLED_SHARE = 10, 8, 1e-6
"""Directions that are iterated beside those wanted; passes at most; and the relative change of the variances at which
the iteration stops."""


def needs_pieces(array: AnyArray, memory: Memory | None) -> bool:
    """Return whether an array takes more than `memory` as float64; None is DEFAULT_MEMORY."""
    return 8 * array.size > byte_count("memory", DEFAULT_MEMORY if memory is None else memory)


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

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the rows in order.

        Raises
        ------
        InputError
            As `as_rows`.
        """
        height = max(1, self._memory // COPIES // (8 * self.n_features))
        for begin in range(0, len(self), height):
            own = slice(begin, begin + height)
            rows = as_rows(self.array[own] if self.rows is None else self.array[self.rows[own]])
            yield unit_rows(rows) if self.unit else rows


def array_or_pieces(x: npt.ArrayLike | SomeRows, memory: Memory | None) -> AnyArray | SomeRows:
    """Return `as_array(x)`, or what reads it in pieces where it takes more than `memory` as float64."""
    if isinstance(x, SomeRows):
        return x
    array = as_array(x)
    return SomeRows(array, memory=memory) if needs_pieces(array, memory) else array


def leading_components(
    read: Callable[[], Iterator[FloatArray]],
    n_components: int,
    n_features: int,
    rng: np.random.Generator,
    *,
    exact: bool,
) -> tuple[FloatArray, FloatArray]:
    """Return the leading principal components (n_components, d) of rows that are read in pieces, and their mean (d,).

    If `exact` they are the eigenvectors of the covariance, from one pass. Else they come from subspace iteration: with
    A the centred rows, Q is replaced by an orthonormal basis of A'(A Q), one pass each, until the variances of the
    components settle.

    Parameters
    ----------
    read : callable
        Returns an iterator over the pieces, each time anew.
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
    for piece in read():
        if n == 0:
            shift = piece.mean(0)  # products of rows with a large common offset would not survive
        piece = piece - shift
        total += piece.sum(0)
        n += len(piece)
        if exact:
            products += piece.T @ piece
    away = total / n
    if exact:
        vectors = eigh(products - n * np.outer(away, away))[1]
        return vectors[:, ::-1][:, :n_components].T, shift + away
    mean = shift + away
    width = min(n_components + MORE_DIRECTIONS, n, n_features)
    basis = qr(rng.standard_normal((n_features, width)), mode="economic")[0]
    before = np.full(n_components, np.inf)
    for _ in range(PASSES):
        image = np.zeros((n_features, width))
        for piece in read():
            piece = piece - mean
            image += piece.T @ (piece @ basis)
        values, turn = eigh(basis.T @ image)
        components = basis @ turn[:, ::-1][:, :n_components]
        leading = values[::-1][:n_components]
        if np.abs(leading - before).max() <= SETTLED_SHARE * max(float(leading[0]), 0.0):
            break
        before = leading
        basis = qr(image, mode="economic")[0]
    return components.T, mean
