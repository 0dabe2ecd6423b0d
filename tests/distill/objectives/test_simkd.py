"""SimKD: mean squares by hand, a student that ends in the teacher's head, which gradients pass and nothing changes."""

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import LayerPair, Phase, ReusedHead, SimKD, tap
from tests.distill.objectives.by_hand import LABELS, layers, pair_of, slope


def borrowing() -> tuple[nn.Sequential, ReusedHead]:
    """A teacher, and a student that ends in all of it but its first layer."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        teacher = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
        return teacher, ReusedHead(nn.Conv2d(1, 2, 3, padding=1), teacher[1:], channels_in=2, channels_out=4)


def test_value_and_gradient_by_hand() -> None:
    student = torch.tensor([[1.0, 2.0]], requires_grad=True)
    teacher = torch.tensor([[0.0, 5.0]])
    objective, batch = SimKD([pair_of(teacher, student)]), layers(teacher, student)
    assert float(objective(batch, LABELS[:1]).detach()) == 5.0  # (1 + 9) / 2
    assert slope(objective, batch, LABELS[:1], student).tolist() == [[1.0, -3.0]]


def test_a_student_with_the_teachers_features_gives_the_teachers_answers() -> None:
    teacher, student = borrowing()
    x = torch.randn(2, 1, 4, 4)
    assert torch.equal(student.head(teacher[0](x)), teacher(x))
    assert [p.shape[:2] for p in student.projector.parameters() if p.ndim == 4] == [(2, 2), (2, 2), (4, 2)]


def test_it_trains_the_body_and_leaves_the_head() -> None:
    teacher, student = borrowing()
    networks = tap(teacher=teacher, student=student, layers=[("0", "projector")], example=torch.zeros(2, 1, 4, 4))
    networks.train()
    assert not student.head.model.training
    SimKD(networks.pairs)(networks(torch.randn(4, 1, 4, 4)), LABELS, Phase.STUDENT).backward()
    assert all(p.grad is not None for part in (student.body, student.projector) for p in part.parameters())
    assert all(p.grad is None and not p.requires_grad for p in student.head.parameters())


def test_what_is_refused() -> None:
    with pytest.raises(
        InputError, match='with different channels; let the student end in a ReusedHead and tap its "proj'
    ):
        SimKD([LayerPair("t", "s", (4, 2, 2), (3, 2, 2))])
    with pytest.raises(InputError, match="narrowing is 9, more than the teacher's 4 channels"):
        ReusedHead(nn.Identity(), nn.Identity(), channels_in=2, channels_out=4, narrowing=9)
