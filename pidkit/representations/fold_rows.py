"""A layer as the decoders of one fold take it: projected if it is wide, standardised by the rows they are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.mi.samples import check_rows, scaling
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.rows import is_constant
from pidkit.representations.components import kept_columns
from pidkit.representations.wide_layers import label_projection, read_layer
from pidkit.types import AnyArray, FloatArray, IntArray

WIDE_FEATURES = 1000
"""Features up to which decoders take a layer as it is."""


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
        In float64, or a wide layer as it is: its entries are checked when it is projected.
    constant : bool
        Whether all rows are the same, so that it tells nothing.
    """

    name: str
    array: AnyArray
    constant: bool

    @classmethod
    def read(cls, x: npt.ArrayLike, n: int, name: str) -> Layer:
        """Return the layer of n rows; maps are flattened and sequences averaged.

        Raises
        ------
        InputError
            If it has not one finite row a label.
        """
        array = read_layer(x, name)
        if len(array) != n:
            raise InputError(f"{name} must have one row a label; it has {len(array)}, and there are {n} labels")
        constant = is_constant(array)
        as_it_is = constant or array.shape[1] > WIDE_FEATURES
        return cls(name, array if as_it_is else check_rows(array, name), constant)

    def of_fold(self, labels: IntArray, split: ThreeWaySplit, groups: IntArray | None) -> FoldRows:
        """Return its rows for one fold; a wide layer is projected, to as many components as its `stop` rows prefer."""
        rows, wide = self.array, self.array.shape[1] > WIDE_FEATURES
        if wide:
            rows = label_projection(rows, labels, split, groups=groups, name=self.name)
        shift, scale = scaling(rows[split.train])
        found = FoldRows(*((rows[part] - shift) / scale for part in (split.train, split.stop, split.value)))
        if not wide:
            return found
        kept = kept_columns((found.train, labels[split.train]), (found.stop, labels[split.stop]), int(labels.max()) + 1)
        return FoldRows(*(part[:, :kept] for part in found))


def side_by_side(layers: Sequence[FoldRows]) -> FoldRows:
    """Return the columns of several layers together."""
    return layers[0] if len(layers) == 1 else FoldRows(*(np.hstack(parts) for parts in zip(*layers, strict=True)))
