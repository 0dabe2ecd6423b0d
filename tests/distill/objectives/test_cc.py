"""CC: value and gradient by hand, and the series against the Gaussian kernel that it stands for."""

import math

import pytest
import torch

from pidkit.distill import CC
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def test_value_and_gradient_by_hand() -> None:
    # Order 1, gamma 1/2: K = e^-1 (1 + cosine). Teacher cosine 0, student cosine c = 3/5: two entries of
    # (c / e)^2, over 4. In the student's second row r (3, 4) / 5, d c / d row = (1 - c^2, -c 4/5) / r with r = 5.
    teacher = torch.eye(2)
    student = torch.tensor([[1.0, 0.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    objective, batch = CC([pair_of(teacher, student)], gamma=0.5, order=1), layers(teacher, student)
    assert float(objective(batch, LABELS[:2]).detach()) == pytest.approx(0.5 * (0.6 / math.e) ** 2)
    gradient = slope(objective, batch, LABELS[:2], student)[1]
    size = 0.6 / math.e**2
    assert gradient.tolist() == pytest.approx([size * 0.64 / 5, -size * 0.48 / 5])


def test_a_long_series_is_the_gaussian_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher, student = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    loss = CC([pair_of(teacher, student)], gamma=0.4, order=30)(layers(teacher, student), LABELS)
    kernels = []
    for rows in (teacher, student):
        unit = rows / rows.norm(dim=1, keepdim=True)
        kernels.append((-0.4 * torch.cdist(unit, unit).square()).exp())
    assert float(loss) == pytest.approx(float((kernels[0] - kernels[1]).square().mean()))
