"""`codes_of`: one layer as codes made without the labels, once, to be paired with any other layer of the same rows."""

from __future__ import annotations

from pidkit.arguments import Memory, byte_count
from pidkit.representations.coded_layer import CodedLayer, code_once
from pidkit.representations.coding import Quantiser
from pidkit.representations.table.sources import NamedLayer, Source


def codes_of(*, x: Source, quantiser: Quantiser | None = None, memory: Memory = "1 GiB") -> CodedLayer:
    """Code one layer once, without the labels, so that it can be paired with many others.

    Parameters
    ----------
    x : array_like, torch.Tensor, path, or (path, key)
        The layer, shape (n, ...), as `coded_pid` takes x1, or the file that holds it.
    quantiser : transformer, optional
        As in `coded_pid`; None is `RepresentationCodes()`.
    memory : int or str
        As in `coded_pid`.

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
    return code_once(NamedLayer("x", "", (), x).load(), quantiser, byte_count("memory", memory))
