"""KD from the k likeliest classes: by hand, against KD of all, saved and live, with padding, and without a teacher."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit import InputError
from pidkit.distill import KD, Batch, Outputs, TopKD, TopLogits, Trainer, TrainerOptions, tap

LABELS = torch.zeros(1, dtype=torch.int64)


def random_logits(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (2.0 * torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return student.to(dtype).requires_grad_(), teacher.to(dtype)


def batch_of(student: Tensor, teacher: Tensor | None, mask: Tensor | None = None) -> Batch:
    teachers = {} if teacher is None else {"teacher": Outputs(teacher, {})}
    return Batch(Outputs(student, {}), teachers, torch.arange(len(student)), mask)


@pytest.mark.parametrize("saved", [False, True])
def test_value_and_gradient_by_hand(saved: bool) -> None:
    # The teacher says (1/2, 1/4, 1/8, 1/8), of which the first two are known; the student (1/4, 1/4, 1/4, 1/4).
    teacher = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log()
    top: Any = TopLogits.of(teacher, 2) if saved else 2
    # Dropped: p = (2/3, 1/3): 2/3 log (8/3) + 1/3 log (4/3); the gradient q - p.
    # Bucket: p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): 1/2 log 2 + 0 - 1/4 log 2; 1/4 is shared out as q shares.
    wanted = {
        "dropped": (2 / 3 * math.log(8 / 3) + 1 / 3 * math.log(4 / 3), [1 / 4 - 2 / 3, 1 / 4 - 1 / 3, 1 / 4, 1 / 4]),
        "bucket": (0.25 * math.log(2.0), [-0.25, 0.0, 0.125, 0.125]),
    }
    for rest, (value, slope) in wanted.items():
        student = torch.zeros(1, 4, requires_grad=True)
        loss = TopKD(top, rest=rest)(batch_of(student, None if saved else teacher), LABELS)  # type: ignore[arg-type]
        loss.backward()
        assert loss.item() == pytest.approx(value, abs=1e-6)
        torch.testing.assert_close(student.grad, torch.tensor([slope]), atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("tau", [1.0, 3.0])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_dropped_is_kd_of_the_top_k_and_a_bucket_of_one_class_is_kd(tau: float, chunk: int) -> None:
    student, teacher = random_logits(2, 6, 5)
    labels = torch.zeros(2, 5, dtype=torch.int64)
    for ours, theirs in (
        (TopKD(3, temperature=tau, chunk=chunk), KD(tau, top_k=3)),
        (TopKD(5, temperature=tau, rest="bucket", chunk=chunk), KD(tau)),
    ):
        losses = [objective(batch_of(student, teacher), labels) for objective in (ours, theirs)]
        slopes = [torch.autograd.grad(loss, student)[0] for loss in losses]
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("rest", ["dropped", "bucket"])
def test_the_gradient_is_that_of_differences(rest: Any) -> None:
    student, teacher = random_logits(4, 7)
    labels = torch.zeros(4, dtype=torch.int64)
    assert torch.autograd.gradcheck(
        lambda z: TopKD(3, temperature=2.0, rest=rest, chunk=3)(batch_of(z, teacher), labels), (student,)
    )


def test_a_bucket_tells_less_the_less_is_known_and_never_more_than_all() -> None:
    student, teacher = random_logits(50, 12)
    labels = torch.zeros(50, dtype=torch.int64)
    values = [TopKD(k, rest="bucket")(batch_of(student, teacher), labels).item() for k in range(1, 12)]
    assert all(low < high for low, high in itertools.pairwise(values))
    assert values[-1] == pytest.approx(KD(1.0)(batch_of(student, teacher), labels).item())


def test_a_student_that_is_sure_of_the_top_has_a_finite_loss_and_gradient() -> None:
    student = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)  # its rest is 2 e^-60
    teacher = torch.tensor([[0.5, 0.25, 0.25]]).log()
    loss = TopKD(1, rest="bucket")(batch_of(student, teacher), LABELS)
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * 60.0 - 0.5 * math.log(2.0) + math.log(0.5), rel=1e-6)
    torch.testing.assert_close(student.grad, torch.tensor([[0.5, -0.25, -0.25]]))


@pytest.mark.parametrize("rest", ["dropped", "bucket"])
def test_saved_answers_are_the_live_ones_and_padding_does_not_count(rest: Any, tmp_path: Path) -> None:
    student, teacher = random_logits(4, 9, 5, dtype=torch.float32)
    labels, mask = torch.zeros(4, 5, dtype=torch.int64), torch.arange(5) < torch.tensor([[5], [3], [1], [2]])
    TopLogits.of(teacher, 3, temperature=2.0).save(tmp_path / "told.safetensors")
    saved = TopKD(TopLogits.load(tmp_path / "told.safetensors"), temperature=2.0, rest=rest)
    live = TopKD(3, temperature=2.0, rest=rest)
    losses = [objective(batch_of(student, teacher, mask), labels) for objective in (live, saved)]
    torch.testing.assert_close(*losses)
    slopes = [torch.autograd.grad(loss, student)[0] for loss in losses]
    torch.testing.assert_close(*slopes)
    assert not slopes[0].movedim(1, -1)[~mask].any()
    other, told = (z.detach().movedim(1, -1).clone() for z in (student, teacher))
    other[~mask], told[~mask] = 7.0, -3.0
    changed = batch_of(other.movedim(-1, 1), told.movedim(-1, 1), mask)
    torch.testing.assert_close(live(changed, labels), losses[0].detach())
    every = labels.masked_fill(~mask, -100)  # labels say the same where there is no mask
    torch.testing.assert_close(live(batch_of(student, teacher), every), losses[0])


def test_dropped_answers_serve_any_temperature_and_a_bucket_its_own() -> None:
    student, teacher = random_logits(6, 8, dtype=torch.float32)
    labels, saved = torch.zeros(6, dtype=torch.int64), TopLogits.of(teacher, 3)
    found = TopKD(saved, temperature=4.0)(batch_of(student, None), labels)
    torch.testing.assert_close(found, KD(4.0, top_k=3)(batch_of(student, teacher), labels))
    with pytest.raises(InputError, match=r"temperature is 4, but rest='bucket' is known at the saved answers' 1 alone"):
        TopKD(saved, temperature=4.0, rest="bucket")


def test_a_student_learns_from_saved_answers_alone() -> None:
    torch.manual_seed(0)
    teacher, student = nn.Linear(4, 6), nn.Linear(4, 6)
    x = torch.randn(60, 4)
    saved = TopLogits.of(teacher(x), 3)
    networks = tap(student=student, example=x[:2])
    options = TrainerOptions(epochs=20, batch_size=12, learning_rate=0.5, progress=False)
    objective = TopKD(saved, rest="bucket")
    history = Trainer(networks, objective, options=options, train=(x, teacher(x).argmax(1))).fit()
    assert history.epochs[-1].loss < 0.1 * history.epochs[0].loss
    assert repr(objective) == "TopKD(k=3, temperature=1, rest='bucket', 60 saved samples)"


def test_a_batch_of_padding_has_a_loss_of_zero_and_a_graph() -> None:
    student, teacher = random_logits(2, 5, 3)
    loss = TopKD(2)(batch_of(student, teacher), torch.full((2, 3), -100))
    loss.backward()
    assert loss.item() == 0.0
    assert student.grad is not None
    assert not student.grad.any()


def test_answers_that_do_not_fit_are_refused() -> None:
    student, teacher = random_logits(4, 3)
    labels, saved = torch.zeros(4, dtype=torch.int64), TopLogits.of(teacher[:, :2], 1)
    with pytest.raises(InputError, match="top is 3 of 3 classes, so that there is no rest; take KD"):
        TopKD(3)(batch_of(student, teacher), labels)
    with pytest.raises(InputError, match="top holds answers of 2 classes, and the student has 3"):
        TopKD(saved)(batch_of(student, None), labels)
    with pytest.raises(InputError, match="TopKD finds saved answers by samples, but the batch says no indices"):
        TopKD(saved)(Batch(Outputs(student, {}), {}), labels)
    with pytest.raises(InputError, match="rest must be"):
        TopKD(2, rest="kept")  # type: ignore[arg-type]
