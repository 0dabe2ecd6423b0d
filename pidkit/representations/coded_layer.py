"""`codes_of`: one layer as codes made without the labels, once, to be paired with any other layer of the same rows."""

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


def codes_of(*, x: npt.ArrayLike, quantiser: Quantiser | None = None) -> CodedLayer:
    """Code one layer once, without the labels, so that it can be paired with many others.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, ...)
        The layer, as `coded_pid` takes x1.
    quantiser : transformer, optional
        As in `coded_pid`; None is `RepresentationCodes()`.

    Raises
    ------
    InputError
        If the layer holds NaN or cannot be quantised, or `quantiser` is none.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import UniformBins, coded_pid
    >>> layer = np.arange(80.0)[:, None]
    >>> coded = codes_of(x=layer, quantiser=UniformBins(2))
    >>> coded
    CodedLayer of 80 rows: 2 codes by UniformBins
    >>> y = np.arange(80) // 40
    >>> coded_pid(labels=y, x1=coded, x2=coded).redundancy == coded_pid(
    ...     labels=y, x1=layer, x2=layer, quantiser=UniformBins(2)
    ... ).redundancy
    True
    """
    fresh, _ = copy_quantisers((quantiser, None))
    rows = read_array(x, "x")
    codes, n_codes = encode(fresh, read_rows(rows, len(rows), "x"), None, "x")
    return CodedLayer(codes, n_codes, describe(fresh), is_constant(rows))
