"""Layers that are larger than the memory allowed: read in pieces, and projected as `wide_layers` projects wide ones.

A layer of many more rows than features is fitted by the second moments of all training rows of a fold, which one pass
over the layer adds up for all folds (`second_moments`). Of a layer of more features the products of rows with each
other are needed. These are taken from one random selection of rows for all folds, the landmarks, whose products are
computed once: a fold's label scores and loud directions are combinations of the landmarks among its training rows. One
more pass, a piece of rows at a time, projects the rows of as many folds as have room.

The landmarks and the scale of the columns know no label. Directions are fitted to training rows alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pidkit.arguments import shown_bytes
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.folds import some_rows
from pidkit.representations.row_pieces import BYTES_OF_PAIR, LANDMARKS, LANDMARKS_DRAWN_BY, RowPieces
from pidkit.representations.second_moments import (
    Projection,
    add_products,
    mirror,
    moments_of,
    projection_of,
)
from pidkit.representations.training_cells import PARTS_TRIED, cells_of
from pidkit.representations.wide_layers import FITTED_ROWS, LOUD, even_selection, label_directions
from pidkit.types import AnyArray, FloatArray, IntArray

SHARES = 4
"""Parts of the memory allowed, one of which moments take, and another the projections made in one pass."""

TRAINED_ROWS, STOPPING_ROWS = 200_000, 50_000
"""Rows that decoders of a streamed layer are fitted and stopped by at most; of more, so many are drawn."""

FEWEST_TRAINED = 5000
"""Rows that they are fitted to at least, however little memory is allowed, if there are as many; half to stop by."""

COPIES_OF_CLASSES = 4
"""Arrays of as many rows as are trained on, of a column a feature and a class, that fitting a decoder holds at once."""


def thinned(split: ThreeWaySplit, n_classes: int, memory: int) -> ThreeWaySplit:
    """Return the split with as many rows to train on and to stop by as decoders of streamed layers take.

    These are TRAINED_ROWS and STOPPING_ROWS, or as many as have columns, logits and slopes of `memory` bytes. A linear
    decoder of 100 columns and 10 classes that was fitted to TRAINED_ROWS misses .003 nats of what endless rows would
    teach it. All rows of `value` are read.
    """
    room = memory // (8 * COPIES_OF_CLASSES * (n_classes + LOUD))
    most_train = min(TRAINED_ROWS, max(FEWEST_TRAINED, room))
    most_stop = min(STOPPING_ROWS, max(FEWEST_TRAINED, room) // 2)
    if split.train.size <= most_train and split.stop.size <= most_stop:
        return split
    rng = np.random.default_rng(LANDMARKS_DRAWN_BY)
    train, stop = (
        rows[some_rows(rows.size, most, rng)] for rows, most in ((split.train, most_train), (split.stop, most_stop))
    )
    return ThreeWaySplit(train, stop, split.value)


class _Directions(NamedTuple):
    """The directions of one split: the rows that they are fitted to, and what `LabelDirections` has of them.

    `of_rows` is centred, and `shift` is what the columns of the mean fitted row are.
    """

    fitted: IntArray
    of_rows: FloatArray
    left_out: FloatArray
    shift: FloatArray


class StreamedLayer(RowPieces):
    """A layer that is read in pieces, as `label_projection` would make it."""

    def parts(self, trains: Sequence[IntArray]) -> int | None:
        """Return into how many parts rows are dealt so that moments have room; None where landmarks are as good."""
        few = min(FITTED_ROWS, self.most_landmarks)
        if min(train.size for train in trains) <= few:
            return None
        of_cell = 4 * self.array.shape[1] ** 2
        room = self.memory // SHARES // of_cell
        return next((parts for parts in PARTS_TRIED if parts * len(trains) <= room), None)

    def notes(self, trains: Sequence[IntArray]) -> tuple[str, ...]:
        """Return the warning that the memory leaves too few rows to fit directions to, or nothing."""
        few, wanted = self.most_landmarks, min(LANDMARKS, self.n_rows)
        if few >= wanted or self.parts(trains) is not None:
            return ()
        return (
            f"{self.name} was read in pieces within {shown_bytes(self.memory)}, which leaves room for directions that "
            f"are fitted to {few} rows in place of {wanted}: less may be read; raise memory to "
            f"{shown_bytes(BYTES_OF_PAIR * (wanted + 1) ** 2)}",
        )

    @cached_property
    def products(self) -> AnyArray:
        """The products of the standardised landmarks with each other, in float32."""
        rows, shift, scale = self.landmarks
        found = np.zeros((rows.size, rows.size), np.float32)
        for own, block in self.columns_of(rows):
            single = ((block - shift[own]) / scale[own]).astype(np.float32)
            add_products(found, single)
        mirror(found)
        return found

    def projections(
        self,
        labels: IntArray,
        splits: Sequence[ThreeWaySplit],
        groups: IntArray | None,
        trains: Sequence[IntArray] | None = None,
    ) -> Iterator[tuple[AnyArray, AnyArray, AnyArray]]:
        """Yield for each split the rows of its parts as `label_projection` makes them, (rows, n_classes + components).

        One pass over the layer projects the rows of as many splits as have room. Directions are fitted to `trains`, by
        default the splits' own: to the second moments of all of them where these have room, else to the landmarks
        among them.

        Raises
        ------
        InputError
            As `landmarks`, of the rows of the splits.
        """
        trains = [split.train for split in splits] if trains is None else trains
        widest = int(labels.max()) + 1 + LOUD
        rows = max(split.train.size + split.stop.size + split.value.size for split in splits)
        at_once = max(1, self.memory // SHARES // (4 * widest * (rows + 2 * self.array.shape[1])))
        of_moments = self._by_moments(labels, trains, groups)
        for begin in range(0, len(splits), at_once):
            some = splits[begin : begin + at_once]
            found = (
                self._by_landmarks(labels, trains[begin : begin + at_once], groups)
                if of_moments is None
                else of_moments[begin : begin + at_once]
            )
            wanted = [np.sort(np.concatenate([split.train, split.stop, split.value])) for split in some]
            columns = self._projected(wanted, found)
            for split, own, column in zip(some, wanted, columns, strict=True):
                train, stop, value = (
                    column[np.searchsorted(own, part)] for part in (split.train, split.stop, split.value)
                )
                yield train, stop, value

    def _projected(self, wanted: Sequence[IntArray], projections: Sequence[Projection]) -> list[AnyArray]:
        """Return the columns that each projection makes of its rows, in one pass over the layer."""
        widths = np.cumsum([0, *(one.offset.size for one in projections)])
        weights = np.hstack([one.weights for one in projections])
        columns = [
            np.empty((own.size, one.offset.size), np.float32) for own, one in zip(wanted, projections, strict=True)
        ]
        every = functools.reduce(np.union1d, wanted)
        for own, piece in self.pieces(every):
            here = every[own]
            together = piece @ weights
            for number, (found, of_split, one) in enumerate(zip(columns, wanted, projections, strict=True)):
                first, last = np.searchsorted(of_split, [here[0], here[-1] + 1])
                mine = slice(widths[number], widths[number + 1])
                found[first:last] = together[np.searchsorted(here, of_split[first:last]), mine] - one.offset
                for rows, others, offset in one.left_out:
                    among = rows[slice(*np.searchsorted(rows, [here[0], here[-1] + 1]))]
                    among = among[np.isin(among, of_split[first:last], assume_unique=True)]
                    scores = piece[np.searchsorted(here, among)] @ others - offset
                    found[np.searchsorted(of_split, among), : offset.size] = scores
        for found, of_split, one in zip(columns, wanted, projections, strict=True):
            if one.known is not None:
                rows, scores = one.known
                drawn = np.isin(rows, of_split, assume_unique=True)
                found[np.searchsorted(of_split, rows[drawn]), : scores.shape[1]] = scores[drawn]
        return columns

    def _by_moments(
        self, labels: IntArray, trains: Sequence[IntArray], groups: IntArray | None
    ) -> list[Projection] | None:
        """Return the projections by second moments, after a pass over the training rows; None without room for them."""
        parts = self.parts(trains)
        if parts is None:
            return None
        cells = cells_of(trains, self.n_rows, groups, parts)
        rows = functools.reduce(np.union1d, trains)
        n_classes, d = int(labels.max()) + 1, self.array.shape[1]
        moments = moments_of(self.pieces(rows), rows, cells, labels, n_classes, d)
        return [
            projection_of([moments[cell] for cell in own], cells.rows_of(number))
            for number, own in enumerate(cells.members)
        ]

    def _by_landmarks(self, labels: IntArray, trains: Sequence[IntArray], groups: IntArray | None) -> list[Projection]:
        """Return the projections by the landmarks among training rows, after a pass over the landmarks."""
        directions = [self._directions(labels, train, groups) for train in trains]
        return [
            Projection(weights, one.shift, known=(one.fitted, one.left_out))
            for weights, one in zip(self._weights(directions), directions, strict=True)
        ]

    def _directions(self, labels: IntArray, train: IntArray, groups: IntArray | None) -> _Directions:
        """Return the directions of a split, fitted to the landmarks among its training rows."""
        marks, n_classes = self.landmarks, int(labels.max()) + 1
        fitted = even_selection(np.intersect1d(train, marks.rows, assume_unique=True), FITTED_ROWS)
        place = np.searchsorted(marks.rows, fitted)
        products = self.products[np.ix_(place, place)].astype(np.float64)
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
        for own, piece in self.pieces(marks):
            for weight, one in zip(weights, directions, strict=True):
                mine = np.isin(marks[own], one.fitted)
                weight += piece[mine].T @ one.of_rows[np.searchsorted(one.fitted, marks[own][mine])].astype(np.float32)
        return weights
