"""The law of arguments: one verdict on numbers, seeds, choices and flags at every public door of pidkit.

The doors and their parameters are read from the signatures; each gets one unusual value at a time. It is taken, with
the same result as a plain one, or refused by an InputError that names the argument. Nothing else: no TypeError of
numpy, scikit-learn or torch, and no count of 2.5.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from tests.arguments.doors import DOORS, Door
from tests.arguments.fingerprint import fingerprint
from tests.arguments.signatures import HAS_TORCH, Parameter, checked_parameters, public_callables

if HAS_TORCH:
    from tests.arguments.torch_doors import TORCH_DOORS

    DOORS = {**DOORS, **TORCH_DOORS}

RECORDS = (
    *(
        "ArrayEntry",
        "AtomRecord",
        "AtomRecords",
        "BROJABatch",
        "BROJASolution",
        "EpochEnd",
        "EpochRecord",
        "Evaluation",
    ),
    *("FittedCritic", "Gate", "History", "IntersectionReport", "IntersectionResult", "MIEstimate", "PIDResult"),
    *("Assumption", "FitReport", "PIDEstimate", "SampleCheck"),
    *(
        "PlanePoint",
        "PlaneTrajectory",
        "CodedPID",
        "DecoderReport",
        "PairedDifferences",
        "RepresentationPID",
        "LayerPosteriors",
        "CodedLayer",
        "SolverReport",
        "Spread",
        "Task",
    ),
)
"""What pidkit makes and nobody else: its numbers were computed, not passed."""

EXEMPT = {
    **dict.fromkeys(RECORDS, "a record, made by pidkit"),
    "Estimator.estimate": "a protocol, without code",
    "MeasuredWeight.set_epoch": "the base of AdaptiveWeight and UniqueWeight, which are under the law",
    "SumOfObjectives.set_epoch": "the base of WeightedSum and SeveralTeachers, which are under the law",
    "FrozenTeacher.train": "torch's own method, which modules call with what they were called with",
    "joint_from_dit": "variables by position or by name, whichever a distribution of dit has; see test_interop",
}
"""Callables that the law leaves out, each with its reason."""

PUBLIC = {name: checked_parameters(call) for name, call in public_callables().items()}
CASES = [
    pytest.param(name, parameter, id=f"{name}-{parameter.name}")
    for name, parameters in PUBLIC.items()
    for parameter in parameters.values()
    if name in DOORS
]


@pytest.mark.skipif(not HAS_TORCH, reason="some of the calls load torch")
def test_every_public_number_is_under_the_law() -> None:
    forgotten = sorted(name for name, found in PUBLIC.items() if found and name not in DOORS and name not in EXEMPT)
    assert not forgotten, f"give tests/arguments/doors.py a call of {forgotten}, or EXEMPT a reason"


@pytest.mark.skipif(not HAS_TORCH, reason="some of what is public loads torch")
def test_nothing_is_exempt_or_called_that_is_not_public() -> None:
    assert set(EXEMPT) <= {name for name, found in PUBLIC.items() if found}
    assert not set(DOORS) & set(EXEMPT)


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_one_verdict_on_every_argument(name: str, parameter: Parameter) -> None:
    door = DOORS[name]
    good = good_value(door, parameter)
    plain = outcome(door, name, parameter, good)
    assert not isinstance(plain, InputError), f"{name}({parameter.name}={good!r}) is no valid call: {plain}"
    for same in same_values(parameter, good):
        assert outcome(door, name, parameter, same) == plain, f"{name}({parameter.name}={same!r}) is not {good!r}"
    for refused in refused_values(parameter, good):
        found = outcome(door, name, parameter, refused)
        assert isinstance(found, InputError), f"{name}({parameter.name}={refused!r}) was taken"
    for either in extreme_values(parameter):
        outcome(door, name, parameter, either)
    if parameter.kind == "choice":
        message = str(outcome(door, name, parameter, "nonsense"))
        assert [choice for choice in parameter.choices if repr(choice) not in message] == []


def outcome(door: Door, name: str, parameter: Parameter, value: Any) -> Any:
    """Make the call with one argument and return what it gave, or the InputError that names the argument."""
    required = {
        other.name: good_value(door, other)
        for other in PUBLIC[name].values()
        if other.required and other.name != parameter.name
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fingerprint(door.call(**required, **{parameter.name: value}))
    except InputError as error:
        if re.search(rf"\b{parameter.name}\b", str(error)) is None:
            pytest.fail(f"{name}({parameter.name}={value!r}) does not name the argument: {error}")
        return error
    except Exception as error:
        pytest.fail(f"{name}({parameter.name}={value!r}) raises {type(error).__name__}: {error}")


def good_value(door: Door, parameter: Parameter) -> Any:
    """Return a valid value: the door's, the default, or what any parameter of its kind takes."""
    if parameter.name in door.good:
        return door.good[parameter.name]
    if not parameter.required and parameter.default is not None:
        return parameter.default
    return {"flag": False, "choice": next(iter(parameter.choices), None), "rng": 3}[parameter.kind]


def same_values(parameter: Parameter, good: Any) -> list[Any]:
    """Return the same value as other types that are allowed."""
    if parameter.kind in ("whole", "rng", "random_state"):
        return [np.int64(good), np.uint8(good)] if 0 <= good < 256 else [np.int64(good)]
    if parameter.kind == "real":
        exact = [np.float32(good)] if float(np.float32(good)) == good else []
        whole = [int(good), np.int64(good)] if float(good).is_integer() else []
        return [np.float64(good), *exact, *whole]
    if parameter.kind == "choice":
        return [np.str_(good)] if isinstance(good, str) else []
    return [np.bool_(good)] if parameter.kind == "flag" else []


def refused_values(parameter: Parameter, good: Any) -> list[Any]:
    """Return what no parameter of this kind takes."""
    none = [] if parameter.optional else [None]
    if parameter.kind in ("whole", "rng", "random_state"):
        several = [] if parameter.other else [[good], np.array([good])]
        unusual = [-1, 2**64, 10**30] if parameter.kind != "whole" else [2**64, 10**30]
        legacy = [np.random.RandomState(0)]
        return [float(good), np.float64(good), 2.5, str(good), True, np.nan, np.inf, *unusual, *several, *legacy, *none]
    if parameter.kind == "real":
        return [str(good), True, np.nan, [good], np.array([good]), 1j, *none]
    if parameter.kind == "flag":
        return ["no", 0, 1, 0.0, [], *none]
    return ["nonsense", "", 3, ["nonsense"], *none]


def extreme_values(parameter: Parameter) -> list[Any]:
    """Return what a parameter may take or refuse, as its range says."""
    if parameter.kind == "whole":
        return [-1, 0, np.int64(-1)]
    return [-1, 0, 10**30, 10**400, np.inf, -np.inf, -0.5, 0.5] if parameter.kind == "real" else []


def test_a_generator_is_taken_wherever_a_seed_is() -> None:
    for name, parameters in PUBLIC.items():
        for parameter in parameters.values():
            if parameter.kind == "rng" and name in DOORS:
                first, second = (outcome(DOORS[name], name, parameter, np.random.default_rng(5)) for _ in range(2))
                assert not isinstance(first, InputError), name
                assert first == second, name
