"""Warnings point at the caller's line; what is constant is said in one wording and answered by an exact zero."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pidkit import (
    InputError,
    KMeansCodes,
    PidkitWarning,
    bivariate_pid,
    coded_pid,
    codes_of,
    estimate_mi,
    estimate_pid,
    joint_from_samples,
    pid_from_samples,
    pid_table,
    posteriors_of,
    representation_pid,
)
from pidkit.errors import ConstantInput, warn
from pidkit.pid import ATOMS

N = 120
RNG = np.random.default_rng(0)
Y = np.arange(N) % 2
CODES = np.where(RNG.random(N) < 0.1, 1 - Y, Y)
LAYER = Y[:, None] + RNG.normal(size=(N, 3))
WIDE = np.hstack([LAYER, np.zeros((N, 1000))])


def of_codes(door: Callable[..., Any], target: str, **options: Any) -> tuple[Callable[..., Any], str, np.ndarray]:
    return lambda **sides: door(**sides, **options), target, CODES


def of_layers(
    door: Callable[..., Any], layer: np.ndarray = LAYER, **options: Any
) -> tuple[Callable[..., Any], str, np.ndarray]:
    return lambda **sides: door(**sides, **options), "labels", layer


DOORS = {
    "pid_from_samples": of_codes(pid_from_samples, "y"),
    "estimate_pid": of_codes(estimate_pid, "y", n_bootstrap=2, n_null=2),
    "coded_pid": of_layers(coded_pid, quantiser=KMeansCodes(2, random_state=0), decoder="knn"),
    "representation_pid": of_layers(representation_pid, n_null=2),
    "representation_pid of classifiers": of_layers(representation_pid, decoder="knn"),
    "representation_pid of wide layers": of_layers(representation_pid, layer=WIDE, decoder="knn"),
}


@pytest.mark.parametrize("constant", ["x1", "x2", "both", "target"])
@pytest.mark.parametrize("door", DOORS)
def test_what_is_constant_has_no_information_exactly(door: str, constant: str) -> None:
    """I(Y; X1) <= H(X1) = 0; redundancy <= I(Y; X1) and synergy <= H(X1): only the other unique atom is left."""
    call, target, source = DOORS[door]
    dead = {"both": ["x1", "x2"], "target": [target]}.get(constant, [constant])
    given = {target: Y, "x1": source, "x2": source}
    sides = {name: np.full_like(what, 0.7) if name in dead else what for name, what in given.items()}
    with pytest.warns(PidkitWarning, match="is constant") as caught:
        found = call(**sides)
    said = [str(warning.message) for warning in caught if "constant" in str(warning.message)]
    assert said == [f"{name} is constant: its information about anything is 0" for name in dead]
    alive = {"x1": "unique_2", "x2": "unique_1"}.get(constant)
    assert [getattr(found, atom) for atom in ATOMS if atom != alive] == [0.0] * (4 if alive is None else 3)
    if alive is not None:
        assert getattr(found, alive) > 0.1
    if hasattr(found, "interval"):
        assert all(found.interval[atom] == (0.0, 0.0) for atom in ATOMS if atom != alive)
        assert all(found.p_value[atom] == 1.0 for atom in ATOMS if atom != alive)
    if hasattr(found, "limits"):
        assert [found.limits(atom) for atom in ATOMS if atom != alive] == [()] * (4 if alive is None else 3)


def test_a_layer_that_is_read_as_nothing_is_not_taken_for_a_constant() -> None:
    """One row differs: every posterior is the class frequencies, but what decoders did not read may still be there."""
    dead = np.zeros((400, 2))
    dead[3] = 1.0
    y = np.arange(400) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = representation_pid(labels=y, x1=dead, x2=y[:, None] + np.random.default_rng(0).normal(size=(400, 2)))
    assert found.mi_1 == 0.0
    assert found.standard_error["redundancy"] > 0.0
    assert found.limits("redundancy") == ("the decoder",)


def test_a_joint_with_a_constant_source_is_decomposed_exactly() -> None:
    p = joint_from_samples(y=Y, x1=CODES, x2=0 * Y)
    found = bivariate_pid(p)
    assert (found.redundancy, found.unique_2, found.synergy, found.mi_2) == (0.0, 0.0, 0.0, 0.0)
    assert found.unique_1 == found.mi_1 == found.mi_joint > 0.1
    assert bivariate_pid(p[:1] / p[:1].sum()).mi_joint == 0.0


def warn_from_here(call: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return caught


@pytest.mark.parametrize(
    "call",
    [
        lambda: warn("at its caller"),
        lambda: estimate_mi(0 * CODES, CODES),
        lambda: pid_from_samples(y=Y, x1=CODES, x2=0 * Y),
        lambda: estimate_pid(y=Y, x1=CODES, x2=0 * Y),
        lambda: coded_pid(labels=Y, x1=LAYER, x2=0 * LAYER, quantiser=KMeansCodes(2, random_state=0)),
        lambda: representation_pid(labels=Y, x1=LAYER, x2=0 * LAYER, decoder="knn"),
        lambda: representation_pid(labels=Y, x1=LAYER, x2=0 * LAYER, quantiser=KMeansCodes(2, random_state=0)),
    ],
)
def test_a_warning_points_at_the_line_that_called_pidkit(call: Callable[[], Any]) -> None:
    """However deep in the package it is issued, and past the wrapper that refuses a third source."""
    caught = warn_from_here(call)
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, call.__code__.co_firstlineno)]


def test_the_error_of_a_constant_names_it_and_survives_pickling() -> None:
    error = ConstantInput("x1")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ConstantInput)
    assert (str(again), again.name) == ("x1 is constant: its information about anything is 0; pass what varies", "x1")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("representation_pid", lambda x: representation_pid(labels=Y, x1=x, x2=x)),
        ("coded_pid", lambda x: coded_pid(labels=Y, x1=x, x2=x)),
        ("posteriors_of", lambda x: posteriors_of(labels=Y, x=x)),
        ("codes_of", lambda x: codes_of(x=x)),
        ("pid_table", lambda x: pid_table(labels=Y, x1={"a": x}, x2={"b": x})),
    ],
)
def test_memory_that_has_run_out_says_what_to_do(name: str, call: Callable[[Any], Any]) -> None:
    class Huge:
        """What cannot be made an array."""

        shape = (N, 3)

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise MemoryError("Unable to allocate 9.00 GiB")

    said = (
        rf"^memory has run out \(Unable to allocate 9.00 GiB\): pass a smaller memory to {name}\(\), so that layers "
        "are read in pieces, or fewer rows, codes or classes$"
    )
    with pytest.raises(InputError, match=said):
        call(Huge())
