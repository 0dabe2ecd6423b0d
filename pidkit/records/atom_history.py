"""`AtomRecords`: the atoms of pairs of layers over the epochs of a distillation, in memory and on disk.

They are defined here and not in `distill`, so that records are read and drawn without torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pidkit.arrays import write_atomic
from pidkit.errors import InputError
from pidkit.records.atom_record import QUANTITIES, AtomRecord, record_from, table_row

ATOM_RECORDS_FORMAT = "pidkit atom records 1"
"""The first entry of a file of atom records; other formats and versions are refused."""


@dataclass(frozen=True)
class AtomRecords:
    """All that an `AtomProbe` has recorded; immutable, and free of torch.

    Attributes
    ----------
    records : tuple of AtomRecord
        In the order in which they were measured.
    entropy_y : float
        H(Y) of the sample labels, in bits.
    n_samples : int
        Samples measured.
    phases : tuple of (float, float, str)
        Start, stop and name of the phases of training up to the last record, where they were known.
    provenance : dict
        Settings, a fingerprint of the sample and of the teachers, and versions.

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

    records: tuple[AtomRecord, ...]
    entropy_y: float
    n_samples: int
    phases: tuple[tuple[float, float, str], ...]
    provenance: Mapping[str, Any]

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
        criteria = (epoch, teacher, teacher_layer, student_layer)
        matching = (r for r in self.records if all(a is None or a == b for a, b in zip(criteria, r.key, strict=True)))
        return replace(self, records=tuple(matching))

    def curve(self, quantity: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the epochs and the values of one quantity of the only pair, in order of epochs.

        Raises
        ------
        InputError
            If the quantity is unknown, or there is not exactly one pair: `select` one.
        """
        if quantity not in QUANTITIES:
            raise InputError(f"quantity must be one of {', '.join(QUANTITIES)}; not {quantity!r}")
        if len(self.pairs) != 1:
            there = "; ".join(" ".join(pair) for pair in self.pairs) or "none"
            raise InputError(f"records must be of one pair of layers, there are: {there}; select(teacher=, ...) one")
        ordered = sorted(self.records, key=lambda record: record.epoch)
        values = [getattr(record, quantity) for record in ordered]
        return np.array([r.epoch for r in ordered], dtype=np.float64), np.array(values, dtype=np.float64)

    def extended(self, records: Iterable[AtomRecord]) -> AtomRecords:
        """Return the records with more of them.

        Raises
        ------
        InputError
            If a pair was recorded at that epoch already.
        """
        known = {record.key for record in self.records}
        added = tuple(records)
        for record in added:
            if record.key in known:
                epoch, *pair = record.key
                raise InputError(f"records hold {' '.join(pair)} at epoch {epoch:g} already; an epoch is recorded once")
            known.add(record.key)
        return replace(self, records=(*self.records, *added))

    def with_phases(self, phases: Iterable[tuple[float, float, str]]) -> AtomRecords:
        """Return the same records with the phases of training, each (start, stop, name)."""
        return replace(self, phases=tuple((float(start), float(stop), str(name)) for start, stop, name in phases))

    def table(self) -> list[dict[str, float | str]]:
        """Return one flat row a record: epoch, pair, atoms, information, null means, and the assumption's numbers."""
        return [table_row(record) for record in self.records]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dictionaries, ready for JSON."""
        return {"format": ATOM_RECORDS_FORMAT, "unit": "bits", **asdict(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a .json file, whole or not at all.

        Raises
        ------
        InputError
            If `path` does not end in .json, or its folder does not exist.
        """
        write_atomic(_json(path), json.dumps(self.to_dict(), indent=1))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AtomRecords:
        """Load records from the .json file that `save` wrote; needs no torch.

        Raises
        ------
        InputError
            If the file is missing, damaged, or holds something else.
        """
        file = _json(path)
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"path must name a file that save wrote: {error}") from error
        label = content.get("format") if isinstance(content, dict) else None
        if label != ATOM_RECORDS_FORMAT:
            raise InputError(f"path must name a {ATOM_RECORDS_FORMAT!r} file, but {file} says {label!r}")
        try:
            records = tuple(record_from(row) for row in content["records"])
            phases = tuple((float(start), float(stop), str(name)) for start, stop, name in content["phases"])
            return cls(records, float(content["entropy_y"]), int(content["n_samples"]), phases, content["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"path {file} is damaged: {error!r}; restore it, or begin anew") from error

    def __repr__(self) -> str:
        """Show a table, one line a record, and what the numbers are worth."""
        title = f"AtomRecords: {len(self.records)} records, n = {self.n_samples}, H(Y) = {self.entropy_y:.4f} bits"
        rows = [{key: _cell(value) for key, value in row.items() if "null" not in key} for row in self.table()]
        if not rows:
            return title
        columns = list(dict.fromkeys(key for row in rows for key in row))
        widths = {key: max(len(key), *(len(row.get(key, "")) for row in rows)) for key in columns}
        lines = ["  ".join(f"{row.get(key, ''):>{width}}" for key, width in widths.items()) for row in rows]
        said = dict.fromkeys(text for record in self.records for text in record.warnings)
        return "\n".join([title, "  ".join(f"{k:>{w}}" for k, w in widths.items()), *lines, *said])


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
