"""MLKD: the three alignments by hand, their gradient, and temperatures that add up."""

import math
from typing import Any

import pytest
import torch

from pidkit import InputError
from pidkit.distill import KD, MLKD
from tests.distill.objectives.by_hand import LABELS, answers


def test_value_by_hand() -> None:
    # tau 1; teacher rows (3/4, 1/4) and (1/4, 3/4), student rows (1/2, 1/2).
    # Instances: KL = .130812. Batch: Q Q' = [[10, 6], [6, 10]] / 16, P P' = 1/2 everywhere: 4 (1/8)^2 / 2 = 1/32.
    # Classes: Q' Q is the same matrix, P' P = 1/2 everywhere: 1/32.
    teacher = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]])
    loss = MLKD((1.0,))(answers(torch.zeros(2, 2), teacher), LABELS[:2])
    assert float(loss.detach()) == pytest.approx(0.130812 + 2 / 32, abs=1e-6)


def test_gradient_by_hand() -> None:
    # As above. Instances: (p - q) / 2. The two matrices move by -2 (Q Q' - P P') dP' P ..., which is 0 here: their
    # differences are +-1/8 with rows of sum 0, and P's rows are all alike.
    teacher = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]])
    student = torch.zeros(2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(MLKD((1.0,))(answers(student, teacher), LABELS[:2]), student)
    torch.testing.assert_close(gradient, torch.tensor([[-0.125, 0.125], [0.125, -0.125]]), rtol=0, atol=1e-6)


def test_temperatures_add_up_and_the_first_part_is_kd() -> None:
    generator = torch.Generator().manual_seed(0)
    batch = answers(*torch.randn(2, 3, 4, generator=generator, dtype=torch.float64))
    each = [MLKD((tau,))(batch, LABELS) for tau in (2.0, 5.0)]
    torch.testing.assert_close(MLKD((2.0, 5.0))(batch, LABELS), each[0] + each[1])
    (p, q) = ((z / 2.0).softmax(1) for z in (batch.student.logits, batch.teacher.logits))
    samples = sum(float((q[i] @ q[j] - p[i] @ p[j]) ** 2) for i in range(3) for j in range(3)) / 3
    classes = sum(float((q[:, c] @ q[:, d] - p[:, c] @ p[:, d]) ** 2) for c in range(4) for d in range(4)) / 4
    assert float(each[0]) == pytest.approx(float(KD(2.0)(batch, LABELS)) + samples + classes)


@pytest.mark.parametrize(
    ("wrong", "message"), [((), "temperatures is empty"), ((2.0, 0.0), "every temperature in temp")]
)
def test_what_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MLKD(wrong)
