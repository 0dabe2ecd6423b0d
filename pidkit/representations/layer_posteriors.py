"""`posteriors_of`: one layer as decoders read it, once, to be paired with any other layer of the same rows."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pidkit.arguments import Memory, Rng
from pidkit.arrays.batches import mapped_rows
from pidkit.errors import InputError, takes_memory
from pidkit.provenance import recorded_versions
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.layer_reading import LayerReading, Rows, read_layer_once
from pidkit.representations.reading import splits_and_folds
from pidkit.representations.result import DecoderReport
from pidkit.representations.sequences import Sequences
from pidkit.representations.table.records import reading_of_entry
from pidkit.representations.table.sources import NamedLayer, Source
from pidkit.representations.table.store import Store
from pidkit.representations.table.work import Plan, read_one
from pidkit.results import UnitResult
from pidkit.types import FloatArray, IntArray, Unit
from pidkit.units import check_unit


@dataclass(frozen=True)
class LayerPosteriors(UnitResult):
    """What decoders read out of one layer: a posterior and a code of every row. Information is in `unit`.

    `representation_pid` takes it as x1 or x2 in place of the layer, with the arguments that it was made with, and
    returns the same result as for the layer itself.

    Attributes
    ----------
    posteriors : ndarray, shape (n, C)
        Calibrated P(y | x) of every row, by a decoder that had not seen its label.
    codes : ndarray of int, shape (n,)
        The code of every posterior.
    centroids : ndarray, shape (number of codes, C)
        The mean posterior of every code.
    folds : ndarray of int, shape (n,)
        The fold in which each row was held out.
    report : DecoderReport
    warnings : tuple of str
    constant : bool
        Whether the layer or the label is constant, so that there was nothing to read.
    unit : str
    provenance : dict
        The arguments, labels and groups by their digests, and the versions of the packages involved.
    """

    _information = ("report",)

    posteriors: FloatArray
    codes: IntArray
    centroids: FloatArray
    folds: IntArray
    report: DecoderReport
    warnings: tuple[str, ...]
    constant: bool
    unit: str
    provenance: Mapping[str, Any]
    _reading: LayerReading = field(repr=False, compare=False)
    _layer: Any = field(repr=False, compare=False)

    def __repr__(self) -> str:
        """Show what was read, in a line."""
        n, n_classes = self.posteriors.shape
        return (
            f"LayerPosteriors of {n} rows, {n_classes} classes, {len(self.centroids)} codes: decoder "
            f"{self.report.name!r} reads {self.report.calibrated:z.4f} {self.unit}"
        )


@takes_memory
def posteriors_of(
    *,
    labels: npt.ArrayLike | Iterable[Hashable],
    x: Source,
    path: str | os.PathLike[str] | None = None,
    decoder: Decoder = "linear",
    n_codes: int | None = None,
    folds: int | None = None,
    groups: npt.ArrayLike | Iterable[Hashable] | None = None,
    sequences: Sequences = "mean",
    memory: Memory = "1 GiB",
    unit: Unit = "bits",
    rng: Rng = 0,
) -> LayerPosteriors:
    """Decode one layer once, so that it can be paired with many others.

    Parameters
    ----------
    labels : array_like or iterable of hashables, length n
    x : array_like, torch.Tensor, path, or (path, key)
        The layer, shape (n, ...), as `representation_pid` takes x1, or the file that holds it.
    path : path, optional
        The folder of a `pid_table`: what it read with the same arguments is taken from there, and else kept there.
    decoder, n_codes, folds, groups, sequences, memory, unit
        As in `representation_pid`.
    rng : int or numpy.random.Generator
        A Generator gives its next seed, which `provenance["rng"]` names.

    Returns
    -------
    LayerPosteriors

    Raises
    ------
    InputError
        As `representation_pid`.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import representation_pid
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(400) % 2
    >>> teacher, *students = (labels[:, None] + noise * rng.normal(size=(400, 2)) for noise in (0.3, 0.5, 0.9))
    >>> read = posteriors_of(labels=labels, x=teacher)
    >>> pairs = [representation_pid(labels=labels, x1=read, x2=student) for student in students]
    >>> pairs[0].atoms == representation_pid(labels=labels, x1=teacher, x2=students[0]).atoms
    True
    """
    check_unit(unit)
    rows = Rows.read(
        labels=labels,
        decoder=decoder,
        n_codes=n_codes,
        folds=folds,
        groups=groups,
        sequences=sequences,
        rng=rng,
        memory=memory,
    )
    layer = NamedLayer("x", "", (), mapped_rows(x, "x"))
    array = layer.load()
    if path is None:
        with threadpool_limits(1):  # as in a table
            reading = read_layer_once(array, rows, "x")
    else:
        store = Store.open(Path(path))
        digest = read_one(store, Plan(rows), replace(layer, source=array), wait=True)
        entry = None if digest is None else store.load("layers", digest)
        if entry is None:
            raise InputError(f"path must not be changed while a layer is read: {path} lost it; call again")
        reading = reading_of_entry(entry)
    return as_posteriors(reading, rows, array, unit)


def as_posteriors(reading: LayerReading, rows: Rows, layer: Any, unit: Unit) -> LayerPosteriors:
    """Return a reading as the result of `posteriors_of`."""
    y, groups = rows.as_read(len(reading.whole.posteriors) // rows.y.size)
    _, fold = splits_and_folds(y, rows.n_folds, groups, np.random.default_rng(rows.seed))
    return LayerPosteriors(
        posteriors=reading.whole.posteriors,
        codes=reading.codes.whole.codes,
        centroids=reading.codes.whole.centroids,
        folds=fold,
        report=reading.whole.report,
        warnings=reading.whole.warnings,
        constant=reading.whole.constant,
        unit="nats",
        provenance={**rows.described(), "versions": recorded_versions()},
        _reading=reading,
        _layer=layer,
    ).to(unit)


def check_same_rows(piece: LayerPosteriors, rows: Rows, name: str) -> LayerReading:
    """Return the reading of a layer that was made with these arguments.

    Raises
    ------
    InputError
        If it was made with other ones; the message names the first that differs.
    """
    for argument, wanted in rows.described().items():
        if (made := piece.provenance[argument]) != wanted:
            shown = "" if argument in ("labels", "groups") else f": {made!r}, not {wanted!r}"
            raise InputError(f"{name} was read by posteriors_of with another {argument}{shown}; pass the same to both")
    return piece._reading
