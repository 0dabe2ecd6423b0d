"""A constant side has no information: every estimator says 0, exactly, with a warning, in place of estimating it."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning, estimate_mi
from pidkit.errors import ConstantInput
from pidkit.mi import LabelDecoder
from pidkit.mi.estimate import ESTIMATORS, _build

N = 50
ROWS = np.random.default_rng(0).normal(size=(N, 2))
LABELS = np.arange(N) % 2
NEEDS_TORCH = {name for name, (module, _, _) in ESTIMATORS.items() if module.endswith("neural")}
NAMES = [name for name in ESTIMATORS if name not in NEEDS_TORCH or find_spec("torch")]
OF_LABELS = {"plugin": "ab", "miller-madow": "ab", "label-decoder": "b", "ross": "b"}


def side(name: str, which: str, *, constant: bool) -> Any:
    """Return what an estimator takes on a side, varying or constant."""
    if which in OF_LABELS.get(name, ""):
        return np.ones(N, dtype=int) if constant else LABELS
    return np.full((N, 2), 0.1) if constant else ROWS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("constant", ["a", "b", "ab"])
@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_information_of_a_constant_is_exactly_zero(name: Any, constant: str, unit: Any) -> None:
    """I(A; B) <= min(H(A), H(B)) = 0."""
    a, b = (side(name, which, constant=which in constant) for which in "ab")
    with pytest.warns(PidkitWarning, match=r": [ab] is constant: its information about anything is 0$"):
        found = estimate_mi(a, b, estimator=name, unit=unit)
    assert (found.value, found.stderr, found.kind, found.unit, found.n_samples) == (0.0, 0.0, "exact", unit, N)
    assert len(found.warnings) == 1
    assert found.to("nats").value == 0.0
    assert "exact, zero, because a side is constant" in repr(found)


@pytest.mark.parametrize("name", NAMES)
def test_so_do_estimators_that_are_called_directly(name: Any) -> None:
    estimator: Any = _build(name, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the flag is in the result; the door turns it into a warning
        found = estimator.estimate(side(name, "a", constant=True), side(name, "b", constant=False), rng=5)
    assert (found.value, found.kind, found.seed) == (0.0, "exact", 5)
    assert found.estimator == type(estimator).__name__
    assert found.warnings == ("a is constant: its information about anything is 0",)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_fitted_to_a_constant(name: Any) -> None:
    estimator: Any = _build(name, {})
    if hasattr(estimator, "fit"):
        with pytest.raises(
            ConstantInput, match=r"^a is constant: its information about anything is 0; pass what varie"
        ):
            estimator.fit(side(name, "a", constant=True), side(name, "b", constant=False))


def test_what_was_fitted_reads_zero_in_a_constant() -> None:
    found = LabelDecoder().fit(ROWS, LABELS).estimate(np.ones((N, 2)), LABELS)
    assert (found.value, found.kind, found.seed) == (0.0, "exact", None)
    pytest.importorskip("torch")
    from pidkit.mi.neural import FittedCritic

    unused: Any = None
    critic = FittedCritic(unused, "jsd", "jsd", unused, unused, (ROWS, ROWS), (0.0, 1.0), unused, max_k=N, device="cpu")
    assert critic.estimate(np.ones((N, 2)), ROWS).kind == "exact"


def test_a_sweep_over_layers_survives_a_dead_one() -> None:
    layers = [ROWS, np.zeros((N, 3)), 1e-200 * ROWS]
    with pytest.warns(PidkitWarning, match="a is constant"):
        values = [estimate_mi(layer, ROWS + 0.5 * ROWS[::-1]).value for layer in layers]
    assert values[1] == 0.0
    assert values[2] == pytest.approx(values[0], abs=1e-6)


def test_the_other_side_must_be_as_long_all_the_same() -> None:
    with pytest.raises(
        InputError, match=r"^a and b must have one row a sample, in the same order; they have 50 and 49$"
    ):
        estimate_mi(np.ones(N), ROWS[:-1])
    with pytest.raises(InputError, match=r"^rng must be a whole number"):
        estimate_mi(np.ones(N), ROWS, rng=-1)
