"""DKD: values by hand, KD taken apart, its gradients, warm-up, places without labels and masked teachers."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill import DKD, KD, SalientMask
from tests.distill.objectives.by_hand import answers

LOG3 = math.log(3.0)
LABEL = torch.tensor([0])


def test_value_and_gradient_by_hand() -> None:
    # Teacher (3/5, 1/5, 1/5), student (1/3, 1/3, 1/3), label 0, tau 1.
    # TCKD: 3/5 log(9/5) + 2/5 log(3/5) = .148339; NCKD: the others are (1/2, 1/2) for both, 0.
    student = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    loss = DKD(alpha=2.0, beta=8.0, temperature=1.0)(answers(student, torch.tensor([[LOG3, 0.0, 0.0]])), LABEL)
    assert float(loss.detach()) == pytest.approx(2.0 * (0.6 * math.log(1.8) + 0.4 * math.log(0.6)), abs=1e-6)
    # d TCKD / d z: the label's q - p = 1/3 - 3/5, shared by the others in proportion 1/2 : 1/2.
    (gradient,) = torch.autograd.grad(loss, student)
    wanted = torch.tensor([[-8 / 15, 4 / 15, 4 / 15]], dtype=torch.float64)
    torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-6)


def test_the_other_classes_by_hand() -> None:
    # The label's probability is 1/2 for both; among the others the teacher has (3/4, 1/4), the student (1/2, 1/2).
    teacher, student = torch.tensor([[0.5, 0.375, 0.125]]).log(), torch.tensor([[0.5, 0.25, 0.25]]).log()
    student.requires_grad_(True)
    loss = DKD(alpha=5.0, beta=2.0, temperature=1.0)(answers(student, teacher), LABEL)
    assert float(loss.detach()) == pytest.approx(2.0 * 0.130812, abs=1e-5)
    (gradient,) = torch.autograd.grad(loss, student)
    torch.testing.assert_close(gradient, torch.tensor([[0.0, -0.5, 0.5]]), rtol=0, atol=1e-6)


def test_kd_is_tckd_plus_the_teachers_rest_times_nckd() -> None:
    """The paper's eq. 6, for one sample, at tau 4."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 1, 6, generator=generator, dtype=torch.float64)
    batch, label = answers(student, teacher), torch.tensor([2])
    rest = 1.0 - float((teacher / 4.0).softmax(1)[0, 2])
    parts = [DKD(alpha=a, beta=b, temperature=4.0)(batch, label) for a, b in ((1.0, 0.0), (0.0, rest))]
    torch.testing.assert_close(parts[0] + parts[1], KD(4.0)(batch, label))


def test_the_warm_up_is_linear_and_saved() -> None:
    batch = answers(torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 0.0]]))
    objective, full = DKD(warm_up=4), float(DKD()(batch, LABEL))
    found = []
    for epoch in range(6):
        objective.set_epoch(epoch)
        found.append(float(objective(batch, LABEL)) / full)
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    objective.set_epoch(1)
    other = DKD(warm_up=4)
    other.load_state_dict(objective.state_dict())
    assert float(other(batch, LABEL)) == pytest.approx(0.5 * full)


def test_places_without_a_label_are_left_out() -> None:
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 2, 3, 4, generator=generator)
    labels = torch.tensor([[0, 1, -100, 2], [-100, -100, 2, 0]])
    rows = [logits.movedim(1, -1)[labels != -100] for logits in (student, teacher)]
    expected = DKD()(answers(*rows), labels[labels != -100])
    torch.testing.assert_close(DKD()(answers(student, teacher), labels), expected)
    with pytest.raises(InputError, match=r"labels hold nothing but -100, .* DKD needs a label"):
        DKD()(answers(student, teacher), torch.full((2, 4), -100))


def test_a_teacher_masked_to_its_label_says_nothing_of_the_others() -> None:
    student = torch.tensor([[0.5, 0.0, -1.0]], requires_grad=True)
    loss = SalientMask(DKD(alpha=1.0, beta=8.0, temperature=1.0), keep=0.1)(
        answers(student, torch.tensor([[3.0, 1.0, 0.0]])), LABEL
    )
    assert float(loss.detach()) == pytest.approx(-float(student.detach().log_softmax(1)[0, 0]), abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, student)
    assert bool(torch.isfinite(gradient).all())


def test_networks_of_different_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(1, 3\) and the student's \(1, 2\); DKD needs both"):
        DKD()(answers(torch.zeros(1, 2), torch.zeros(1, 3)), LABEL)
