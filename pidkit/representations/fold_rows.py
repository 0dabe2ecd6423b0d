"""A layer as the decoders of one fold take it: projected if it is wide, standardised by the rows they are fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pidkit.arguments import byte_count
from pidkit.errors import InputError
from pidkit.mi.samples import scaling
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.pieces import DEFAULT_MEMORY, needs_pieces
from pidkit.quantise.rows import is_constant
from pidkit.quantise.widening import in_float64
from pidkit.representations.components import kept_columns
from pidkit.representations.streamed_layers import StreamedLayer
from pidkit.representations.wide_layers import finite_rows, label_projection, read_layer
from pidkit.types import AnyArray, FloatArray, IntArray

WIDE_FEATURES = 1000
"""Features up to which decoders take a layer as it is."""


CHECKED_AT_ONCE = 2**23
"""Entries that are checked at a time: a layer is in float64 no more than a fold of it."""


class FoldRows(NamedTuple):
    """The rows of the three parts of a split, all in the scale of those of `train`."""

    train: FloatArray
    stop: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class Layer:
    """A layer that was read and checked.

    Attributes
    ----------
    name : str
        For messages.
    array : ndarray, shape (n, d)
        In its own dtype. Entries are checked here, those of a wide layer when it is projected.
    constant : bool
        Whether all rows are the same, so that it tells nothing.
    streamed : StreamedLayer, optional
        How it is read where it is larger than the memory allowed.
    """

    name: str
    array: AnyArray
    constant: bool
    streamed: StreamedLayer | None = None

    @classmethod
    def read(
        cls,
        x: npt.ArrayLike,
        n: int,
        name: str,
        memory: int | None = None,
        rows: IntArray | None = None,
        *,
        in_its_type: bool = False,
    ) -> Layer:
        """Return the layer of n rows; maps are flattened and sequences averaged.

        One of which three copies take more than `memory` bytes as float64 will be read in pieces; None is no limit.
        With `rows` these rows alone count, without a copy of one that is read in pieces. `in_its_type` leaves the check
        of the entries to whoever reads them.

        Raises
        ------
        InputError
            If it has not one finite row a label.
        """
        array = read_layer(x, name)
        found = len(array) if rows is None else rows.size
        if found != n:
            raise InputError(f"{name} must have one row a label; it has {found}, and there are {n} labels")
        constant = is_constant(array)
        if memory is not None and needs_pieces(array, memory) and not constant:
            return cls(name, array, constant, StreamedLayer(array, name, memory, rows))
        if rows is not None:
            array = array[rows]
            constant = is_constant(array)
        if not (in_its_type or constant or array.shape[1] > WIDE_FEATURES):
            for part in np.array_split(array, -(-array.size // CHECKED_AT_ONCE)):
                finite_rows(part, name)
        return cls(name, array, constant)

    def notes(self, splits: Sequence[ThreeWaySplit]) -> tuple[str, ...]:
        """Return what a reader of it has to know, in sentences."""
        return () if self.streamed is None else self.streamed.notes([split.train for split in splits])

    def of_folds(
        self,
        labels: IntArray,
        splits: Sequence[ThreeWaySplit],
        groups: IntArray | None,
        trains: Sequence[IntArray] | None = None,
    ) -> Iterator[FoldRows]:
        """Yield its rows for each fold; a wide layer is projected, to as many components as its `stop` rows prefer.

        A layer that is read in pieces, or that has many more rows than features, is projected by directions that are
        fitted to `trains`, by default the training rows of the splits.
        """
        trains = [split.train for split in splits] if trains is None else trains
        wide = self.array.shape[1] > WIDE_FEATURES
        streamed = self.streamed
        if streamed is None and wide:  # in memory, too, all training rows count where their second moments have room
            within = StreamedLayer(self.array, self.name, byte_count("memory", DEFAULT_MEMORY))
            streamed = None if within.parts(trains) is None else within
        if streamed is not None:
            for split, parts in zip(splits, streamed.projections(labels, splits, groups, trains), strict=True):
                yield _standardised(parts, labels, split, wide=True)
            return
        for split in splits:
            rows = label_projection(self.array, labels, split, groups=groups, name=self.name) if wide else self.array
            train, stop, value = (in_float64(rows[part]) for part in (split.train, split.stop, split.value))
            yield _standardised((train, stop, value), labels, split, wide=wide)
            del train, stop, value


def _standardised(
    parts: tuple[FloatArray, FloatArray, FloatArray], labels: IntArray, split: ThreeWaySplit, *, wide: bool
) -> FoldRows:
    """Return the parts in the scale of the first, and of projected layers the columns that are kept."""
    shift, scale = scaling(parts[0])
    found = FoldRows(*(_in_scale(part, shift, scale) for part in parts))
    if not wide:
        return found
    kept = kept_columns((found.train, labels[split.train]), (found.stop, labels[split.stop]), int(labels.max()) + 1)
    return FoldRows(*(part[:, :kept] for part in found))


def _in_scale(part: FloatArray, shift: FloatArray, scale: FloatArray) -> FloatArray:
    """Return (part - shift) / scale; a part in float64, which nobody else has, becomes it."""
    if part.dtype != np.float64:
        return (part - shift) / scale
    part -= shift
    part /= scale
    return part


def side_by_side(layers: Sequence[FoldRows]) -> FoldRows:
    """Return the columns of several layers together."""
    return layers[0] if len(layers) == 1 else FoldRows(*(np.hstack(parts) for parts in zip(*layers, strict=True)))
