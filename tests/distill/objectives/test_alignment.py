"""Cross-modal alignment: value and gradient by hand, and two networks that read different channels of one input."""

import math

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import CrossModalAlignment, LayerPair, tap
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def identity(tau: float) -> CrossModalAlignment:
    alignment = CrossModalAlignment(LayerPair("t", "s", (2,), (2,)), embedding=2, temperature=tau).double()
    with torch.no_grad():
        for linear in alignment.maps.values():
            linear.weight.copy_(torch.eye(2))
            linear.bias.zero_()
    return alignment


def test_value_and_gradient_by_hand() -> None:
    # Scores [[1, 0], [0, 1]] / (1/2): -log softmax = log(1 + e^-2) in rows and columns.
    rows = torch.eye(2, dtype=torch.float64)
    student = rows.clone().requires_grad_(True)
    objective, batch = identity(0.5), layers(rows, student)
    assert float(objective(batch, LABELS[:2]).detach()) == pytest.approx(math.log1p(math.exp(-2.0)))
    # Sample 0's second coordinate y: its score with t_1 is 2 y; in a row and in a column it is wrong with
    # probability 1 / (1 + e^2), two samples: 1/2 (1/2 + 1/2) 2 / (1 + e^2).
    gradient = slope(objective, batch, LABELS[:2], student)
    assert gradient[0].tolist() == pytest.approx([0.0, 1.0 / (1.0 + math.exp(2.0))])


class Half(nn.Module):
    """Reads one of the two halves of its input."""

    def __init__(self, start: int, width: int) -> None:
        super().__init__()
        self.start, self.body, self.classes = start, nn.Linear(2, width), nn.Linear(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classes(self.body(x[:, self.start : self.start + 2]))


def test_two_modalities_of_one_input() -> None:
    networks = tap(teacher=Half(0, 4), student=Half(2, 3), layers="body", example=torch.zeros(2, 4))
    loss = CrossModalAlignment(networks.pairs[0], embedding=3)(networks(torch.randn(5, 4)), torch.zeros(5).long())
    loss.backward()
    assert networks.student.get_submodule("body").weight.grad is not None


def test_single_samples_are_refused() -> None:
    row = torch.ones(1, 2, dtype=torch.float64)
    with pytest.raises(InputError, match="CrossModalAlignment needs at least 2 samples a batch"):
        identity(0.5)(layers(row, row), LABELS[:1])
    assert pair_of(row, row).student_shape == (2,)
