"""Examples 1 to 3 of Dissanayake et al. (AISTATS 2025): the information that a distilling student should not chase.

T is the teacher (source 1), S the student (source 2), Y the task.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from pidkit import bivariate_pid, gate
from tests.pid.strategies import generators, random_joint
from tests.theory.students import deterministic, information, joint_of, student_entropy

ROUNDING = 1e-12


@settings(max_examples=60)
@given(generators())
def test_example_1_an_uninformative_teacher_has_nothing_to_give_to_any_student(rng: np.random.Generator) -> None:
    """If I(Y;T) = 0, then Red = Uni_T = 0 whatever the student, even one that depends on both Y and T."""
    n_y, n_t, n_s = rng.integers(1, 6, 3)
    p_yt = np.outer(rng.dirichlet(np.ones(n_y)), rng.dirichlet(np.ones(n_t)))
    result = bivariate_pid(p_yt[:, :, None] * rng.dirichlet(np.full(n_s, 0.5), size=(n_y, n_t)))
    assert result.mi_1 == pytest.approx(0.0, abs=ROUNDING)
    assert result.redundancy == pytest.approx(0.0, abs=result.report.gap + ROUNDING)
    assert result.unique_1 == pytest.approx(0.0, abs=result.report.gap + ROUNDING)


@pytest.mark.parametrize("n_t", [2, 4, 7])
def test_example_1_the_student_that_copies_an_uninformative_teacher_maximises_their_information(n_t: int) -> None:
    """I(T;S) reaches its ceiling H(T) at S = T, and all of it is beside the point: Red = 0."""
    p_t = np.random.default_rng(n_t).dirichlet(np.ones(n_t))
    p_yt = np.outer([0.3, 0.7], p_t)
    copy = np.eye(n_t)
    assert information(p_yt, copy) == pytest.approx(student_entropy(p_yt, copy), abs=ROUNDING)
    assert information(p_yt, copy) == pytest.approx(-(p_t * np.log2(p_t)).sum(), abs=ROUNDING)
    result = bivariate_pid(joint_of(p_yt, copy))
    assert result.redundancy == pytest.approx(0.0, abs=result.report.gap + ROUNDING)


# Example 2: T = (U1, U2), the task Y = U1 is Bernoulli(.2), the nuisance U2 a fair bit; t = 2 u1 + u2.
OVER_COMPLEX = np.array([[0.4, 0.4, 0.0, 0.0], [0.0, 0.0, 0.1, 0.1]])
TASK_ENTROPY = -(0.2 * np.log2(0.2) + 0.8 * np.log2(0.8))


def test_example_2_every_one_bit_function_of_an_over_complex_teacher() -> None:
    """Among all 16 maps, I(T;S) is largest (1 bit) only where Red = 0; Red is largest (h(.2)) only at S = U1."""
    students = {codes: np.eye(2)[list(codes)] for codes in itertools.product((0, 1), repeat=4)}
    shared = {codes: information(OVER_COMPLEX, channel) for codes, channel in students.items()}
    red = {codes: bivariate_pid(joint_of(OVER_COMPLEX, channel)).redundancy for codes, channel in students.items()}

    most_shared = {codes for codes, value in shared.items() if value > max(shared.values()) - 1e-9}
    assert max(shared.values()) == pytest.approx(1.0, abs=ROUNDING)
    assert {(0, 1, 0, 1), (1, 0, 1, 0)} <= most_shared  # S = U2
    assert all(abs(red[codes]) <= 1e-9 for codes in most_shared)

    most_red = {codes for codes, value in red.items() if value > max(red.values()) - 1e-6}
    assert most_red == {(0, 0, 1, 1), (1, 1, 0, 0)}  # S = U1
    assert max(red.values()) == pytest.approx(TASK_ENTROPY, abs=1e-9)
    assert all(shared[codes] == pytest.approx(TASK_ENTROPY, abs=ROUNDING) for codes in most_red)


def test_example_2_no_stochastic_one_bit_student_does_better() -> None:
    """2000 channels, many of them near a corner, and a grid: none beats S = U2 in I(T;S), none S = U1 in Red."""
    rng = np.random.default_rng(0)
    one = np.concatenate(
        [
            rng.beta(0.2, 0.2, (1000, 4)),
            rng.random((375, 4)),
            list(itertools.product((0.1, 0.3, 0.5, 0.7, 0.9), repeat=4)),
        ]
    )
    channels = np.stack([1.0 - one, one], axis=2)
    assert len(channels) == 2000
    assert max(information(OVER_COMPLEX, channel) for channel in channels) < 1.0
    assert max(bivariate_pid(joint_of(OVER_COMPLEX, channel)).redundancy for channel in channels) < TASK_ENTROPY


def test_example_3_conditional_information_counts_synergy_as_knowledge_to_distil() -> None:
    """XOR: I(Y;T|S) = 1 bit, yet T alone holds nothing that S could take over: Uni_T = 0."""
    result = bivariate_pid(gate("XOR").joint)
    assert result.mi_joint - result.mi_2 == pytest.approx(1.0, abs=ROUNDING)
    assert result.unique_1 == pytest.approx(0.0, abs=1e-9)


def test_example_3_a_difference_of_information_misses_what_is_different() -> None:
    """UNQ: I(Y;T) - I(Y;S) = 0, yet the teacher holds a whole bit that the student lacks."""
    result = bivariate_pid(gate("UNQ").joint)
    assert result.mi_1 - result.mi_2 == pytest.approx(0.0, abs=ROUNDING)
    assert result.unique_1 == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=40)
@given(generators())
def test_example_3_a_student_with_all_label_information_leaves_nothing_to_distil(rng: np.random.Generator) -> None:
    """S = P(Y|T), a function of T that keeps everything about Y: Uni_T = 0 and Red = I(Y;T)."""
    base = random_joint(rng, (3, 3, 1))[:, :, 0]
    codes = list(rng.integers(3, size=6))
    codes[:3] = [0, 1, 2]
    p_yt = base[:, codes] * rng.dirichlet(np.ones(6))  # teacher symbols of one code share P(Y|T)
    p_yt /= p_yt.sum()
    result = bivariate_pid(joint_of(p_yt, deterministic(codes)))
    assert result.unique_1 == pytest.approx(0.0, abs=result.report.gap + ROUNDING)
    assert result.redundancy == pytest.approx(result.mi_1, abs=result.report.gap + ROUNDING)


@settings(max_examples=40)
@given(generators())
def test_example_3_how_the_three_candidates_are_ordered(rng: np.random.Generator) -> None:
    """I(Y;T) - I(Y;S) <= Uni_T <= I(Y;T|S), always."""
    result = bivariate_pid(random_joint(rng, tuple(rng.integers(1, 6, 3))))
    slack = result.report.gap + ROUNDING
    assert result.mi_1 - result.mi_2 <= result.unique_1 + slack
    assert result.unique_1 <= result.mi_joint - result.mi_2 + slack
