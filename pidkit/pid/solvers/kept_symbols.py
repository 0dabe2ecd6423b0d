"""Remove symbols without mass before a problem is solved, and put results back on the full alphabets afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

from pidkit.types import FloatArray

Indices = npt.NDArray[np.intp]
"""Positions of symbols in an alphabet."""


@dataclass(frozen=True)
class KeptSymbols:
    """The symbols of y, x1 and x2 that have mass, which alone reach a solver; None stands for the whole alphabet."""

    y: Indices | None
    x1: Indices | None
    x2: Indices | None

    def pair_1(self, array: FloatArray) -> FloatArray:
        """Return the kept part of an array [y, x1]."""
        return _part(array, self.y, self.x1)

    def pair_2(self, array: FloatArray) -> FloatArray:
        """Return the kept part of an array [y, x2]."""
        return _part(array, self.y, self.x2)

    def sources(self, array: FloatArray) -> FloatArray:
        """Return the kept part of an array [x1, x2]."""
        return _part(array, self.x1, self.x2)


def kept_symbols(p_yx1: FloatArray, p_yx2: FloatArray) -> KeptSymbols:
    """Return the symbols that have mass."""
    return KeptSymbols(_kept(p_yx1.sum(1)), _kept(p_yx1.sum(0)), _kept(p_yx2.sum(0)))


def _kept(mass: FloatArray) -> Indices | None:
    """Return the indices with mass, or None for all."""
    return None if mass.all() else np.flatnonzero(mass)


def _index(rows: Indices | None, columns: Indices | None, shape: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Return an open mesh of the kept rows and columns."""
    first = np.arange(shape[0]) if rows is None else rows
    return first[:, None], (np.arange(shape[1]) if columns is None else columns)


def _part(array: FloatArray, rows: Indices | None, columns: Indices | None) -> FloatArray:
    """Return the kept rows and columns; the array itself where that is all of it."""
    if rows is None and columns is None:
        return array
    part: FloatArray = array[_index(rows, columns, array.shape)]
    return part


def put_back(
    part: FloatArray, rows: Indices | None, columns: Indices | None, shape: tuple[int, int], fill: float
) -> FloatArray:
    """Put a kept part back on the full alphabets, `fill` elsewhere."""
    if rows is None and columns is None:
        return part
    xp = array_namespace(part)
    whole: FloatArray = xp.full(shape, fill, dtype=part.dtype, device=device(part))
    whole[_index(rows, columns, shape)] = part
    return whole
