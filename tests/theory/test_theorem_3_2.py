"""Theorem 3.2 (i)-(iii) of Dissanayake et al. (AISTATS 2025): what unique information of the teacher means.

Over random joints p[y, t, s] of every kind; T is source 1, S is source 2.
"""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings

from pidkit import PIDResult, bivariate_pid
from tests.pid.strategies import generators, joints, random_joint

ROUNDING = 1e-12


def slack(*results: PIDResult) -> float:
    """Return what certified gaps and rounding allow."""
    return sum(result.report.gap for result in results) + ROUNDING


@settings(max_examples=80)
@given(generators())
def test_i_nothing_unique_to_the_teacher_means_the_student_knows_at_least_as_much(rng: np.random.Generator) -> None:
    """T seen through a channel from S has Uni_T = 0; then max(I(Y;T), I(Y;S)) = I(Y;S) and Red = I(Y;T)."""
    n_y, n_s, n_t = rng.integers(1, 6, 3)
    p_ys = random_joint(rng, (n_y, n_s, 1))[:, :, 0]
    result = bivariate_pid(np.einsum("ys,st->yts", p_ys, rng.dirichlet(np.full(n_t, 0.5), size=n_s)))
    assert result.unique_1 == pytest.approx(0.0, abs=slack(result))
    assert max(result.mi_1, result.mi_2) == pytest.approx(result.mi_2, abs=slack(result))
    assert result.redundancy == pytest.approx(result.mi_1, abs=slack(result))


@settings(max_examples=80)
@given(joints())
def test_i_for_any_joint_the_student_lacks_at_most_what_is_unique(p: np.ndarray) -> None:
    """I(Y;T) - I(Y;S) <= Uni_T: so where Uni_T = 0 the student knows at least as much as the teacher."""
    result = bivariate_pid(p)
    assert result.mi_1 - result.mi_2 <= result.unique_1 + slack(result)


@settings(max_examples=80)
@given(joints(), generators())
def test_ii_a_function_of_the_teacher_has_no_more_unique_information(p: np.ndarray, rng: np.random.Generator) -> None:
    """T1 = h(T2): Uni(Y:T1\\S) <= Uni(Y:T2\\S)."""
    n_t = p.shape[1]
    function = np.eye(n_t)[rng.integers(n_t, size=n_t)]
    whole, less = bivariate_pid(p), bivariate_pid(np.einsum("yts,tu->yus", p, function))
    assert less.unique_1 <= whole.unique_1 + slack(whole, less)


@settings(max_examples=80)
@given(joints())
def test_iii_redundant_and_unique_information_of_the_teacher_add_up_to_what_it_knows(p: np.ndarray) -> None:
    """Red + Uni_T = I(Y;T), and both lie between 0 and I(Y;T)."""
    result = bivariate_pid(p)
    assert result.redundancy + result.unique_1 == pytest.approx(result.mi_1, abs=ROUNDING)
    for part in (result.redundancy, result.unique_1):
        assert -slack(result) <= part <= result.mi_1 + slack(result)


@settings(max_examples=30)
@given(generators())
def test_iii_for_one_teacher_redundancy_rises_exactly_as_unique_information_falls(rng: np.random.Generator) -> None:
    """Over students of one fixed teacher, the changes of Red and Uni_T cancel."""
    p_yt = random_joint(rng, (3, 4, 1))[:, :, 0]
    results = [bivariate_pid(p_yt[:, :, None] * rng.dirichlet(np.full(3, 0.3), size=4)) for _ in range(4)]
    results.sort(key=lambda result: result.redundancy)
    assume(results[0].mi_1 > 1e-6)
    for low, high in itertools.pairwise(results):
        risen, fallen = high.redundancy - low.redundancy, low.unique_1 - high.unique_1
        assert risen == pytest.approx(fallen, abs=ROUNDING)
