"""A table as tidy rows, one a pair and atom, and as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidkit.arrays import write_atomic
from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.table.records import PairResult

if TYPE_CHECKING:
    import pandas

FORMATS = (".csv", ".json", ".parquet")
"""The endings of the files that a table is written to."""


def rows_of_result(result: PairResult) -> Iterable[dict[str, Any]]:
    """Return a row for each atom of one pair: the atom, its errors and what to believe of it.

    What a result does not have is None. An atom that was not computed has `computed` False and the value NaN.
    """
    coded = isinstance(result, CodedPID)
    informations = result.pid if isinstance(result, CodedPID) else result
    for atom in ATOMS:
        value = float(getattr(result, atom))
        computed = not math.isnan(value)
        low, high = (None, None) if isinstance(result, CodedPID) else result.interval[atom]
        bracket = (None, None) if isinstance(result, CodedPID) else result.bracket.get(atom, (None, None))
        null = None if result.null is None else result.null.get(atom)
        resampled = None if result.bootstrap is None else result.bootstrap.get(atom)
        yield {
            "atom": atom,
            "value": value,
            "computed": computed,
            "low": low,
            "high": high,
            "standard_error": None if isinstance(result, CodedPID) else result.standard_error[atom],
            "p_value": None if isinstance(result, CodedPID) else result.p_value[atom],
            "above_chance": None if isinstance(result, CodedPID) or not computed else result.is_above_chance(atom),
            "limited_by": "" if isinstance(result, CodedPID) else " and ".join(result.limits(atom)),
            "held_out": None if isinstance(result, CodedPID) else result.held_out[atom],
            "at_limit": None if isinstance(result, CodedPID) else result.at_limit[atom],
            "bracket_low": bracket[0],
            "bracket_high": bracket[1],
            "plug_in": value if isinstance(result, CodedPID) else result.plug_in[atom],
            "null_mean": None if null is None else null.mean,
            "null_std": None if null is None else null.std,
            "bootstrap_std": None if resampled is None else resampled.std,
            "mi_1": informations.mi_1,
            "mi_2": informations.mi_2,
            "mi_joint": informations.mi_joint,
            "entropy_y": result.entropy_y,
            "n_samples": result.n_samples,
            "unit": result.unit,
            "decoder": None if coded else result.provenance["decoder"],
        }


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """Return rows as a frame of pandas.

    Raises
    ------
    InputError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise InputError("to_frame needs pandas: pip install pandas; or take rows(), which needs nothing") from error
    return pandas.DataFrame(list(rows))


def check_table_name(path: str | os.PathLike[str]) -> Path:
    """Return the path if its ending is one of FORMATS, else raise InputError."""
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise InputError(f"path must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, not {file.name!r}")
    return file


def write_rows(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> None:
    """Write rows as .csv or .parquet, or a whole document as .json, atomically.

    In CSV, NaN and None are empty cells, and numbers come back the same.

    Raises
    ------
    InputError
        For another ending, or where pandas or pyarrow is missing for Parquet.
    """
    file = check_table_name(path)
    if file.suffix.lower() == ".json":
        write_atomic(file, json.dumps(document, indent=1, allow_nan=False) + "\n")
    elif file.suffix.lower() == ".csv":
        write_atomic(file, csv_text(rows))
    else:
        buffer = io.BytesIO()
        try:
            frame_of(rows).to_parquet(buffer, index=False)
        except ImportError as error:
            raise InputError(f"path {file.name} needs pyarrow: pip install pyarrow; or write .csv") from error
        write_atomic(file, buffer.getvalue())


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV, with a heading.

    Examples
    --------
    >>> csv_text([{"atom": "synergy", "value": float("nan"), "computed": False}])
    'atom,value,computed\\nsynergy,,False\\n'
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: None if value is None or value != value else value for name, value in row.items()})
    return out.getvalue()
