"""Knowledge distillation: values by hand, its limit at high temperature, schedules, classes of probability zero."""

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from pidkit import InputError
from pidkit.distill import KD, Batch, Outputs, linear_schedule

LABELS = torch.tensor([0])


def batch_of(student: torch.Tensor, teacher: torch.Tensor) -> Batch:
    return Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})})


def test_value_by_hand() -> None:
    # tau = 2: the teacher's logits (2 log 3, 0) / 2 give (3/4, 1/4), the student's zeros (1/2, 1/2);
    # KL = 3/4 log(3/2) + 1/4 log(1/2) = .304099 - .173287 = .130812 nats, times tau^2 = .523248.
    loss = KD(temperature=2.0)(batch_of(torch.zeros(1, 2), torch.tensor([[2 * math.log(3.0), 0.0]])), LABELS)
    assert float(loss) == pytest.approx(0.523248, abs=1e-6)


def test_the_mean_is_over_samples_alone() -> None:
    # The second sample has KL 0: half of the value above.
    teacher = torch.tensor([[2 * math.log(3.0), 0.0], [1.0, 1.0]])
    assert float(KD(temperature=2.0)(batch_of(torch.zeros(2, 2), teacher), LABELS)) == pytest.approx(0.261624, abs=1e-6)


def test_it_is_kl_of_the_student_from_the_teacher_and_not_the_other_way() -> None:
    # tau = 1, teacher (3/4, 1/4), student (1/4, 3/4) would be symmetric; student (.9, .1) is not:
    # .75 log(.75/.9) + .25 log(.25/.1) = -.136741 + .229073 = .092332.
    student, teacher = (torch.log(torch.tensor([p])) for p in ([0.9, 0.1], [0.75, 0.25]))
    assert float(KD(temperature=1.0)(batch_of(student, teacher), LABELS)) == pytest.approx(0.092332, abs=1e-6)


def test_at_high_temperature_the_gradient_is_the_difference_of_the_logits() -> None:
    """Hinton et al., section 2.1: d/ds tau^2 KL -> (s - t) / n_classes for logits of mean zero."""
    torch.manual_seed(0)
    student, teacher = (x - x.mean(1, keepdim=True) for x in torch.randn(2, 1, 5, dtype=torch.float64))
    student.requires_grad_(True)
    KD(temperature=1e4)(batch_of(student, teacher), LABELS).backward()
    assert student.grad is not None
    assert torch.allclose(student.grad, (student.detach() - teacher) / 5, atol=1e-3)


def test_a_class_of_teacher_logit_minus_infinity_adds_nothing_and_keeps_gradients_finite() -> None:
    # (3/4, 1/4, 0) against (1/3, 1/3, 1/3) at tau = 1: 3/4 log(9/4) + 1/4 log(3/4) = .608198 - .071921 = .536277;
    # the gradient is q - p = (1/3 - 3/4, 1/3 - 1/4, 1/3).
    student = torch.zeros(1, 3, requires_grad=True)
    loss = KD(temperature=1.0)(batch_of(student, torch.tensor([[math.log(3.0), 0.0, -math.inf]])), LABELS)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.536277, abs=1e-6)
    assert student.grad is not None
    assert torch.allclose(student.grad, torch.tensor([[-5 / 12, 1 / 12, 1 / 3]]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_give_a_loss_in_single(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    student, teacher = (x.to(dtype) for x in torch.randn(2, 4, 10))
    found = KD()(batch_of(student, teacher), LABELS)
    assert found.dtype == torch.float32
    assert torch.equal(found, KD()(batch_of(student.float(), teacher.float()), LABELS))


def test_set_epoch_follows_the_schedule_and_leaves_a_number_alone() -> None:
    scheduled, fixed = KD(temperature=linear_schedule(8.0, 2.0, 4)), KD(temperature=3)
    found = []
    for epoch in range(6):
        scheduled.set_epoch(epoch)
        fixed.set_epoch(epoch)
        found.append(scheduled.temperature)
    assert found == [8.0, 6.0, 4.0, 2.0, 2.0, 2.0]
    assert fixed.temperature == 3.0
    assert repr(scheduled) == "KD(temperature=2, scheduled)"
    assert repr(fixed) == "KD(temperature=3)"


def test_a_scheduled_temperature_is_saved_and_pickled() -> None:
    before = KD(temperature=linear_schedule(8.0, 2.0, 4))
    before.set_epoch(2)
    after = KD(temperature=linear_schedule(8.0, 2.0, 4))
    after.load_state_dict(before.state_dict())
    assert after.temperature == pickle.loads(pickle.dumps(before)).temperature == 4.0


def test_temperatures_may_be_of_numpy() -> None:
    assert KD(temperature=np.float32(2.5)).temperature == 2.5  # type: ignore[arg-type]
    assert KD(temperature=lambda epoch: np.float64(4 - epoch)).temperature == 4.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf, "4", None, True])
def test_temperatures_are_positive_finite_numbers(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"temperature must be a finite number > 0, not"):
        KD(temperature=wrong)
    with pytest.raises(InputError, match=r"start must be a finite number > 0"):
        linear_schedule(wrong, 1.0, 3)
    with pytest.raises(InputError, match=r"stop must be a finite number > 0"):
        linear_schedule(1.0, wrong, 3)


def test_what_a_schedule_gives_is_checked_in_its_epoch() -> None:
    objective = KD(temperature=lambda epoch: 2.0 - epoch)
    with pytest.raises(InputError, match=r"the temperature that the schedule gives in epoch 2 must be .* not 0\.0"):
        objective.set_epoch(2)


@pytest.mark.parametrize("wrong", [1, 0, 2.0])
def test_a_schedule_needs_two_epochs(wrong: float) -> None:
    with pytest.raises(InputError, match=r"n_epochs must be a whole number >= 2, not .*; for one temperature pass"):
        linear_schedule(8.0, 2.0, wrong)  # type: ignore[arg-type]


def test_networks_of_different_classes_are_refused_with_both_shapes() -> None:
    with pytest.raises(InputError, match=r"shape \(1, 3\) and the student's \(1, 2\); KD needs both"):
        KD()(batch_of(torch.zeros(1, 2), torch.zeros(1, 3)), LABELS)
