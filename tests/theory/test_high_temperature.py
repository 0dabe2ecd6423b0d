"""Hinton, Vinyals and Dean (2015), section 2.1: hot soft targets match logits, and tau^2 keeps the scale."""

import pytest
import torch
from torch import Tensor

from pidkit.distill import KD, Batch, Outputs

GENERATOR = torch.Generator().manual_seed(0)
STUDENT, TEACHER = 2.0 * torch.randn(2, 64, 10, generator=GENERATOR, dtype=torch.float64)


def gradient(tau: float) -> Tensor:
    """The derivative of KD, a sample."""
    logits = STUDENT.clone().requires_grad_(True)
    batch = Batch(Outputs(logits, {}), {"teacher": Outputs(TEACHER, {})})
    (slope,) = torch.autograd.grad(KD(tau)(batch, torch.zeros(64, dtype=torch.int64)), logits)
    return 64 * slope


def test_the_gradient_tends_to_the_difference_of_centred_logits_as_one_over_tau() -> None:
    limit = (STUDENT - STUDENT.mean(1, keepdim=True) - TEACHER + TEACHER.mean(1, keepdim=True)) / 10
    errors = {tau: float((gradient(tau) - limit).norm() / limit.norm()) for tau in (1.0, 4.0, 16.0, 64.0, 256.0)}
    assert errors[256.0] < 0.006
    for tau in (16.0, 64.0):
        assert errors[tau] / errors[4 * tau] == pytest.approx(4.0, rel=0.02)
    # At the temperatures that are in use the limit is no description: off by .3 of its length at 4.
    assert errors[4.0] > 0.25


def test_the_factor_tau_squared_keeps_the_length_of_the_gradient() -> None:
    lengths = {tau: float(gradient(tau).norm()) for tau in (1.0, 2.0, 4.0, 8.0, 64.0)}
    assert max(lengths.values()) / min(lengths.values()) < 1.15
    assert (lengths[64.0] / 64**2) / (lengths[8.0] / 8**2) == pytest.approx(1 / 64, rel=0.01)
