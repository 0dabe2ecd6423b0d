"""One law for every class of results: all of it changes unit, its dictionary is JSON, and a notebook shows a table."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import math
import pkgutil
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit import InputError
from pidkit.results import MOST_ROWS, Result, UnitPart, UnitResult, html_table, text_table
from tests.every_result import MAKERS, history, made

TORCH = importlib.util.find_spec("torch") is not None
OF_TORCH = ("pidkit.nn", "pidkit.plane", "pidkit.distill", "pidkit.mi.neural")

UNITLESS: dict[str, set[str]] = {
    "SolverReport": {"marginal_residual", "seconds"},
    "PIDResult": {"report.marginal_residual", "report.seconds"},
    "BROJASolution": {"lam", "mu", "weights", "report.marginal_residual", "report.seconds"},
    "BROJABatch": {"lam", "mu", "weights", "marginal_residual", "seconds"},
    "PIDBatch": {f"solutions.{name}" for name in ("lam", "mu", "weights", "marginal_residual", "seconds")},
    "IntersectionReport": {"seconds", "residual"},  # a total variation
    "IntersectionResult": {"common", "channels", "report.seconds", "report.residual"},
    "IntersectionResult relaxed": {"common", "channels", "report.seconds"},
    "Comparison": {"results.report.marginal_residual", "results.report.seconds"},
    "MIEstimate": {"seconds", "p_value", *(f"diagnostics.{x}" for x in ("*_share*", "canon*", "inverse_dof"))},
    "BinnedEstimate": set(),
    "CodedPID": {"pid.report.marginal_residual", "pid.report.seconds", "provenance.*"},
    "RepresentationPID": {
        *("p_value.*", "report.marginal_residual", "report.seconds"),
        *("decoders.*.accuracy", "decoders.*.learning_exponent"),
    },
    "PairedDifferences": {"p_value.*"},
    "LayerPosteriors": {"posteriors", "centroids", "report.accuracy", "report.learning_exponent"},
    "PIDTable": {
        *("pairs.result.p_value.*", "pairs.result.decoders.*.accuracy", "differences.result.p_value.*"),
        *("pairs.result.report.marginal_residual", "pairs.result.report.seconds"),
        "pairs.result.decoders.*.learning_exponent",
    },
    "PIDEstimate": {"p_value.*", "report.marginal_residual", "report.seconds"},
    "PlaneTrajectory": {"points.step", "provenance.*"},
    "AtomRecords": {
        "records.epoch",
        "records.assumption.teacher_std",
        "records.assumption.sigma",
        *("records.decoded.p_value.*", "records.decoded.decoders.*.accuracy"),
        "records.decoded.decoders.*.learning_exponent",
        *("phases", "provenance.*"),
    },
    "SoftPID": set(),
    "Evaluation": {"accuracy", "metrics.*"},
}
"""The numbers of each class that no unit changes: masses, log potentials, times, shares, sizes of features. All other
floating numbers of a result are information."""

NO_RESULTS: dict[str, str] = {
    **dict.fromkeys(("KSG", "Gao", "Ross", "PlugIn", "GaussianMI", "GaussianCopulaMI", "Calibrated"), "settings"),
    **dict.fromkeys(("LabelDecoder", "ReconstructionDecoder", "NeuralMI", "TrainingBudget"), "an estimator: settings"),
    **{f"Conditional{x}": "settings" for x in ["Calibrated", "KSG", "Mixed", "PlugIn", "Gaussian", "LabelDecoder"]},
    **dict.fromkeys(("FittedLabelDecoder", "FittedCritic"), "a fitted estimator"),
    **dict.fromkeys(("TrainerOptions", "Constant", "Cosine", "Linear", "Milestones"), "settings of a training"),
    **dict.fromkeys(("Gate", "Task"), "a problem whose answer is known, in a unit that it states"),
    **dict.fromkeys(("ArrayEntry", "FileDescription"), "what a file holds"),
    **dict.fromkeys(("Batch", "Outputs", "FilteredPair", "EpochEnd"), "tensors and networks handed on in training"),
    **dict.fromkeys(("TrainingBudget", "FitReport"), "settings of a fit, and its losses on the scale of its objective"),
    **dict.fromkeys(("CropAndFlip", "Mixup", "CutMix"), "settings of what augments or mixes samples"),
    **dict.fromkeys(("TopAccuracy", "Perplexity", "MeanIoU"), "settings of a metric"),
    "Preset": "published settings of a training",
    "PlaneEstimator": "a pair of estimators, with their settings",
    "AtomGradients": "derivatives of information by masses, in nats whatever the unit of the atoms",
    "LayerPair": "names of layers",
    "TopLogits": "a teacher's answers, kept for training",
    "EpochRecord": "losses and accuracies, whose scale is that of the objective; a part of History",
}
"""Exported dataclasses and named tuples that are no results, and why."""


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a result, or anything in it, with `change` applied to every number and text of its public fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        public = [f.name for f in dataclasses.fields(value) if not f.name.startswith("_") and f.name != "unit"]
        return dataclasses.replace(value, **{name: changed(getattr(value, name), change) for name in public})
    if isinstance(value, Mapping):
        return {name: changed(part, change) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(changed(part, change) for part in value)
    return change(value)


def scrambled(result: UnitResult) -> UnitResult:
    """Return the result with every floating number another one, none of them zero, so that no change can hide."""
    rng = np.random.default_rng(3)

    def draw(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return rng.uniform(0.5, 1.5, value.shape)
        if type(value).__name__ == "Tensor":
            return value.detach() * 0.0 + rng.uniform(0.5, 1.5)
        return rng.uniform(0.5, 1.5) if isinstance(value, float) else value

    scrambled_result: UnitResult = changed(result, draw)
    return scrambled_result


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return every number and text of a dictionary with its path; places in lists are left out of the path."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    else:
        yield path, value


def is_missing(value: Any) -> bool:
    """Return whether an optional field was left out: a number in it was then not put to the law."""
    return value is None or (isinstance(value, (tuple, dict)) and not value)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("old", "new", "factor"), [("bits", "nats", math.log(2.0)), ("nats", "bits", 1 / math.log(2.0))]
)
def test_every_number_changes_its_unit_or_is_listed_as_one_without(
    name: str, old: str, new: str, factor: float
) -> None:
    before = scrambled(made(name).to(old))
    unitless = UNITLESS.get(name, UNITLESS[type(before).__name__])
    wrong = []
    for (path, number), (there, other) in zip(leaves(before.to_dict()), leaves(before.to(new).to_dict()), strict=True):
        assert path == there
        listed = any(fnmatch(path, pattern) for pattern in unitless)
        if path == "unit" or path.endswith(".unit"):
            expected: Any = new
        elif isinstance(number, float) and not listed:
            expected = pytest.approx(number * factor, rel=1e-6 if name == "SoftPID" else 1e-14)
        else:
            expected = number
        if other != expected:
            wrong.append(f"{path}: {number} {old} became {other} {new}, not {expected}")
    assert not wrong, f"{name}: " + "; ".join(wrong)


@pytest.mark.parametrize("name", UNITLESS)
def test_the_list_of_numbers_without_unit_has_no_stale_entry_and_no_field_is_left_unseen(name: str) -> None:
    results = [made(maker) for maker in MAKERS if name in (maker, maker.split()[0])]
    numbers = {path for one in results for path, value in leaves(scrambled(one).to_dict()) if isinstance(value, float)}
    stale = {pattern for pattern in UNITLESS[name] if not any(fnmatch(path, pattern) for path in numbers)}
    assert not stale
    unseen = {
        field.name
        for field in dataclasses.fields(results[0])
        if not field.name.startswith("_") and all(is_missing(getattr(one, field.name)) for one in results)
    }
    assert unseen <= ({"common"} if name == "IntersectionResult blackwell" else set())


@pytest.mark.parametrize("name", MAKERS)
def test_there_and_back_is_the_same_to_rounding_and_the_same_unit_changes_nothing(name: str) -> None:
    result = made(name)
    other = "nats" if result.unit == "bits" else "bits"
    assert result.to(result.unit) is result
    back = result.to(other).to(result.unit)
    for (path, was), (_, now) in zip(leaves(result.to_dict()), leaves(back.to_dict()), strict=True):
        assert now == (pytest.approx(was, rel=1e-15, abs=0.0) if isinstance(was, float) else was), path
    assert result.unit != other  # results are left as they are
    with pytest.raises(InputError, match=r"^unit must be 'bits' or 'nats', not 'trits'$"):
        result.to("trits")


@pytest.mark.parametrize("name", MAKERS)
def test_the_dictionary_is_json_and_says_its_unit(name: str) -> None:
    result = made(name)
    exported = result.to_dict()
    assert json.loads(json.dumps(exported, allow_nan=False)) == exported
    assert exported["unit"] == result.unit
    public = {field.name for field in dataclasses.fields(result) if not field.name.startswith("_")}
    assert set(exported) - {"format"} == public
    broken = changed(result, lambda value: math.nan if isinstance(value, float) else value).to_dict()
    json.dumps(broken, allow_nan=False)


@pytest.mark.parametrize("name", MAKERS)
def test_a_result_that_prints_a_value_has_it(name: str) -> None:
    result = made(name)
    if re.search(r"\bvalue\b", repr(result)) or "value" in result.to_dict():
        assert isinstance(result.value, float)  # type: ignore[attr-defined]
        assert result.to("nats").value == pytest.approx(result.to("bits").value * math.log(2.0))  # type: ignore[attr-defined]


def sound_table(shown: str) -> None:
    """Assert that HTML is well formed, and a table without script, style, links or handlers."""
    elements = list(ET.fromstring(shown).iter())
    assert {one.tag for one in elements} <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {name for one in elements for name in one.attrib} <= {"colspan"}
    assert sum(one.tag == "tr" for one in elements) >= 2


@pytest.mark.parametrize("name", MAKERS)
def test_a_notebook_shows_a_table_in_which_everything_is_escaped(name: str) -> None:
    result = made(name)
    sound_table(result._repr_html_())
    marked = changed(result, lambda value: "<script>&\"'" if isinstance(value, str) else value)
    sound_table(marked._repr_html_())
    assert "<script" not in marked._repr_html_()
    if name in ("PIDResult", "IntersectionReport", "AtomRecords", "PlaneTrajectory", "Comparison"):
        assert "&lt;script&gt;&amp;" in marked._repr_html_()


def test_a_history_is_json_and_a_table_too() -> None:
    shown = history()
    exported = json.loads(json.dumps(shown.to_dict(), allow_nan=False))
    assert exported["epochs"][0]["loss"] is None
    assert exported["epochs"][1]["validation_accuracy"] == 0.5
    sound_table(shown._repr_html_())


def exported_classes() -> dict[str, type]:
    """Return the dataclasses and named tuples among the public names of every package."""
    packages = [pidkit.__name__, *(m.name for m in pkgutil.walk_packages(pidkit.__path__, "pidkit.") if m.ispkg)]
    found: dict[str, type] = {}
    for package in packages:
        if package.startswith(OF_TORCH) and not TORCH:
            continue  # what is left is checked where torch is installed
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", []):
            if name == "InformationPlane" and not TORCH:
                continue
            one = getattr(module, name)
            if isinstance(one, type) and (dataclasses.is_dataclass(one) or hasattr(one, "_fields")):
                found[name] = one
    return found


def test_every_exported_record_is_a_result_a_part_of_one_or_listed_as_neither() -> None:
    results = {maker.split()[0] for maker in MAKERS}
    for name, one in exported_classes().items():
        if name in NO_RESULTS:
            assert not issubclass(one, Result | UnitPart), f"{name} is a result: take it off NO_RESULTS"
        elif issubclass(one, UnitResult):
            assert name in results, f"{name} is a result: give MAKERS one of it"
        else:
            why = f"{name} is exported: derive it from UnitResult or UnitPart, or say in NO_RESULTS why it is no result"
            assert issubclass(one, Result | UnitPart), why
        has_unit = dataclasses.is_dataclass(one) and "unit" in {field.name for field in dataclasses.fields(one)}
        assert not has_unit or issubclass(one, UnitResult), f"{name} has a unit and does not convert it"


def test_every_result_is_under_the_law_and_frozen() -> None:
    exported_classes()  # loads them all
    results = {maker.split()[0] for maker in MAKERS}
    to_see = list(UnitResult.__subclasses__())
    while to_see:
        one = to_see.pop()
        to_see += one.__subclasses__()
        assert one.__name__ in results
        assert one.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert UNITLESS.keys() >= {one.__name__}
    parts = {part.__name__ for part in UnitPart.__subclasses__()}
    of_records = {"DecodedAtoms", "PlanePoint", "AtomRecord", "Assumption"}
    assert parts <= {"Spread", "DecoderReport", "RowScores", "TablePair", "TableDifference", *of_records}


def test_potentials_off_the_support_are_none_in_json() -> None:
    exported = pidkit.solve_broja([[0.5, 0.0], [0.0, 0.5]], [[0.25, 0.25], [0.25, 0.25]]).to_dict()
    assert (exported["lam"][0][1], exported["lam"][1][0]) == (None, None)
    assert not [name for name in exported if name.startswith("_")]


def test_tables_line_up_and_long_ones_are_cut() -> None:
    assert text_table([]) == []
    assert len({len(line) for line in text_table([{"a": "1"}, {"b": "22", "a": "333"}])}) == 1
    long = html_table([{"n": str(n)} for n in range(MOST_ROWS + 3)], caption="<b>")
    sound_table(long)
    assert long.count("<tr>") == MOST_ROWS + 2
    assert "and 3 more rows" in long
    assert "&lt;b&gt;" in long
