"""`AtomRecords`: the atoms of pairs of layers over the epochs of a distillation, in memory and on disk.

They are defined here and not in `distill`, so that records are read and drawn without torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pidkit.arguments import items_of, one_of, real_number
from pidkit.arrays import write_atomic
from pidkit.arrays.checksums import damaged, digest_of
from pidkit.errors import InputError
from pidkit.records.atom_record import QUANTITIES, AtomRecord, table_row
from pidkit.records.schema import restored
from pidkit.results import UnitResult, text_table
from pidkit.types import FloatArray
from pidkit.units import check_unit

ATOM_RECORDS_FORMAT = "pidkit atom records 3"
"""The first entry of a file of atom records."""

BEFORE_DECODERS = "pidkit atom records 2"
"""A format that is still read: its records were made by codes and have no entry for decoders. Others are refused."""

NOT_PRINTED = (" null", " low", " high")
"""Ends of the columns of `table` that the printed table leaves out, for its width."""


@dataclass(frozen=True)
class AtomRecords(UnitResult):
    """All that an `AtomProbe` has recorded; immutable, and free of torch.

    Attributes
    ----------
    records : tuple of AtomRecord
        In the order in which they were measured.
    entropy_y : float
        H(Y) of the sample labels, in `unit`.
    n_samples : int
        Samples measured.
    phases : tuple of (float, float, str)
        Start, stop and name of the phases of training up to the last record, where they were known.
    provenance : dict
        Settings, a fingerprint of the sample and of the teachers, and versions.
    unit : str
        "bits" or "nats", of all information in the records.

    Examples
    --------
    >>> rows = [
    ...     AtomRecord(e, "teacher", "conv", "conv", 0.1 * e, 1 - 0.1 * e, 0, 0, 1, 0.1 * e, 1, 0, 9, 9, 0.01)
    ...     for e in (0, 5)
    ... ]
    >>> records = AtomRecords(tuple(rows), entropy_y=1.0, n_samples=100, phases=(), provenance={})
    >>> records.curve("redundancy")
    (array([0., 5.]), array([0. , 0.5]))
    """

    _information = ("records", "entropy_y")

    records: tuple[AtomRecord, ...]
    entropy_y: float
    n_samples: int
    phases: tuple[tuple[float, float, str], ...]
    provenance: Mapping[str, Any]
    unit: str = "bits"

    def __post_init__(self) -> None:
        """Check the unit."""
        check_unit(self.unit)

    @property
    def pairs(self) -> tuple[tuple[str, str, str], ...]:
        """The pairs, each as (teacher, layer of the teacher, layer of the student), in order of appearance."""
        return tuple(dict.fromkeys(record.key[1:] for record in self.records))

    @property
    def epochs(self) -> tuple[float, ...]:
        """The epochs, in increasing order."""
        return tuple(sorted({record.epoch for record in self.records}))

    def select(
        self,
        *,
        epoch: float | None = None,
        teacher: str | None = None,
        teacher_layer: str | None = None,
        student_layer: str | None = None,
    ) -> AtomRecords:
        """Return the records that have all the properties named, perhaps none."""
        epoch = None if epoch is None else real_number("epoch", epoch)
        criteria = (epoch, teacher, teacher_layer, student_layer)
        matching = (r for r in self.records if all(a is None or a == b for a, b in zip(criteria, r.key, strict=True)))
        return replace(self, records=tuple(matching))

    def curve(self, quantity: str) -> tuple[FloatArray, FloatArray]:
        """Return the epochs and the values of one quantity of the only pair, in order of epochs.

        Raises
        ------
        InputError
            If the quantity is unknown, or there is not exactly one pair: `select` one.
        """
        one_of("quantity", quantity, QUANTITIES)
        if len(self.pairs) != 1:
            there = "; ".join(" ".join(pair) for pair in self.pairs) or "none"
            raise InputError(f"records must be of one pair of layers, there are: {there}; select(teacher=, ...) one")
        ordered = sorted(self.records, key=lambda record: record.epoch)
        values = [getattr(record, quantity) for record in ordered]
        return np.array([r.epoch for r in ordered], dtype=np.float64), np.array(values, dtype=np.float64)

    def extended(self, records: Iterable[AtomRecord]) -> AtomRecords:
        """Return the records with more of them, whose information is in `unit`.

        Raises
        ------
        InputError
            If a pair was recorded at that epoch already.
        """
        known = {record.key for record in self.records}
        added = items_of("records", records)
        for record in added:
            if record.key in known:
                epoch, *pair = record.key
                raise InputError(f"records hold {' '.join(pair)} at epoch {epoch:g} already; an epoch is recorded once")
            known.add(record.key)
        return replace(self, records=(*self.records, *added))

    def with_phases(self, phases: Iterable[tuple[float, float, str]]) -> AtomRecords:
        """Return the same records with the phases of training, each (start, stop, name)."""
        spans = items_of("phases", phases)
        return replace(self, phases=tuple((float(start), float(stop), str(name)) for start, stop, name in spans))

    def table(self) -> list[dict[str, float | str]]:
        """Return one flat row a record: epoch, pair, recipe, atoms, information, nulls or intervals, the assumption."""
        return [table_row(record) for record in self.records]

    def to_dict(self) -> dict[str, Any]:
        """Return the format and every field as plain numbers, strings, lists and dictionaries, ready for JSON."""
        return {"format": ATOM_RECORDS_FORMAT, **super().to_dict()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a .json file, whole or not at all.

        Raises
        ------
        InputError
            If `path` does not end in .json, or its folder does not exist.
        """
        content = self.to_dict()
        header = {"format": content.pop("format"), "digest": digest_of(content)}
        write_atomic(_json(path), json.dumps({**header, **content}, indent=1, allow_nan=False))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AtomRecords:
        """Load records from the .json file that `save` wrote; needs no torch.

        Raises
        ------
        InputError
            If the file is missing, damaged, changed since it was written, or holds something else.
        """
        file = _json(path)
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"path must name a file that save wrote: {error}") from error
        label = content.get("format") if isinstance(content, dict) else None
        if label not in (ATOM_RECORDS_FORMAT, BEFORE_DECODERS):
            raise InputError(f"path must name a {ATOM_RECORDS_FORMAT!r} file, but {file} says {label!r}")
        del content["format"]
        if content.pop("digest", None) != digest_of(content):
            raise InputError(damaged(file, "its digest is that of other content"))
        try:
            return restored(cls, content, since={AtomRecord: ("decoded",)} if label == BEFORE_DECODERS else {})
        except InputError as error:
            raise InputError(damaged(file, str(error))) from error

    def _rows(self) -> list[dict[str, str]]:
        """Return the cells of the printed table: those of `table`, but for the nulls and the intervals."""
        return [{key: _cell(x) for key, x in row.items() if not key.endswith(NOT_PRINTED)} for row in self.table()]

    def _caption(self) -> str:
        """Return how much there is, and H(Y)."""
        h_y = f"H(Y) = {self.entropy_y:.4f} {self.unit}"
        return f"AtomRecords: {len(self.records)} records, n = {self.n_samples}, {h_y}"

    def __repr__(self) -> str:
        """Show a table, one line a record, and what the numbers are worth."""
        said = dict.fromkeys(text for record in self.records for text in record.warnings)
        return "\n".join([self._caption(), *text_table(self._rows()), *said])


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if float(value).is_integer():
        return f"{value:g}"
    return f"{value:.0e}" if abs(value) < 5e-5 else f"{value:.4f}"


def _json(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it names a .json file, else raise InputError."""
    file = Path(path)
    if file.suffix.lower() != ".json":
        raise InputError(f"path must end in .json, not {file.name!r}")
    return file
