"""Joints to and from other packages: what goes out comes back, dit agrees on the numbers, every refusal says why."""

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import (
    AXIS_ORDERS,
    InputError,
    array_from_joint,
    bivariate_pid,
    dit_from_joint,
    gate,
    joint_from_array,
    joint_from_dit,
    joint_from_outcomes,
    outcomes_from_joint,
)
from pidkit.info import mutual_information
from tests.pid.strategies import joints

AND = gate("AND").joint
ORDERS = ("y x1 x2", "y x2 x1", "x1 y x2", "x2 y x1", "x1 x2 y", "x2 x1 y")


@pytest.fixture
def dit() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("dit.pid")
        return pytest.importorskip("dit")


# Round trips


@settings(max_examples=50)
@given(joints(largest=4), st.sampled_from(ORDERS))
def test_outcomes_and_arrays_come_back(p: np.ndarray, axes: str) -> None:
    outcomes = outcomes_from_joint(p, axes=axes)
    assert all(isinstance(symbol, int) for outcome in outcomes for symbol in outcome)
    np.testing.assert_array_equal(joint_from_outcomes(outcomes, axes=axes, shape=p.shape), p)
    array = array_from_joint(p, axes=axes)
    assert array.flags.owndata
    assert array.shape == tuple(p.shape[("y", "x1", "x2").index(name)] for name in axes.split())
    np.testing.assert_array_equal(joint_from_array(array, axes=axes), p)


@settings(max_examples=25)
@given(joints(largest=4))
def test_orders_say_where_each_variable_goes(p: np.ndarray) -> None:
    y, x1, x2 = (int(i) for i in np.argwhere(p > 0.0)[0])
    assert outcomes_from_joint(p, axes="x2 y x1")[(x2, y, x1)] == p[y, x1, x2]
    assert array_from_joint(p, axes="x2 y x1")[x2, y, x1] == p[y, x1, x2]


@settings(max_examples=15)
@given(joints(largest=4))
def test_dit_comes_back(p: np.ndarray) -> None:
    pytest.importorskip("dit")
    symbols = [np.flatnonzero(p.sum(tuple({0, 1, 2} - {axis}))) for axis in range(3)]  # dit forgets those without mass
    back = joint_from_dit(dit_from_joint(p), target=2, sources=[0, 1])
    cells = np.ix_(*symbols)
    np.testing.assert_allclose(back[cells], p[cells], rtol=1e-12)
    assert back.sum() == pytest.approx(1.0, abs=1e-12)


def test_one_source_and_three() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(24)).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(joint_from_outcomes(outcomes_from_joint(p, axes="x3 x2 x1 y"), axes="x3 x2 x1 y"), p)
    np.testing.assert_array_equal(joint_from_array(p.transpose(3, 0, 2, 1), axes="x3 y x2 x1"), p)
    assert joint_from_outcomes({"ab": 0.5, "ba": 0.5}, axes="x1 y").tolist() == [[0.0, 0.5], [0.5, 0.0]]


# Symbols


def test_symbols_are_coded_as_samples_are() -> None:
    masses = {("b", (0, 1), 2.5): 0.5, ("a", (0, 0), -1.0): 0.25, ("b", (0, 0), 2.5): 0.25}
    expected = np.zeros((2, 2, 2))
    expected[1, 1, 1], expected[0, 0, 0], expected[1, 1, 0] = 0.5, 0.25, 0.25
    np.testing.assert_array_equal(joint_from_outcomes(masses, axes="x1 x2 y"), expected)
    assert joint_from_outcomes({(0, 3, 0): 1.0}, axes="y x1 x2").shape == (1, 4, 1)  # integers are codes
    assert joint_from_outcomes({"030": 1.0}, axes="y x1 x2").shape == (1, 1, 1)  # strings are ranked
    assert joint_from_outcomes({"030": 1.0}, axes="y x1 x2", shape=(2, None, 3)).shape == (2, 1, 3)


def test_strings_are_what_the_literature_writes() -> None:
    masses = dict.fromkeys(("000", "010", "100", "111"), 0.25)
    np.testing.assert_array_equal(joint_from_outcomes(masses, axes=AXIS_ORDERS["dit"]), AND)


@pytest.mark.parametrize("package", AXIS_ORDERS)
def test_every_named_order_is_one(package: str) -> None:
    array = array_from_joint(AND, axes=AXIS_ORDERS[package])
    np.testing.assert_array_equal(joint_from_array(array, axes=AXIS_ORDERS[package]), AND)


# dit


def test_dit_agrees_on_mutual_information_and_broja(dit: Any) -> None:
    p = np.random.default_rng(1).dirichlet(np.ones(24)).reshape(4, 2, 3)
    distribution = dit_from_joint(p)
    for source, pair in ((0, p.sum(2)), (1, p.sum(1))):
        theirs = dit.shannon.mutual_information(distribution, [source], [2])
        assert theirs == pytest.approx(mutual_information(pair) / np.log(2.0), abs=1e-12)
    theirs = dit.pid.PID_BROJA(dit_from_joint(AND))
    ours = bivariate_pid(AND)
    assert theirs[((0,), (1,))] == pytest.approx(ours.redundancy, abs=1e-3)
    assert theirs[((0, 1),)] == pytest.approx(ours.synergy, abs=1e-3)


