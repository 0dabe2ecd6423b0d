"""RKD: distances and angles by hand with their gradients, twins in loops, equal samples."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill import RKD
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope

TEACHER = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]], dtype=torch.float64)


def test_distances_by_hand() -> None:
    # Teacher 3, 4, 5, mean 4: 3/4, 1, 5/4. Student on a line 0, 1, 3: distances 1, 3, 2, mean 2: 1/2, 3/2, 1.
    # Huber of -1/4, 1/2, -1/4: (1/16 + 1/4 + 1/16) / 2 = 3/16, six of nine entries: 2 * 3/16 / 9.
    student = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64, requires_grad=True)
    objective = RKD([pair_of(TEACHER, student)], weight_distance=9.0, weight_angle=0.0)
    assert float(objective(layers(TEACHER, student), LABELS).detach()) == pytest.approx(2 * 3 / 16)
    # In units of u = x_2 - x_1 = 1, w = x_3 - x_2 = 2: distances over their mean are 3u, 3w, 3(u + w) over 2 (u + w).
    # With r = u / (u + w): (3r/2 - 3/4)^2 + (3(1 - r)/2 - 5/4)^2 + (1/2)^2, d/dr = 3 (-1/4) - 3 (-1/4) = 0.
    assert slope(objective, layers(TEACHER, student), LABELS, student).abs().max() < 1e-12
    moved = torch.tensor([[0.0], [2.0], [3.0]], dtype=torch.float64, requires_grad=True)
    # r = 2/3: 3 (1/4) - 3 (1/2 - 5/4) = 3; dr/dx_2 = 1/3.
    gradient = slope(objective, layers(TEACHER, moved), LABELS, moved)
    assert gradient.flatten().tolist() == pytest.approx([-2 / 3 * 0.5, 1.0, -1 / 3 * 2.0], abs=1e-9)


def test_angles_by_a_twin_in_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    objective = RKD([pair_of(TEACHER, student)], weight_distance=0.0, weight_angle=2.0)

    def angle(rows: torch.Tensor, i: int, j: int, k: int) -> float:
        if j in (i, k):
            return 0.0
        a, b = rows[i] - rows[j], rows[k] - rows[j]
        return float(a @ b / (a.norm() * b.norm()))

    total = 0.0
    for i in range(3):
        for j in range(3):
            for k in range(3):
                u = abs(angle(student, i, j, k) - angle(TEACHER, i, j, k))
                total += u * u / 2 if u <= 1 else u - 0.5
    assert float(objective(layers(TEACHER, student), LABELS)) == pytest.approx(2.0 * total / 27)
    student.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda rows: objective(layers(TEACHER, rows), LABELS), student)


def test_equal_samples_have_finite_gradients() -> None:
    student = torch.ones(3, 2, requires_grad=True)
    gradient = slope(RKD([pair_of(TEACHER, student)]), layers(TEACHER.float(), student), LABELS, student)
    assert bool(torch.isfinite(gradient).all())
    assert math.isfinite(float(gradient.abs().max()))


def test_what_is_refused() -> None:
    pair = pair_of(TEACHER, TEACHER)
    with pytest.raises(InputError, match="weight_distance and weight_angle are both 0"):
        RKD([pair], weight_distance=0.0, weight_angle=0.0)
    with pytest.raises(InputError, match="RKD needs at least 2 samples"):
        RKD([pair])(layers(TEACHER[:1], TEACHER[:1]), LABELS[:1])
