"""A student is not bounded by its teacher: I(Y;S) <= I(Y;T), the data-processing claim, is false.

S is a function of the input and of a training set that the teacher labelled, not of the teacher's answer to this input:
Y - T - S is no Markov chain. A student of a teacher that errs at random learns the rule and not the errors.
"""

import numpy as np
import pytest
import torch
from torch import Tensor

from pidkit import pid_from_samples
from tests.theory.worlds import World, linear_student, one_hot


def answers(rule: Tensor, world: World, *, right: float) -> Tensor:
    """The rule's answers, each replaced by one of the two others with the rest of the probability."""
    wrong = (rule + torch.randint(1, 3, rule.shape, generator=world.generator)) % 3
    return torch.where(torch.rand(rule.shape, generator=world.generator) < right, rule, wrong)


@pytest.mark.parametrize("right", [0.5, 0.7])
def test_a_student_of_a_teacher_that_errs_at_random_knows_more_than_it(right: float) -> None:
    world = World(0)
    x, test = world.normal(3000, 5), world.normal(4000, 5)
    told = answers((x @ world.weights.T).argmax(1), world, right=right)
    student = linear_student(x, 0.9 * one_hot(told) + 0.1 / 3)
    y = (test @ world.weights.T).argmax(1)
    t, s = answers(y, world, right=right), (test @ student.T).argmax(1)
    accuracies = [float((one == y).double().mean()) for one in (t, s)]
    assert accuracies[0] == pytest.approx(right, abs=0.02)
    assert accuracies[1] > 0.88
    found = pid_from_samples(y=y.numpy(), x1=t.numpy(), x2=s.numpy())
    assert found.mi_2 > found.mi_1 + 0.3
    assert found.unique_2 > 0.3 > 0.01 > found.unique_1


def test_a_function_of_the_teachers_answer_is_bounded_by_it() -> None:
    """What is true of the claim: a table of the teacher's answers, the student's capacity, cannot add anything."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=3000)
    t = np.where(rng.random(3000) < 0.7, y, rng.integers(3, size=3000)) + 3 * rng.integers(2, size=3000)
    for table in rng.integers(2, size=(5, 6)):
        found = pid_from_samples(y=y, x1=t, x2=table[t])
        assert found.mi_2 <= found.mi_1 + 1e-9
        assert abs(found.unique_2) < 1e-6
