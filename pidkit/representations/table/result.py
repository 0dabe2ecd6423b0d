"""What `pid_table` returns: a result for every pair, their differences, and all of it as tidy rows."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.paired import PairedDifferences
from pidkit.representations.result import RepresentationPID
from pidkit.representations.table.records import PairResult
from pidkit.representations.table.sources import Place
from pidkit.representations.table.tidy import frame_of, rows_of_result, write_rows
from pidkit.results import UnitPart, UnitResult, text_table

if TYPE_CHECKING:
    import pandas

SHOWN = 20
"""Pairs that the printed table shows."""


@dataclass(frozen=True)
class TablePair(UnitPart):
    """One pair of a table: the names of its layers, its values of the indices, and its result."""

    _information = ("result",)

    x1: str
    x2: str
    place: Place
    result: PairResult


@dataclass(frozen=True)
class TableDifference(UnitPart):
    """Two pairs of a table compared row by row: the atoms at the value `of` of an index less those at `less`.

    `place` holds the values of the other indices.
    """

    _information = ("result",)

    x1: str
    x2: str
    place: Place
    of: Any
    less: Any
    result: PairedDifferences


@dataclass(frozen=True)
class PIDTable(UnitResult):
    """The decompositions of many pairs of layers. All information is in `unit`.

    Attributes
    ----------
    pairs : tuple of TablePair
        Each with `x1`, `x2`, `place` and the `result` of `representation_pid` or, with a quantiser, `coded_pid`.
    index : tuple of str
        What the values in every `place` are, such as ("epoch",).
    compared : str or None
        The index whose values are compared in `differences`.
    differences : tuple of TableDifference
        The paired differences of all values of `compared`, the later less the earlier in the order of the layers.
    unit : str
    provenance : dict
    """

    _information = ("pairs", "differences")

    pairs: tuple[TablePair, ...]
    index: tuple[str, ...]
    compared: str | None
    differences: tuple[TableDifference, ...]
    unit: str
    provenance: Mapping[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader has to know before using the numbers, once for every sentence, with the number of pairs."""
        counts: dict[str, int] = {}
        for pair in self.pairs:
            for text in pair.result.warnings:
                counts[text] = counts.get(text, 0) + 1
        return tuple(f"{text} ({n} of {len(self.pairs)} pairs)" for text, n in counts.items())

    def select(self, *, x1: str | None = None, x2: str | None = None, **index: Any) -> PIDTable:
        """Return the pairs of one layer, or of one value of an index, such as epoch=10.

        The differences between values of an index go where one of these is selected.

        Raises
        ------
        InputError
            If there is no such index, or no such pair.
        """
        for name in index:
            if name not in self.index:
                raise InputError(f"{name} is no index of the table, which has {list(self.index)}")

        def kept(one: TablePair) -> bool:
            values = dict(zip(self.index, one.place, strict=False))
            named = x1 in (None, one.x1) and x2 in (None, one.x2)
            return named and all(values.get(name) == value for name, value in index.items())

        pairs = tuple(one for one in self.pairs if kept(one))
        if not pairs:
            wanted = {name: value for name, value in {"x1": x1, "x2": x2, **index}.items() if value is not None}
            raise InputError(f"{', '.join(wanted)}: the table has no pair with {wanted}")
        names = {(one.x1, one.x2) for one in pairs}
        others = [name for name in self.index if name != self.compared]
        differences = tuple(
            one
            for one in self.differences
            if self.compared not in index
            and (one.x1, one.x2) in names
            and all(dict(zip(others, one.place, strict=True))[of] == value for of, value in index.items())
        )
        return PIDTable(pairs, self.index, self.compared, differences, self.unit, self.provenance)

    def result(self, x1: str, x2: str, **index: Any) -> PairResult:
        """Return the result of the one pair that has these names and values.

        Raises
        ------
        InputError
            If there is none, or more than one.
        """
        found = self.select(x1=x1, x2=x2, **index).pairs
        if len(found) > 1:
            raise InputError(
                f"x1={x1!r} and x2={x2!r} name {len(found)} pairs; give the values of {', '.join(self.index)}, too"
            )
        return found[0].result

    def rows(self) -> list[dict[str, Any]]:
        """Return the tidy table, one row a pair and atom, as dictionaries.

        An atom that was not computed has `computed` False and the value NaN; None stands for what the kind of result
        does not have.
        """
        return [
            {"x1": one.x1, "x2": one.x2, **self._place(one.place), **row}
            for one in self.pairs
            for row in rows_of_result(one.result)
        ]

    def difference_rows(self) -> list[dict[str, Any]]:
        """Return the differences, one row a comparison and atom, as dictionaries."""
        others = [name for name in self.index if name != self.compared]
        return [
            {
                "x1": one.x1,
                "x2": one.x2,
                **dict(zip(others, one.place, strict=True)),
                "compared": self.compared,
                "of": one.of,
                "less": one.less,
                "atom": atom,
                "difference": one.result.difference[atom],
                **dict(zip(("low", "high"), one.result.interval[atom], strict=True)),
                "standard_error": one.result.standard_error[atom],
                "p_value": one.result.p_value[atom],
                "n_samples": one.result.n_samples,
                "unit": one.result.unit,
            }
            for one in self.differences
            for atom in ATOMS
        ]

    def to_frame(self) -> pandas.DataFrame:
        """Return the tidy table as a frame of pandas, which has to be installed.

        Raises
        ------
        InputError
            If it is not.
        """
        return frame_of(self.rows())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the tidy table to a .csv or .parquet file, or everything, each result included, to .json, atomically.

        Parquet needs pandas and pyarrow.

        Raises
        ------
        InputError
            For another ending, or where a package is missing.
        """
        write_rows(path, self.rows(), self.to_dict())

    def map_of_layers(self) -> tuple[list[list[PairResult]], list[str], list[str]]:
        """Return the results as a map, x1 layers down and x2 layers across, and the names of both.

        Raises
        ------
        InputError
            If the pairs make no full map, because several places are left: `select` one of them.
        """
        names_1, names_2 = (list(dict.fromkeys(getattr(one, side) for one in self.pairs)) for side in ("x1", "x2"))
        cells = {(one.x1, one.x2): one.result for one in self.pairs}
        if len(cells) < len(self.pairs):
            raise InputError(
                f"the table has several values of {', '.join(self.index)}: a map shows one; take .select("
                f"{', '.join(f'{name}=...' for name in self.index)}) first"
            )
        if len(cells) < len(names_1) * len(names_2):
            raise InputError("the table has no full map: some pairs of layers are missing; select layers first")
        return [[cells[one, other] for other in names_2] for one in names_1], names_1, names_2

    def _place(self, place: Sequence[Any]) -> dict[str, Any]:
        """Return the values of the indices by name, None where the pair has none."""
        return dict(zip(self.index, place or (None,) * len(self.index), strict=True))

    def _rows(self) -> list[dict[str, str]]:
        """Return a row for each pair; an atom that is not told from zero stands in brackets."""
        return [
            {
                "x1": one.x1,
                "x2": one.x2,
                **{name: str(value) for name, value in self._place(one.place).items()},
                **{atom: _shown(one.result, atom) for atom in ATOMS},
            }
            for one in self.pairs
        ]

    def __repr__(self) -> str:
        """Show the first pairs, and what stands in brackets."""
        lines = [f"PIDTable of {len(self.pairs)} pairs, in {self.unit}"]
        lines += ["  " + line.rstrip() for line in text_table(self._rows()[:SHOWN])]
        if len(self.pairs) > SHOWN:
            lines.append(f"  and {len(self.pairs) - SHOWN} more pairs")
        results = [one.result for one in self.pairs]
        if any(isinstance(one, RepresentationPID) for one in results):
            lines.append("  (in brackets: not told from zero)")
        if any(math.isnan(one.synergy) for one in results):
            lines.append("  The synergy was not computed: pass synergy=True, which decodes both layers of every pair.")
        return "\n".join([*lines, *(f"  warning {text}" for text in self.warnings)])


def _shown(result: PairResult, atom: str) -> str:
    """Return an atom as the printed table shows it."""
    value = float(getattr(result, atom))
    if math.isnan(value):
        return "-"
    if isinstance(result, CodedPID) or result.is_above_chance(atom):
        return f"{value:z.3f}"
    return f"({value:z.3f})"
