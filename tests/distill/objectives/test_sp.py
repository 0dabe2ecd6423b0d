"""SP: value and gradient by hand, layers of any shapes, and no change for features that are turned or scaled."""

import pytest
import torch

from pidkit.distill import SP
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def test_value_and_gradient_by_hand() -> None:
    # Teacher rows (1, 0), (0, 1): G_T = 1. Student rows a = 3, b = 4: rows of Q Q' are a (a, b) and b (a, b), so that
    # both rows of G_S are (3, 4) / 5: squares .16 + .64 + .36 + .04 = 1.2 over 4.
    teacher = torch.eye(2)
    student = torch.tensor([[3.0], [4.0]], dtype=torch.float64, requires_grad=True)
    objective, batch = SP([pair_of(teacher, student)]), layers(teacher, student)
    assert float(objective(batch, LABELS[:2]).detach()) == pytest.approx(0.3)
    # With u = a / |(a, b)|, v = b / |.|: ((u - 1)^2 + v^2 + u^2 + (v - 1)^2) / 4 = 1 - (u + v) / 2,
    # d/da = -(1 / |.| - a (a + b) / |.|^3) / 2 = -(.2 - 3 * 7 / 125) / 2.
    gradient = slope(objective, batch, LABELS[:2], student)
    assert gradient.flatten().tolist() == pytest.approx([-0.016, 0.012], abs=1e-6)


def test_only_the_samples_are_compared() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher = torch.randn(3, 4, 2, 2, generator=generator, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(16, 16, generator=generator, dtype=torch.float64))
    student = (5.0 * teacher.flatten(1) @ turn).reshape(3, 16)
    loss = SP([pair_of(teacher, student)] * 2)(layers(teacher, student), LABELS)
    assert float(loss) == pytest.approx(0.0, abs=1e-12)
