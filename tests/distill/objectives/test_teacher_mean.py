"""The mean of teachers: probabilities and logits by hand, gradients, and the mean of losses beside them."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import KD, Batch, MeanOfTeachers, Outputs, SeveralTeachers
from tests.distill.objectives.by_hand import LABELS, answers


def ensemble(student: torch.Tensor, *teachers: torch.Tensor) -> Batch:
    return Batch(Outputs(student, {}), {str(k): Outputs(logits, {}) for k, logits in enumerate(teachers)})


def test_probabilities_and_logits_by_hand() -> None:
    first, second = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([[0.1, 0.9]]).log() * 2.0
    student = torch.zeros(1, 2)
    probabilities = (first.softmax(1) + second.softmax(1)) / 2
    found = MeanOfTeachers(KD(1.0))(ensemble(student, first, second), LABELS[:1])
    torch.testing.assert_close(found, KD(1.0)(answers(student, probabilities.log()), LABELS[:1]))
    found = MeanOfTeachers(KD(3.0), of="logits")(ensemble(student, first, second), LABELS[:1])
    torch.testing.assert_close(found, KD(3.0)(answers(student, (first + second) / 2), LABELS[:1]))


def test_the_gradient_at_temperature_one_is_that_of_the_mean_of_losses() -> None:
    generator = torch.Generator().manual_seed(0)
    student, first, second = torch.randn(3, 3, 4, generator=generator, dtype=torch.float64)
    student.requires_grad_(True)
    batch = ensemble(student, first, second)
    losses = SeveralTeachers({"0": KD(1.0), "1": KD(1.0)}, {"0": 0.5, "1": 0.5})(batch, LABELS)
    mean = MeanOfTeachers(KD(1.0))(batch, LABELS)
    torch.testing.assert_close(*(torch.autograd.grad(loss, student)[0] for loss in (mean, losses)))


def test_teachers_of_different_classes_have_no_mean() -> None:
    with pytest.raises(InputError, match=r"the shapes '0' \(1, 2\), '1' \(1, 3\); a mean needs the same classes"):
        MeanOfTeachers(KD())(ensemble(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 3)), LABELS[:1])
