"""DIST: the correlations by hand, a twin in numpy, what costs nothing, and finite gradients where nothing varies."""

import numpy as np
import pytest
import torch

from pidkit.distill import DIST
from tests.distill.objectives.by_hand import LABELS, answers


def test_value_by_a_twin_in_numpy() -> None:
    student, teacher = np.random.default_rng(0).normal(size=(2, 5, 4))
    p, q = (np.exp(z / 2) / np.exp(z / 2).sum(1, keepdims=True) for z in (student, teacher))
    rows = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)]
    columns = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)]
    loss = DIST(2.0, 3.0, temperature=2.0)(answers(torch.tensor(student), torch.tensor(teacher)), LABELS)
    assert float(loss.detach()) == pytest.approx(4.0 * (2.0 * np.mean(rows) + 3.0 * np.mean(columns)), rel=1e-5)


def test_opposite_answers_by_hand() -> None:
    # Every row and every column has correlation -1: (1 + 1) (beta + gamma) = 2 + 2.
    teacher = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    assert float(DIST()(answers(teacher.flip(0), teacher), LABELS[:2])) == pytest.approx(4.0, abs=1e-5)


def test_gradient_by_hand() -> None:
    # Two classes: a row's correlation is the sign of p_0 - q's, flat; only columns could pull, and of two rows they are
    # flat as well: no gradient. With three rows the slope is that of Pearson's formula, by difference quotients.
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 3, 3, generator=generator, dtype=torch.float64)
    student.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: DIST()(answers(z, teacher), LABELS), student)
    flat = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(DIST()(answers(flat, torch.tensor([[1.0, 0.0], [0.0, 3.0]])), LABELS[:2]), flat)
    assert float(gradient.abs().max()) < 1e-6


def test_a_linear_change_of_the_teachers_probabilities_costs_nothing() -> None:
    q = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5]], dtype=torch.float64)
    p = 0.4 * q + 0.6 / 3
    assert float(DIST()(answers(p.log(), q.log()), LABELS)) == pytest.approx(0.0, abs=1e-5)


def test_a_student_that_answers_all_alike_has_finite_gradients() -> None:
    student = torch.zeros(3, 3, requires_grad=True)
    teacher = torch.tensor([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]])
    (gradient,) = torch.autograd.grad(DIST()(answers(student, teacher), LABELS), student)
    assert 0.0 < float(gradient.abs().max()) < 1e5
