"""LabelInformation: the cross-entropy of a linear decoder by hand; it stays above what the layer does not tell."""

import math

import pytest
import torch

from pidkit.distill import LabelInformation
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def test_value_and_gradient_by_hand() -> None:
    student = torch.tensor([[[[2.0, 4.0]]]], requires_grad=True)  # mean 3 over the places
    told = LabelInformation([pair_of(student, student)], n_classes=2)
    with torch.no_grad():
        told.heads[0].linear.weight.copy_(torch.tensor([[math.log(3.0) / 3.0], [0.0]]))
        told.heads[0].linear.bias.zero_()
    batch = layers(student.detach(), student)
    assert float(told(batch, LABELS[:1]).detach()) == pytest.approx(math.log(4.0 / 3.0))
    gradient = slope(told, batch, LABELS[:1], student)
    assert gradient.flatten().tolist() == pytest.approx([-0.25 * math.log(3.0) / 6.0] * 2)


def test_a_decoder_that_has_learnt_bounds_the_information_from_below() -> None:
    # A channel that tells a fair label with certainty: H(Y) - CE rises to log 2 and no further.
    labels = torch.arange(64) % 2
    student = (2.0 * labels - 1.0)[:, None]
    told = LabelInformation([pair_of(student, student)], n_classes=2)
    optimiser = torch.optim.SGD(told.parameters(), lr=1.0)
    for _ in range(200):
        optimiser.zero_grad()
        loss = told(layers(student, student), labels)
        loss.backward()
        optimiser.step()
    assert math.log(2.0) - 0.02 < math.log(2.0) - float(loss.detach()) < math.log(2.0)
