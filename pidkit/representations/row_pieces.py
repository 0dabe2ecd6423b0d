"""Layers that are larger than the memory allowed: their rows, standardised, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pidkit.errors import InputError
from pidkit.mi.samples import spread
from pidkit.quantise.rows import LARGEST
from pidkit.quantise.widening import widened
from pidkit.representations.folds import some_rows
from pidkit.types import AnyArray, FloatArray, IntArray

LANDMARKS = 5000
"""Landmarks at most: with five folds FITTED_ROWS of them are training rows."""

FEWEST_LANDMARKS = 100
"""Landmarks at least, however little memory is allowed."""

BYTES_OF_PAIR = 25
"""Bytes that a pair of landmarks takes: its product, and those of training rows, their eigenvectors and workspace."""

PIECES = 16
"""Parts of the memory allowed, one of which a piece that is read at once takes."""

FEWEST_NUMBERS = 512
"""Numbers that are made of a row, at least, however few it has."""

LANDMARKS_DRAWN_BY = 0
"""The seed of the landmarks, so that all folds and all layers of as many rows have the same."""


class Landmarks(NamedTuple):
    """The landmarks, the mean and the scale of their columns."""

    rows: IntArray
    shift: FloatArray
    scale: FloatArray


@dataclass(frozen=True)
class RowPieces:
    """A layer (n, d), such as a memory map, that is read in pieces of `memory` bytes together.

    Attributes
    ----------
    array : ndarray, shape (n, d), any real dtype
    name : str
        For messages.
    memory : int
    rows : ndarray of int, optional
        The rows that it has, in order; None is all.
    """

    array: AnyArray
    name: str
    memory: int
    rows: IntArray | None = None

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return len(self.array) if self.rows is None else self.rows.size

    def _lines(self, rows: IntArray) -> IntArray:
        """Return where rows lie in the array."""
        return rows if self.rows is None else self.rows[rows]

    @property
    def most_landmarks(self) -> int:
        """Landmarks that fit into the memory, LANDMARKS at most."""
        return min(LANDMARKS, max(FEWEST_LANDMARKS, int(np.sqrt(self.memory / BYTES_OF_PAIR))))

    @cached_property
    def landmarks(self) -> Landmarks:
        """The landmarks, whose mean and scale are computed when they are first asked for.

        Raises
        ------
        InputError
            If they hold NaN, infinity or values whose squares overflow.
        """
        rows = some_rows(self.n_rows, self.most_landmarks, np.random.default_rng(LANDMARKS_DRAWN_BY))
        shift, scale = np.empty((2, self.array.shape[1]))
        for own, block in self.columns_of(rows):
            shift[own] = block.mean(0)
            deviation = spread(block)
            scale[own] = np.where(deviation > 0.0, deviation, np.inf)
        return Landmarks(rows, shift, scale)

    def columns_of(self, rows: IntArray) -> Iterator[tuple[slice, FloatArray]]:
        """Yield some rows a few columns at a time, in float64, and which columns these are."""
        # Checks and spread take several copies in float64.
        width = max(1, self.memory // PIECES // (40 * rows.size))
        for begin in range(0, self.array.shape[1], width):
            own = slice(begin, begin + width)
            block = widened(self.array[self._lines(rows), own], np.float64)
            self._check(block)
            yield own, block

    def pieces(self, rows: IntArray) -> Iterator[tuple[slice, FloatArray]]:
        """Yield standardised rows in float32 a piece at a time, and where in `rows`, which are in order, they are."""
        marks = self.landmarks
        shift, scale = marks.shift, marks.scale
        wide = np.result_type(self.array.dtype, np.float32)  # what float32 does not hold is standardised in float64
        height = max(1, self.memory // PIECES // (2 * wide.itemsize * max(shift.size, FEWEST_NUMBERS)))
        shift, factor = shift.astype(wide), (1.0 / scale).astype(wide)
        for begin in range(0, rows.size, height):
            own = self._lines(rows[begin : begin + height])
            together = own[-1] - own[0] + 1 == own.size  # a slice of a map is read forwards, without a copy
            part = self.array[own[0] : own[-1] + 1] if together else self.array[own]
            piece = widened(part, wide)
            self._check(piece)
            piece -= shift
            piece *= factor
            yield slice(begin, begin + own.size), piece.astype(np.float32, copy=False)

    def _check(self, block: AnyArray) -> None:
        """Raise InputError for entries that are no finite numbers, or whose squares overflow."""
        if not max(float(block.max()), -float(block.min())) <= LARGEST:
            raise InputError(f"{self.name} must be finite and below {LARGEST:g}; drop or rescale such rows")
