"""Standardised logits: by hand, what no longer matters, places, masked classes, and students without any opinion."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill import DKD, KD, CrossEntropy, SalientMask, StandardisedLogits
from tests.distill.objectives.by_hand import LABELS, answers


def test_value_and_gradient_by_hand() -> None:
    # z = (1, 3): mean 2, standard deviation 1: (-1, 1). The teacher's (5, 5 + 2 d): the same whatever d > 0; its flip
    # is (1, -1). KD at tau 1 of p = sigmoid(2) either way: (2 p - 1) log(p / (1 - p)) = (2 p - 1) 2.
    p = 1.0 / (1.0 + math.exp(-2.0))
    student = torch.tensor([[1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([[9.0, 5.0]], dtype=torch.float64)
    loss = StandardisedLogits(KD(1.0))(answers(student, teacher), LABELS[:1])
    assert float(loss.detach()) == pytest.approx(2.0 * (2.0 * p - 1.0), abs=1e-6)
    # Two standardised logits can only be (-1, 1) or (1, -1): no direction changes them.
    assert float(torch.autograd.grad(loss, student)[0].abs().max()) < 1e-6


def test_it_is_the_objective_of_z_scores() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    scored = [(z - z.mean(1, keepdim=True)) / z.std(1, keepdim=True, correction=0) for z in (student, teacher)]
    for objective in (KD(2.0), DKD(temperature=2.0)):
        found = StandardisedLogits(objective)(answers(student, teacher), LABELS)
        torch.testing.assert_close(found, objective(answers(*scored), LABELS), rtol=1e-6, atol=1e-7)


def test_the_students_gradient_goes_through_mean_and_deviation() -> None:
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64)
    objective = StandardisedLogits(KD(2.0))
    student.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: objective(answers(z, teacher), LABELS), student)
    (gradient,) = torch.autograd.grad(objective(answers(student, teacher), LABELS), student)
    assert (
        float((gradient * (student - student.mean(1, keepdim=True)).detach()).sum().abs()) < 1e-6
    )  # size does not matter
    assert float(gradient.sum(1).abs().max()) < 1e-9  # nor does an offset


def test_masks_inside_and_outside() -> None:
    generator = torch.Generator().manual_seed(2)
    student, teacher = torch.randn(2, 3, 4, generator=generator)
    inside = StandardisedLogits(SalientMask(KD(2.0), keep=0.5))(answers(student, teacher), LABELS)
    outside = SalientMask(StandardisedLogits(KD(2.0)), keep=0.5)(answers(student, teacher), LABELS)
    assert bool(torch.isfinite(inside))
    assert bool(torch.isfinite(outside))
    assert float(inside) != pytest.approx(float(outside))  # of four classes, or of the two that are left


def test_places_and_equal_logits() -> None:
    student = torch.zeros(2, 3, 2, requires_grad=True)
    teacher, labels = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(3)), torch.zeros(2, 2).long()
    (gradient,) = torch.autograd.grad(StandardisedLogits(KD())(answers(student, teacher), labels), student)
    assert 0.0 < float(gradient.abs().max()) < 1e5
    with pytest.raises(InputError, match=r"labels must have shape \(2, 2\)"):
        StandardisedLogits(KD())(answers(student, teacher), labels[:, :1])


def test_it_wraps_objectives_alone() -> None:
    with pytest.raises(InputError, match="objective must be an Objective, not Tanh"):
        StandardisedLogits(torch.nn.Tanh())  # type: ignore[arg-type]
    assert repr(StandardisedLogits(CrossEntropy())).startswith("StandardisedLogits")
