"""One layer as codes made without the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from pidkit.quantise.rows import is_constant
from pidkit.representations.coding import Quantiser, copy_quantisers, describe, encode, read_rows
from pidkit.representations.wide_layers import read_array
from pidkit.results import Result
from pidkit.types import IntArray


@dataclass(frozen=True)
class CodedLayer(Result):
    """The codes of one layer's rows. `coded_pid` takes it as x1 or x2 in place of the layer.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
    n_codes : int
        Symbols of the alphabet, some of which may not occur.
    quantiser : dict
        Its name, alphabet and parameters.
    constant : bool
        Whether the layer is constant, so that its codes tell nothing.
    """

    codes: IntArray
    n_codes: int
    quantiser: Mapping[str, Any]
    constant: bool

    def __repr__(self) -> str:
        """Show what was coded, in a line."""
        return f"CodedLayer of {self.codes.size} rows: {self.n_codes} codes by {self.quantiser['name']}"


def code_once(layer: npt.ArrayLike, quantiser: Quantiser | None, memory: int) -> CodedLayer:
    """Return the codes of a layer by a fresh copy of a quantiser.

    Raises
    ------
    InputError
        As `codes_of`.
    """
    fresh, _ = copy_quantisers((quantiser, None), memory)
    rows = read_array(layer, "x")
    codes, n_codes = encode(fresh, read_rows(rows, len(rows), "x"), None, "x", memory)
    return CodedLayer(codes, n_codes, describe(fresh), is_constant(rows))