def test_dit_variables_by_name_together_or_summed_out(dit: Any) -> None:
    words = ["0000", "0111", "1010", "1101"]  # a, b, a xor b, b
    distribution = dit.Distribution(words, [0.25] * 4)
    xor = gate("XOR").joint
    np.testing.assert_allclose(joint_from_dit(distribution, target=2, sources=[0, 1]), xor)
    np.testing.assert_allclose(joint_from_dit(distribution, target=[2], sources=[[0], [3]]), xor)
    both = joint_from_dit(distribution, target=[0, 1], sources=[0, 1])
    np.testing.assert_allclose(both, gate("UNQ").joint)
    distribution.set_rv_names("ABYC")
    np.testing.assert_allclose(joint_from_dit(distribution, target="Y", sources="AB"), xor)
    sources: Any = ["A", np.int64(1)]
    np.testing.assert_allclose(joint_from_dit(distribution, target="Y", sources=sources), xor)
    assert distribution.get_rv_names() == ("A", "B", "Y", "C")


def test_dit_logarithms_are_understood_and_left_alone(dit: Any) -> None:
    distribution = dit_from_joint(gate("ReducedOR").joint)
    distribution.set_base(2)
    np.testing.assert_allclose(joint_from_dit(distribution, target=2, sources=[0, 1]), gate("ReducedOR").joint)
    assert distribution.is_log()


def test_without_dit_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dit", None)
    with pytest.raises(InputError, match=r"^this needs dit, which is not installed: pip install pidkit\[dit\]$"):
        dit_from_joint(AND)
    with pytest.raises(InputError, match=r"^this needs dit"):
        joint_from_dit(AND, target=2, sources=[0, 1])


# Refusals

AND_OUTCOMES = outcomes_from_joint(AND, axes="x1 x2 y")


@pytest.mark.parametrize("axes", ["", "y", "x1 x2", "x1 x1 y", "x1 x3 y", "t s y", "x1x2y", "Y X1 X2", None, 3])
def test_no_order_of_axes(axes: int | str | None) -> None:
    message = r"^axes must name y, x1, x2, \.\.\. once each, such as 'x1 x2 y', not "
    with pytest.raises(InputError, match=message):
        joint_from_outcomes(AND_OUTCOMES, axes=axes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        outcomes_from_joint(AND, axes=axes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        joint_from_array(AND, axes=axes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        array_from_joint(AND, axes=axes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("masses", "message"),
    [
        ([("000", 1.0)], "masses must be a mapping from outcomes to probabilities, not list"),
        ({"00": 1.0}, "the outcome '00' is no string or tuple of 3 symbols, one for each of 'x1 x2 y'"),
        ({7: 1.0}, "the outcome 7 is no string or tuple of 3 symbols"),
        ({}, "y is empty: at least one sample is needed"),
        ({(0, None, 0): 1.0}, r"x2\[0\] is missing \(None\); drop such samples"),
        ({(0, 0, 10**9): 1.0}, r"the outcomes span 1\.0e\+09 cells of shape \(1000000001, 1, 1\); integer symbols"),
        ({"000": "much"}, "masses must hold real numbers, not dtype <U4"),
        ({"000": float("nan")}, "masses holds NaN or infinite entries"),
        ({"000": 1.5, "111": -0.5}, r"masses holds negative mass \(-0.5\)"),
        ({"000": 3, "111": 1}, r"masses sums to 4, not 1"),
    ],
)
def test_no_outcomes(
    masses: dict[int | str | tuple[int, int, int], float | str] | list[tuple[str, float]], message: str
) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        joint_from_outcomes(masses, axes="x1 x2 y")  # type: ignore[arg-type]


def test_no_shape() -> None:
    with pytest.raises(InputError, match=r"^shape must have one entry for each of y, x1, x2, not 2$"):
        joint_from_outcomes(AND_OUTCOMES, axes="x1 x2 y", shape=(2, 2))
    with pytest.raises(InputError, match=r"^x1 holds the code 1, but n_x1 = 1"):
        joint_from_outcomes(AND_OUTCOMES, axes="x1 x2 y", shape=(2, 1, 2))


def test_no_array() -> None:
    with pytest.raises(InputError, match=r"^array must have the 2 axes 'x1 y'; it has shape \(2, 2, 2\)$"):
        joint_from_array(AND, axes="x1 y")
    with pytest.raises(InputError, match=r"^p must have the 2 axes 'x1 y'; it has shape \(2, 2, 2\)$"):
        array_from_joint(AND, axes="x1 y")
    with pytest.raises(InputError, match=r"^array sums to 2, not 1"):
        joint_from_array(2 * AND, axes="x1 x2 y")
    with pytest.raises(InputError, match=r"^p sums to 2, not 1"):
        outcomes_from_joint(2 * AND, axes="x1 x2 y")
    with pytest.raises(InputError, match=r"^array must hold real numbers"):
        joint_from_array("AND", axes="x1 y")


def test_no_distribution(dit: Any) -> None:
    distribution = dit_from_joint(AND)
    with pytest.raises(InputError, match=r"^distribution must be a dit\.Distribution, not ndarray$"):
        joint_from_dit(AND, target=2, sources=[0, 1])
    with pytest.raises(
        InputError, match=r"^distribution must have a target and at least one source; it has 1 variable"
    ):
        joint_from_dit(dit.Distribution(["0", "1"], [0.5, 0.5]), target=0, sources=[0])
    for variable in (3, -1, "Y", 1.0, True):
        with pytest.raises(InputError, match=rf"^distribution has no variable {variable!r}; there are 0 to 2$"):
            joint_from_dit(distribution, target=variable, sources=[0, 1])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^a target or source without variables"):
        joint_from_dit(distribution, target=2, sources=[0, []])
    distribution.set_rv_names("ABY")
    with pytest.raises(InputError, match=r"^distribution has no variable 'Z'; there are 0 to 2 or 'A', 'B', 'Y'$"):
        joint_from_dit(distribution, target="Z", sources="AB")
    with pytest.raises(InputError, match=r"^p sums to 2, not 1"):
        dit_from_joint(2 * AND)


def test_importing_it_does_not_load_dit() -> None:
    program = "import sys, pidkit.interop; sys.exit('dit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
