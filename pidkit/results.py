"""What every result promises: `to` converts all of it, `to_dict` is ready for JSON, and a notebook shows a table.

A result is a frozen dataclass. It derives from `UnitResult` if it holds information, and names in `_information` the
fields that do: numbers, arrays, mappings and tuples of these, other results, and parts (`UnitPart`), which have no unit
of their own. Every other field stays as it is, whatever the unit: counts, seconds, masses, and log potentials, which
are natural logarithms of probabilities and no information.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from pidkit.units import check_unit, convert

Row = Mapping[str, str]
"""One row of a table: cells by the heading of their column."""

MOST_ROWS = 50
"""Rows that a notebook shows of a table; the last row then says how many more there are."""


class Result:
    """The part of the promise that needs no unit: `to_dict`, and a table for notebooks."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain numbers, strings, lists and dictionaries, ready for JSON.

        Arrays become nested lists. JSON has no NaN and no infinity: either is written as None. What is neither a
        number, a string nor a collection, such as a parameter of a quantiser, is written as its repr.
        """
        return {name: plain(getattr(self, name)) for name in _public_fields(self)}

    def _rows(self) -> Sequence[Row]:
        """Return the rows of the table: by default one for each field that is a single number or string."""
        shown = {name: getattr(self, name) for name in _public_fields(self) if name != "unit"}
        return [{"": name, "value": cell(x)} for name, x in shown.items() if isinstance(x, (str, int, float))]

    def _caption(self) -> str:
        """Return the line above the table."""
        return type(self).__name__

    def _repr_html_(self) -> str:
        """Show the result as a table in a notebook."""
        return html_table(self._rows(), caption=self._caption())


class _HoldsInformation:
    """What results and their parts share: the names of the fields that hold information, and their conversion."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _information: ClassVar[tuple[str, ...]] = ()

    def _converted_fields(self, *, old: str, new: str) -> dict[str, Any]:
        """Return the fields that another unit changes, in that unit."""
        return {name: in_unit(getattr(self, name), old=old, new=new) for name in self._information}


class UnitPart(_HoldsInformation):
    """A dataclass that holds information in the unit of the result that it belongs to."""

    def in_unit(self, *, old: str, new: str) -> Self:
        """Return the same part, its information converted from unit `old` to unit `new`."""
        return replace(self, **self._converted_fields(old=old, new=new))


class UnitResult(_HoldsInformation, Result):
    """A result that holds information, in `unit`."""

    unit: str

    def to(self, unit: str) -> Self:
        """Return the same result in another unit, "bits" or "nats": all the information in it is converted.

        Raises
        ------
        InputError
            If `unit` is neither.

        Examples
        --------
        >>> from pidkit import bivariate_pid, gate
        >>> result = bivariate_pid(gate("XOR").joint).to("nats")
        >>> round(result.synergy, 6), result.report.unit
        (0.693147, 'nats')
        """
        unit = check_unit(unit)
        if unit == self.unit:
            return self
        return replace(self, **self._converted_fields(old=self.unit, new=unit), unit=unit)

    def _caption(self) -> str:
        """Return the line above the table."""
        return f"{type(self).__name__} ({self.unit})"


def in_unit(value: Any, *, old: str, new: str) -> Any:
    """Convert information from unit `old` to unit `new`, wherever it is; None, for what is not known, stays None.

    Parameters
    ----------
    value : float, ndarray, Tensor, UnitResult, UnitPart, None, or a mapping, tuple or list of these
        All numbers in it are information; a `UnitResult` knows its own unit, and `old` does not matter to it.
    old, new : str
        "bits" or "nats".

    Examples
    --------
    >>> in_unit({"mi_1": 1.0, "mi_2": None}, old="bits", new="nats")
    {'mi_1': 0.6931471805599453, 'mi_2': None}
    """
    if value is None:
        return None
    if isinstance(value, UnitResult):
        return value.to(new)
    if isinstance(value, UnitPart):
        return value.in_unit(old=old, new=new)
    if isinstance(value, Mapping):
        return {name: in_unit(part, old=old, new=new) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(in_unit(part, old=old, new=new) for part in value)
    return convert(value, old=old, new=new)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, as `Result.to_dict` describes.

    Examples
    --------
    >>> plain({"atoms": (np.float64(0.5), np.array([1.0, np.nan])), "gap": float("inf")})
    {'atoms': [0.5, [1.0, None]], 'gap': None}
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        if not (finite := np.isfinite(value)).all():
            value = value.astype(object)
            value[~finite] = None
        return value.tolist()
    if hasattr(value, "tolist"):  # scalars of numpy, tensors of torch wherever they are, and other arrays
        return plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _public_fields(value)}
    return repr(value)


def _public_fields(value: Any) -> list[str]:
    """Return the names of the fields that are not private."""
    return [one.name for one in fields(value) if not one.name.startswith("_")]


def cell(value: float | str) -> str:
    """Return a number as tables show it: six decimals, or two digits where those would hide it.

    Examples
    --------
    >>> [cell(value) for value in ("AND", 3, 0.3112781, -1e-12, 0.0)]
    ['AND', '3', '0.311278', '-1.0e-12', '0.000000']
    """
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1e}" if 0.0 < abs(value) < 5e-7 else f"{value:z.6f}"


def summary_rows(columns: Mapping[str, Any]) -> list[Row]:
    """Return one row for each array of numbers: its mean, its smallest and its largest value.

    Examples
    --------
    >>> summary_rows({"synergy": np.array([0.0, 1.0])})
    [{'': 'synergy', 'mean': '0.500000', 'smallest': '0.000000', 'largest': '1.000000'}]
    """
    rows: list[Row] = []
    for name, column in columns.items():
        values = np.asarray(column.tolist(), dtype=np.float64)
        shown = {"mean": values.mean(), "smallest": values.min(), "largest": values.max()} if values.size else {}
        rows.append({"": name, **{of: cell(float(value)) for of, value in shown.items()}})
    return rows


def text_table(rows: Iterable[Row]) -> list[str]:
    """Return a table as lines of text, the headings first, columns aligned to the right; no line without rows.

    Examples
    --------
    >>> text_table([{"": "redundancy", "bits": "0.3113"}, {"": "synergy", "bits": "0.5000", "null": "0.0100"}])
    ['              bits    null', 'redundancy  0.3113        ', '   synergy  0.5000  0.0100']
    """
    rows = list(rows)
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in rows)) for name in _headings(rows)}
    lines = [{name: name for name in widths}, *rows] if rows else []
    return ["  ".join(f"{line.get(name, ''):>{width}}" for name, width in widths.items()) for line in lines]


def html_table(rows: Iterable[Row], *, caption: str) -> str:
    """Return a table as HTML without script or style; everything in it is escaped.

    Examples
    --------
    >>> html_table([{"": "synergy", "bits": "0.5"}], caption="PID")
    '<table><caption>PID</caption><thead><tr><th></th><th>bits</th></tr></thead><tbody><tr><td>synergy</td><td>0.5</td></tr></tbody></table>'
    """
    rows = list(rows)
    names = _headings(rows)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    cells = ("".join(f"<td>{html.escape(row.get(name, ''))}</td>" for name in names) for row in rows[:MOST_ROWS])
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    if len(rows) > MOST_ROWS:
        body += f'<tr><td colspan="{len(names)}">and {len(rows) - MOST_ROWS} more rows</td></tr>'
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _headings(rows: Sequence[Row]) -> list[str]:
    """Return the headings of all rows, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))
