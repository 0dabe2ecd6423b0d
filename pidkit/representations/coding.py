"""From representations to codes: fit a quantiser for each source on some rows, and apply it to others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from pidkit.arguments import real_number, shown_bytes
from pidkit.errors import InputError
from pidkit.quantise import RepresentationCodes
from pidkit.quantise.clusterer import ClustererCodes, is_clusterer
from pidkit.quantise.pieces import SomeRows, needs_pieces
from pidkit.quantise.rows import as_array
from pidkit.types import AnyArray, IntArray

RowSplit = tuple[IntArray, IntArray] | None
"""The rows to fit quantisers on and the rows to measure; None means all rows for both."""


class Quantiser(Protocol):
    """A scikit-learn transformer of representations (n, ...) into codes, with `n_codes_` after `fit`.

    Of a Pipeline the last step has `n_codes_`.
    """

    n_codes_: int

    def fit(self, x: npt.ArrayLike) -> Any:
        """Learn the codes."""
        ...

    def transform(self, x: npt.ArrayLike) -> IntArray:
        """Return the code of every row, from 0 to n_codes_ - 1, shape (n,) or (n, 1)."""
        ...

    def get_params(self) -> dict[str, Any]:
        """Return the parameters, for the provenance."""
        ...


def copy_quantisers(
    quantiser: Quantiser | tuple[Quantiser | None, Quantiser | None] | None, memory: int | None = None
) -> tuple[Quantiser, Quantiser]:
    """Return an unfitted copy for each source; None stands for the default, and a clusterer gives its clusters.

    A RepresentationCodes that says nothing of memory is given `memory`.

    Raises
    ------
    InputError
        If `quantiser` is neither an object with fit, transform and get_params nor a pair of them.
    """
    pair = quantiser if isinstance(quantiser, tuple) else (quantiser, quantiser)
    if len(pair) != 2:
        raise InputError(f"quantiser must be one transformer or a pair, of x1 and of x2; it is a tuple of {len(pair)}")
    taken: list[Quantiser | None] = [ClustererCodes(one) if is_clusterer(one) else one for one in pair]
    for one in taken:
        if isinstance(one, type):
            raise InputError(f"quantiser must be an object, not the class {one.__name__}; write {one.__name__}()")
        missing = [name for name in ("fit", "transform", "get_params") if not callable(getattr(one, name, None))]
        if one is not None and missing:
            raise InputError(
                f"quantiser must have fit, transform and get_params; {type(one).__name__} lacks {', '.join(missing)}. "
                "Use one of pidkit.quantise, such as RepresentationCodes()"
            )
    first, second = (RepresentationCodes() if one is None else clone(one) for one in taken)
    for one in (first, second):
        if isinstance(one, RepresentationCodes) and one.memory is None:
            one.memory = memory
    return first, second


def refuse_for_decoders(options: Mapping[str, object]) -> None:
    """Raise InputError for an option of decoders, by name, that is not None where a quantiser codes the layers."""
    for name, given in options.items():
        if given is not None:
            raise InputError(f"{name} is for decoders, and quantiser makes codes without them; leave one of them out")


def read_rows(x: npt.ArrayLike, n: int, name: str) -> AnyArray:
    """Return `x` as an array of `n` rows in the dtype it has, so that a memory map stays one; else raise InputError."""
    try:
        array = as_array(x)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if len(array) != n:
        raise InputError(f"{name} must have one row a label: it has shape {array.shape}, and there are {n} labels")
    return array


def check_fit_fraction(fit_fraction: object) -> float | None:
    """Return the share of rows to fit on, None for all, if it lies between 0 and 1, else raise InputError."""
    remedy = "None fits and measures on all rows"
    if fit_fraction is None:
        return None
    return real_number("fit_fraction", fit_fraction, above=0.0, below=1.0, remedy=remedy)


def split_rows(n: int, fit_fraction: float | None, rng: np.random.Generator) -> RowSplit:
    """Return the rows to fit on and the rows to measure, drawn at random, in file order; None: all rows for both.

    Raises
    ------
    InputError
        If `fit_fraction` is no number between 0 and 1, or leaves no row to fit on or none to measure.
    """
    fit_fraction = check_fit_fraction(fit_fraction)
    if fit_fraction is None:
        return None
    cut = round(fit_fraction * n)
    if not 0 < cut < n:
        raise InputError(f"fit_fraction = {fit_fraction} of {n} rows leaves no row to fit on, or none to measure")
    order = rng.permutation(n)
    return np.sort(order[:cut]), np.sort(order[cut:])


def encode(
    quantiser: Quantiser, x: AnyArray, split: RowSplit, name: str, memory: int | None = None
) -> tuple[IntArray, int]:
    """Fit the quantiser, in place, and return the codes of the rows to measure and how many codes there are.

    Raises
    ------
    InputError
        If the rows cannot be quantised, or what comes out is not one code a row below `n_codes_`.
    """
    to_fit: Any = x
    to_measure: Any = x
    if isinstance(quantiser, RepresentationCodes) and needs_pieces(x, quantiser.memory):
        to_fit, to_measure = (SomeRows(x, rows, quantiser.memory) for rows in split or (None, None))
    elif memory is not None and not isinstance(quantiser, RepresentationCodes) and 8 * x.size > memory:
        raise InputError(
            f"{name} takes {shown_bytes(8 * x.size)} as float64, more than memory, {shown_bytes(memory)}, and "
            f"{type(quantiser).__name__} reads it whole; raise memory, or take RepresentationCodes(), which reads it "
            "in pieces"
        )
    elif split is not None:
        to_fit, to_measure = x[split[0]], x[split[1]]
    try:
        quantiser.fit(to_fit)
        codes = np.asarray(quantiser.transform(to_measure))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    n_codes = n_codes_of(quantiser)
    whole = codes.dtype.kind in "iu" and codes.shape in ((len(to_measure),), (len(to_measure), 1))
    if n_codes is None or not whole or codes.min() < 0 or codes.max() >= n_codes:
        raise InputError(
            f"quantiser {type(quantiser).__name__} must give each row of {name} one integer code below its n_codes_; "
            "use one of pidkit.quantise, such as RepresentationCodes()"
        )
    return codes.ravel().astype(np.int64), n_codes


def n_codes_of(quantiser: object) -> int | None:
    """Return how many codes a fitted quantiser has, or the last step of a Pipeline; None where it does not say."""
    last = quantiser.steps[-1][1] if hasattr(quantiser, "steps") else quantiser
    n_codes = getattr(last, "n_codes_", None)
    return None if n_codes is None else int(n_codes)


def describe(quantiser: Quantiser) -> dict[str, Any]:
    """Return the name, the alphabet and the parameters of a fitted quantiser, ready for JSON."""
    parameters = {name: _plain(value) for name, value in quantiser.get_params().items()}
    return {"name": type(quantiser).__name__, "n_codes": n_codes_of(quantiser), **parameters}


def _plain(value: object) -> object:
    """Return what JSON can hold: numbers and text as they are, anything else as its repr."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)
