"""How readings of layers and results of pairs lie in the store: JSON in which every number comes back, and arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pidkit.pid.result import PIDResult, SolverReport
from pidkit.representations.coded_layer import CodedLayer
from pidkit.representations.coded_result import CodedPID
from pidkit.representations.decoders import DecodedLayer
from pidkit.representations.finite_samples import Spread
from pidkit.representations.layer_reading import LayerReading
from pidkit.representations.posterior_codes import RowCodes
from pidkit.representations.reading import LayerCodes
from pidkit.representations.result import DecoderReport, RepresentationPID
from pidkit.representations.row_scores import RowScores
from pidkit.representations.table.store import Entry
from pidkit.types import IntArray

CLASSES: dict[str, type] = {
    one.__name__: one for one in (RepresentationPID, CodedPID, PIDResult, SolverReport, DecoderReport, Spread)
}
"""The dataclasses that a record may hold."""

PairResult = RepresentationPID | CodedPID
"""What a pair of layers gives."""


def to_record(value: Any) -> Any:
    """Return a value as JSON holds it: dataclasses and tuples are marked, and private fields left out.

    Seconds are not kept, since the same call would never write the same file: they come back as NaN.

    Examples
    --------
    >>> from_record(to_record({"interval": (0.1, float("inf")), "null": None}))
    {'interval': (0.1, inf), 'null': None}
    """
    if isinstance(value, tuple):
        return {"tuple": [to_record(part) for part in value]}
    if isinstance(value, Mapping):
        return {"mapping": {name: to_record(part) for name, part in value.items()}}
    if isinstance(value, list):
        return [to_record(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in dataclasses.fields(value) if not one.name.startswith("_")]
        kept = {name: np.nan if name == "seconds" else to_record(getattr(value, name)) for name in names}
        return {"class": type(value).__name__, "fields": kept}
    return value.item() if isinstance(value, np.generic) else value


def from_record(record: Any, **private: Any) -> Any:
    """Return what `to_record` was given; `private` are the private fields of the outermost dataclass."""
    if isinstance(record, list):
        return [from_record(part) for part in record]
    if not isinstance(record, dict):
        return record
    if "tuple" in record:
        return tuple(from_record(part) for part in record["tuple"])
    if "mapping" in record:
        return {name: from_record(part) for name, part in record["mapping"].items()}
    fields = {name: from_record(part) for name, part in record["fields"].items()}
    return CLASSES[record["class"]](**fields, **private)


def entry_of_reading(reading: LayerReading) -> Entry:
    """Return a decoded layer as an entry."""
    half = reading.codes.half
    assert half is not None  # the learning curve is always read
    arrays = {
        "posteriors": reading.whole.posteriors,
        "half_posteriors": reading.half.posteriors,
        **dict(zip(("codes", "centroids"), reading.codes.whole, strict=True)),
        **dict(zip(("half_codes", "half_centroids"), half, strict=True)),
    }
    record = {
        "reports": [to_record(one.report) for one in (reading.whole, reading.half)],
        "warnings": [list(one.warnings) for one in (reading.whole, reading.half)],
        "constant": reading.whole.constant,
        "layer_is_constant": reading.layer_is_constant,
    }
    return Entry(record, arrays)


def reading_of_entry(entry: Entry) -> LayerReading:
    """Return the decoded layer of an entry."""
    record, arrays = entry.record, entry.arrays

    def decoded(number: int, posteriors: str) -> DecodedLayer:
        report, warnings = from_record(record["reports"][number]), tuple(record["warnings"][number])
        return DecodedLayer(arrays[posteriors], report, warnings, record["constant"])

    codes = LayerCodes(
        RowCodes(arrays["codes"], arrays["centroids"]), RowCodes(arrays["half_codes"], arrays["half_centroids"])
    )
    return LayerReading(decoded(0, "posteriors"), decoded(1, "half_posteriors"), codes, record["layer_is_constant"])


def entry_of_codes(layer: CodedLayer) -> Entry:
    """Return a coded layer as an entry."""
    record = {"n_codes": layer.n_codes, "quantiser": to_record(layer.quantiser), "constant": layer.constant}
    return Entry(record, {"codes": layer.codes})


def codes_of_entry(entry: Entry) -> CodedLayer:
    """Return the coded layer of an entry."""
    record = entry.record
    return CodedLayer(entry.arrays["codes"], record["n_codes"], from_record(record["quantiser"]), record["constant"])


def entry_of_result(result: PairResult, warnings: tuple[str, ...]) -> Entry:
    """Return the result of a pair as an entry; `warnings` are those that it issued."""
    record = {"result": to_record(result), "issued": list(warnings)}
    if isinstance(result, CodedPID):
        return Entry(record, {})
    scores = result._row_scores
    return Entry({**record, "union_error": scores.union_error}, {"row_scores": scores.scores})


def result_of_entry(entry: Entry, y: IntArray, folds: IntArray | None, groups: IntArray | None) -> PairResult:
    """Return the result of a pair; the labels, the folds and the groups are those of all pairs of the table."""
    if folds is None:
        coded: PairResult = from_record(entry.record["result"])
        return coded
    scores = RowScores(entry.arrays["row_scores"], entry.record["union_error"], y, folds, groups)
    decoded: PairResult = from_record(entry.record["result"], _row_scores=scores)
    return decoded
