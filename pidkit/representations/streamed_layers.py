"""Layers that are larger than the memory allowed: read in pieces, and projected as `wide_layers` projects wide ones.

What a wide layer's projection needs of its rows are products with the rows that it is fitted to. These are taken from
one random selection of rows for all folds, the landmarks, whose products with each other are computed once. A fold's
label scores and loud directions are combinations of the landmarks among its training rows; one more pass over the
layer, a piece of rows at a time, projects the rows on them. So a layer costs a pass for its landmarks and one for each
fold, and the memory of the landmarks' products, whatever its size.

The landmarks and the scale of the columns know no label. Directions are fitted to training rows alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pidkit.arguments import shown_bytes
from pidkit.errors import InputError
from pidkit.mi.samples import spread
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.rows import LARGEST
from pidkit.representations.folds import some_rows
from pidkit.representations.wide_layers import FITTED_ROWS, LOUD, even_selection, label_directions
from pidkit.types import AnyArray, FloatArray, IntArray

LANDMARKS = 5000
"""Landmarks at most: with five folds FITTED_ROWS of them are training rows."""

FEWEST_LANDMARKS = 100
"""Landmarks at least, however little memory is allowed."""

BYTES_OF_PAIR = 25
"""Bytes that a pair of landmarks takes: its product, and those of training rows, their eigenvectors and workspace."""

PIECES, SHARES = 16, 4
"""Parts of the memory allowed that a piece which is read at once takes, and the projections made in one pass."""

TRAINED_ROWS, STOPPING_ROWS = 200_000, 50_000
"""Rows that decoders of a streamed layer are fitted and stopped by at most; of more, so many are drawn."""

DRAWN_BY = 0
"""The seed of the landmarks and of the rows drawn, so that all folds and all layers of as many rows have the same."""


def thinned(split: ThreeWaySplit) -> ThreeWaySplit:
    """Return the split with as many rows to train on and to stop by as decoders of streamed layers take.

    A linear decoder of 100 columns and 10 classes that was fitted to TRAINED_ROWS misses .003 nats of what endless rows
    would teach it. All rows of `value` are read.
    """
    if not is_thinned(split):
        return split
    rng = np.random.default_rng(DRAWN_BY)
    train, stop = (
        rows[some_rows(rows.size, most, rng)]
        for rows, most in ((split.train, TRAINED_ROWS), (split.stop, STOPPING_ROWS))
    )
    return ThreeWaySplit(train, stop, split.value)


def is_thinned(split: ThreeWaySplit) -> bool:
    """Return whether `thinned` leaves some of its rows out."""
    return split.train.size > TRAINED_ROWS or split.stop.size > STOPPING_ROWS


class _Landmarks(NamedTuple):
    """The landmarks, the mean and the scale of their columns, and the products of their standardised rows."""

    rows: IntArray
    shift: FloatArray
    scale: FloatArray
    products: AnyArray


class _Directions(NamedTuple):
    """The directions of one split: the rows that they are fitted to, and what `LabelDirections` has of them.

    `of_rows` is centred, and `shift` is what the columns of the mean fitted row are.
    """

    fitted: IntArray
    of_rows: FloatArray
    left_out: FloatArray
    shift: FloatArray


@dataclass(frozen=True)
class StreamedLayer:
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

    @property
    def notes(self) -> tuple[str, ...]:
        """The warning that the memory leaves too few landmarks, or nothing."""
        few, wanted = self.most_landmarks, min(LANDMARKS, self.n_rows)
        if few >= wanted:
            return ()
        return (
            f"{self.name} was read in pieces within {shown_bytes(self.memory)}, which leaves room for directions that "
            f"are fitted to {few} rows in place of {wanted}: less may be read; raise memory to "
            f"{shown_bytes(BYTES_OF_PAIR * (wanted + 1) ** 2)}",
        )

    @cached_property
    def landmarks(self) -> _Landmarks:
        """The landmarks, which are computed when they are first asked for.

        Raises
        ------
        InputError
            If they hold NaN, infinity or values whose squares overflow.
        """
        d = self.array.shape[1]
        rows = some_rows(self.n_rows, self.most_landmarks, np.random.default_rng(DRAWN_BY))
        shift, scale = np.empty((2, d))
        products = np.zeros((rows.size, rows.size), np.float32)
        # Checks and spread take several copies in float64.
        width = max(1, self.memory // PIECES // (40 * rows.size))
        for begin in range(0, d, width):
            own = slice(begin, begin + width)
            block = np.asarray(self.array[self._lines(rows), own], dtype=np.float64)
            self._check(block)
            shift[own] = block.mean(0)
            deviation = spread(block)
            scale[own] = np.where(deviation > 0.0, deviation, np.inf)
            block -= shift[own]
            block /= scale[own]
            single = block.astype(np.float32)
            products += single @ single.T
        return _Landmarks(rows, shift, scale, products)

    def projections(
        self, labels: IntArray, splits: Sequence[ThreeWaySplit], groups: IntArray | None
    ) -> Iterator[tuple[AnyArray, AnyArray, AnyArray]]:
        """Yield for each split the rows of its parts as `label_projection` makes them, (rows, n_classes + components).

        One pass over the layer projects the rows of as many splits as have room.

        Raises
        ------
        InputError
            As `landmarks`, of the rows of the splits.
        """
        widest = int(labels.max()) + 1 + LOUD
        rows = max(split.train.size + split.stop.size + split.value.size for split in splits)
        at_once = max(1, self.memory // SHARES // (4 * widest * (rows + 2 * self.array.shape[1])))
        for begin in range(0, len(splits), at_once):
            some = splits[begin : begin + at_once]
            directions = [self._directions(labels, split.train, groups) for split in some]
            weights = self._weights(directions)
            wanted = [np.sort(np.concatenate([split.train, split.stop, split.value])) for split in some]
            columns = [np.zeros((own.size, one.shape[1]), np.float32) for own, one in zip(wanted, weights, strict=True)]
            every = functools.reduce(np.union1d, wanted)
            for own, piece in self._pieces(every):
                for found, of_split, weight in zip(columns, wanted, weights, strict=True):
                    first, last = np.searchsorted(of_split, [every[own.start], every[own.stop - 1] + 1])
                    among = np.searchsorted(every[own], of_split[first:last])
                    found[first:last] = piece[among] @ weight if among.size < len(piece) else piece @ weight
            for split, found, of_split, one in zip(some, columns, wanted, directions, strict=True):
                found -= one.shift
                found[np.searchsorted(of_split, one.fitted), : one.left_out.shape[1]] = one.left_out
                train, stop, value = (
                    found[np.searchsorted(of_split, part)] for part in (split.train, split.stop, split.value)
                )
                yield train, stop, value

    def _directions(self, labels: IntArray, train: IntArray, groups: IntArray | None) -> _Directions:
        """Return the directions of a split, fitted to the landmarks among its training rows."""
        marks, n_classes = self.landmarks, int(labels.max()) + 1
        fitted = even_selection(np.intersect1d(train, marks.rows, assume_unique=True), FITTED_ROWS)
        place = np.searchsorted(marks.rows, fitted)
        products = marks.products[np.ix_(place, place)].astype(np.float64)
        mean = products.mean(0)
        products -= mean
        products -= mean[:, None] - mean.mean()
        found = label_directions(products, labels[fitted], n_classes, groups=None if groups is None else groups[fitted])
        if found is None:
            nothing = np.zeros((fitted.size, n_classes))
            return _Directions(fitted, nothing, nothing, np.zeros(n_classes))
        centred = found.of_rows - found.of_rows.mean(0)
        return _Directions(fitted, centred, found.left_out, mean @ centred)

    def _weights(self, directions: Sequence[_Directions]) -> list[AnyArray]:
        """Return the directions as combinations of the columns, (d, k) in float32."""
        weights = [np.zeros((self.array.shape[1], one.of_rows.shape[1]), np.float32) for one in directions]
        marks = self.landmarks.rows
        for own, piece in self._pieces(marks):
            for weight, one in zip(weights, directions, strict=True):
                mine = np.isin(marks[own], one.fitted)
                weight += piece[mine].T @ one.of_rows[np.searchsorted(one.fitted, marks[own][mine])].astype(np.float32)
        return weights

    def _pieces(self, rows: IntArray) -> Iterator[tuple[slice, FloatArray]]:
        """Yield standardised rows in float32 a piece at a time, and where in `rows`, which are in order, they are."""
        marks = self.landmarks
        shift, scale = marks.shift, marks.scale
        wide = np.result_type(self.array.dtype, np.float32)  # what float32 does not hold is standardised in float64
        height = max(1, self.memory // PIECES // (2 * wide.itemsize * shift.size))
        shift, factor = shift.astype(wide), (1.0 / scale).astype(wide)
        for begin in range(0, rows.size, height):
            own = self._lines(rows[begin : begin + height])
            together = own[-1] - own[0] + 1 == own.size  # a slice of a map is read forwards, without a copy
            piece = np.array(self.array[own[0] : own[-1] + 1] if together else self.array[own], dtype=wide)
            self._check(piece)
            piece -= shift
            piece *= factor
            yield slice(begin, begin + own.size), piece.astype(np.float32, copy=False)

    def _check(self, block: AnyArray) -> None:
        """Raise InputError for entries that are no finite numbers, or whose squares overflow."""
        if not float(np.abs(block).max()) <= LARGEST:
            raise InputError(f"{self.name} must be finite and below {LARGEST:g}; drop or rescale such rows")
