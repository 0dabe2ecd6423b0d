"""`codes_of`: one layer as codes made without the labels, once, to be paired with any other layer of the same rows."""

from __future__ import annotations

import os
from pathlib import Path

from pidkit.arguments import Memory, byte_count
from pidkit.arrays.batches import mapped_rows
from pidkit.errors import InputError, takes_memory
from pidkit.representations.coded_layer import CodedLayer, code_once
from pidkit.representations.coding import Quantiser, copy_quantisers
from pidkit.representations.layer_reading import Rows
from pidkit.representations.table.records import codes_of_entry
from pidkit.representations.table.sources import NamedLayer, Source
from pidkit.representations.table.store import Store
from pidkit.representations.table.work import Plan, read_one


@takes_memory
def codes_of(
    *,
    x: Source,
    path: str | os.PathLike[str] | None = None,
    quantiser: Quantiser | None = None,
    memory: Memory = "1 GiB",
) -> CodedLayer:
    """Code one layer once, without the labels, so that it can be paired with many others.

    Parameters
    ----------
    x : array_like, torch.Tensor, path, or (path, key)
        The layer, shape (n, ...), as `coded_pid` takes x1, or the file that holds it.
    path : path, optional
        The folder of a `pid_table`: what it coded with the same quantiser is taken from there, and else kept there.
    quantiser : transformer, optional
        As in `coded_pid`; None is `RepresentationCodes()`.
    memory : int or str
        As in `coded_pid`.

    Raises
    ------
    InputError
        If the layer holds NaN or cannot be quantised, `quantiser` is none, or `path` is no folder that can be written.

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
    limit, layer = byte_count("memory", memory), NamedLayer("x", "", (), mapped_rows(x, "x"))
    if path is None:
        return code_once(layer.load(), quantiser, limit)
    fresh, _ = copy_quantisers((quantiser, None), limit)
    store = Store.open(Path(path))
    digest = read_one(store, Plan(Rows.unlabelled(limit), {"x": fresh}), layer, wait=True)
    entry = None if digest is None else store.load("layers", digest)
    if entry is None:
        raise InputError(f"path must not be changed while a layer is coded: {path} lost it; call again")
    return codes_of_entry(entry)
