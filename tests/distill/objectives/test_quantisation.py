"""The error of rounding by hand, and its gradient, which pulls weights to the levels."""

import gc

import pytest
import torch
from torch import nn

from pidkit.distill import QuantisationError, fake_quantise
from pidkit.errors import InputError
from tests.distill.objectives.by_hand import LABELS, answers

BATCH = answers(torch.zeros(3, 2), torch.zeros(3, 2))


def test_value_and_gradient_by_hand() -> None:
    student = nn.Sequential(nn.Linear(3, 1), nn.Linear(1, 1)).double()
    with torch.no_grad():
        student[0].weight.copy_(torch.tensor([[3.0, 1.4, -0.3]]))
        student[1].weight.fill_(7.0)
    fake_quantise(student, bits=3, activation_bits=None)
    loss = QuantisationError(student)(BATCH, LABELS)
    # Off by 0, .4, -.3 and 0, of four weights.
    assert float(loss.detach()) == pytest.approx((0.16 + 0.09) / 4)
    loss.backward()
    gradient = student[0].get_submodule("parametrizations.weight").get_parameter("original").grad
    assert gradient is not None
    assert gradient.flatten().tolist() == pytest.approx([0.0, 0.2, -0.15])


def test_a_student_without_rounding_or_gone_is_refused() -> None:
    with pytest.raises(InputError, match="has no rounded weights"):
        QuantisationError(nn.Linear(2, 2))
    error = QuantisationError(fake_quantise(nn.Sequential(nn.Linear(2, 2))))
    gc.collect()
    with pytest.raises(InputError, match="the student of QuantisationError is gone"):
        error(BATCH, LABELS)
