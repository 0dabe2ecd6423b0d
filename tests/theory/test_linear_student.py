"""Phuong and Lampert (ICML 2019), theorem 1: a linear student recovers its teacher, as far as the inputs reach.

Gradient descent from zero on the cross-entropy to the teacher's probabilities ends at the teacher's weights projected
onto the span of the inputs: at the teacher where there are as many independent inputs as dimensions.
"""

import pytest
import torch
from torch import Tensor

from pidkit.distill import KD, Batch, Outputs


def descended(x: Tensor, teacher: Tensor, steps: int = 20000) -> Tensor:
    """The weights of a binary linear student after gradient descent on KD from zero, with a step of one over L."""
    logits = torch.stack([torch.zeros(len(x), dtype=torch.float64), x @ teacher], 1)
    outputs, none = {"teacher": Outputs(logits, {})}, torch.zeros(len(x), dtype=torch.int64)
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    smoothness = float(torch.linalg.eigvalsh(x.T @ x).max()) / (4 * len(x))
    for _ in range(steps):
        student = torch.stack([torch.zeros(len(x), dtype=torch.float64), x @ weights], 1)
        loss = KD(1.0)(Batch(Outputs(student, {}), outputs), none)
        (slope,) = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            weights -= slope / smoothness
        if float(slope.norm()) < 1e-12:
            break
    return weights.detach()


@pytest.mark.parametrize(("n", "recovers"), [(3, False), (10, True)])
def test_it_ends_at_the_projection_of_the_teacher(n: int, recovers: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    teacher = torch.randn(4, generator=generator, dtype=torch.float64)
    student = descended(x, teacher)
    projected = torch.linalg.pinv(x) @ x @ teacher
    assert float((student - projected).norm() / teacher.norm()) < 1e-9
    missed = float((student - teacher).norm() / teacher.norm())
    assert missed < 1e-9 if recovers else missed > 0.05
