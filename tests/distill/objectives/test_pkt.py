"""PKT: value and gradient by hand, the printed sum, and opposite features."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill import PKT
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope

TEACHER = torch.eye(2, dtype=torch.float64)


def test_value_and_gradient_by_hand() -> None:
    # Teacher: K = [[1, 1/2], [1/2, 1]], neighbours (2/3, 1/3). Student, both rows alike: (1/2, 1/2).
    # KL = 2/3 log(4/3) + 1/3 log(2/3) = .056633 a row, two rows over 4.
    student = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    pair, batch = pair_of(TEACHER, student), layers(TEACHER, student)
    kl = 2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2 / 3)
    assert float(PKT([pair])(batch, LABELS[:2]).detach()) == pytest.approx(kl / 2)
    assert float(PKT([pair], reduction="sum")(batch, LABELS[:2]).detach()) == pytest.approx(2 * kl)
    # The cosine is at its maximum: no slope. At cosine c the student's second probability is (1 + c) / (3 + c).
    assert slope(PKT([pair]), batch, LABELS[:2], student).abs().max() < 1e-12
    turned = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64, requires_grad=True)
    gradient = slope(PKT([pair], reduction="sum"), layers(TEACHER, turned), LABELS[:2], turned)[1]
    # d KL / d c of both rows: -2 (1/3 / (1 + c) - 1 / (3 + c)), with d c / d row = (1 - c^2, -c s).
    by_cosine = -2.0 * (1 / 3 / 1.6 - 1 / 3.6)
    assert gradient.tolist() == pytest.approx([by_cosine * 0.64, -by_cosine * 0.48])


def test_opposite_features_have_a_finite_loss_and_single_samples_none() -> None:
    student = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    objective = PKT([pair_of(TEACHER, student)])
    assert float(objective(layers(TEACHER, student), LABELS[:2]).detach()) < 3.0
    with pytest.raises(InputError, match="PKT needs at least 2 samples a batch"):
        objective(layers(TEACHER[:1], student[:1]), LABELS[:1])
