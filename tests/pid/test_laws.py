"""Laws that hold for every joint: 500 random ones in all, of every kind that the strategies draw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit import PIDResult, bivariate_pid
from pidkit.pid import ATOMS, INFORMATION
from tests.pid.strategies import Solved, generators, joints, solved

ROUNDING = 1e-12
"""Bits by which sums of logarithms of a joint this small may be off."""


def close(first: PIDResult, second: PIDResult, names: tuple[str, ...] = ATOMS) -> None:
    """Assert that two decompositions agree within their certified gaps."""
    slack = first.report.gap + second.report.gap + ROUNDING
    for name in names:
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=slack), name


@settings(max_examples=100)
@given(joints())
def test_atoms_add_up_and_none_is_negative(p: np.ndarray) -> None:
    result = bivariate_pid(p)
    gap = result.report.gap + ROUNDING
    assert result.report.gap <= 1e-9
    assert result.report.marginal_residual <= 1e-12
    assert result.redundancy + result.unique_1 == pytest.approx(result.mi_1, abs=ROUNDING)
    assert result.redundancy + result.unique_2 == pytest.approx(result.mi_2, abs=ROUNDING)
    assert sum(result.atoms.values()) == pytest.approx(result.mi_joint, abs=ROUNDING)
    assert min(result.atoms.values()) >= -gap
    assert result.redundancy <= min(result.mi_1, result.mi_2) + gap


@settings(max_examples=60)
@given(joints())
def test_swapping_the_sources_swaps_the_unique_atoms(p: np.ndarray) -> None:
    result, swapped = bivariate_pid(p), bivariate_pid(p.transpose(0, 2, 1))
    close(result, swapped, ("redundancy", "synergy", "mi_joint"))
    slack = result.report.gap + swapped.report.gap + ROUNDING
    assert result.unique_1 == pytest.approx(swapped.unique_2, abs=slack)
    assert result.unique_2 == pytest.approx(swapped.unique_1, abs=slack)


@settings(max_examples=60)
@given(joints(), generators())
def test_a_function_of_a_source_raises_neither_its_unique_information_nor_redundancy(
    p: np.ndarray, rng: np.random.Generator
) -> None:
    n_1 = p.shape[1]
    function = np.eye(n_1)[rng.integers(n_1, size=n_1)]
    result, less = bivariate_pid(p), bivariate_pid(np.einsum("yab,ac->ycb", p, function))
    slack = result.report.gap + less.report.gap + ROUNDING
    assert less.unique_1 <= result.unique_1 + slack
    assert less.redundancy <= result.redundancy + slack
    assert less.unique_2 >= result.unique_2 - slack  # what the other source lost, this one holds alone


@settings(max_examples=30)
@given(joints(), generators())
def test_noise_on_a_source_raises_neither_its_unique_information_nor_redundancy(
    p: np.ndarray, rng: np.random.Generator
) -> None:
    channel = rng.dirichlet(np.full(3, 0.5), size=p.shape[1])
    noisy = np.einsum("yab,ac->ycb", p, channel)
    result, less = bivariate_pid(p), bivariate_pid(noisy / noisy.sum())
    slack = result.report.gap + less.report.gap + ROUNDING
    assert less.unique_1 <= result.unique_1 + slack
    assert less.redundancy <= result.redundancy + slack


@settings(max_examples=60)
@given(joints(), generators())
def test_permuting_symbols_changes_nothing(p: np.ndarray, rng: np.random.Generator) -> None:
    permuted = p[np.ix_(*(rng.permutation(n) for n in p.shape))]
    close(bivariate_pid(p), bivariate_pid(permuted), ATOMS + INFORMATION)


@settings(max_examples=60)
@given(joints(), st.integers(0, 2), st.floats(0.01, 0.99))
def test_splitting_a_symbol_changes_nothing(p: np.ndarray, axis: int, share: float) -> None:
    first = np.take(p, [0], axis)
    split = np.concatenate([share * first, (1.0 - share) * first, np.delete(p, 0, axis)], axis)
    close(bivariate_pid(p), bivariate_pid(split / split.sum()), ATOMS + INFORMATION)


@settings(max_examples=30)
@given(joints(), st.integers(0, 2))
def test_a_symbol_that_never_occurs_changes_nothing(p: np.ndarray, axis: int) -> None:
    padded = np.insert(p, p.shape[axis] // 2, 0.0, axis)
    close(bivariate_pid(p), bivariate_pid(padded), ATOMS + INFORMATION)


@settings(max_examples=30)
@given(joints())
def test_nats_are_bits_times_ln_2(p: np.ndarray) -> None:
    bits, nats = bivariate_pid(p), bivariate_pid(p, unit="nats")
    for name in ATOMS + INFORMATION:
        assert getattr(nats, name) == pytest.approx(np.log(2.0) * getattr(bits, name), abs=1e-15)


@settings(max_examples=70)
@given(solved())
def test_problems_with_a_known_answer(problem: Solved) -> None:
    result = bivariate_pid(problem.p / problem.p.sum())
    for value, exact in zip(result.atoms.values(), problem.atoms, strict=True):
        assert value == pytest.approx(exact, abs=result.report.gap + ROUNDING)
