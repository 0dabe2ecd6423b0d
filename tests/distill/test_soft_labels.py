"""Soft labels against torch and by hand; with all of the probability on one class they are the class numbers."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from pidkit import InputError
from pidkit.distill import DKD, KD, Batch, CrossEntropy, Outputs, evaluate
from pidkit.distill.labels import cross_entropy, n_right
from pidkit.distill.running_joint import one_hot_labels
from pidkit.distill.soft_labels import as_soft, check_soft, has_label, is_soft


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(6, 5), (3, 5, 4), (2, 5, 3, 2)])
def test_the_cross_entropy_is_torchs_with_its_gradient(shape: tuple[int, ...], smoothing: float) -> None:
    labels, found = drawn(*shape, seed=1).softmax(1), list[Any]()
    for entropy in (cross_entropy, functional.cross_entropy):
        logits = drawn(*shape).requires_grad_()
        loss = entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()
        found.append((loss.detach(), logits.grad))
    assert torch.allclose(found[0][0], found[1][0], rtol=1e-12)
    assert torch.allclose(found[0][1], found[1][1], rtol=0.0, atol=1e-14)


def test_smoothed_and_mixed_by_hand() -> None:
    """log softmax of (log 1, log 2, log 5) is log of .125, .25, .625."""
    logits = torch.tensor([[1.0, 2.0, 5.0]]).log()
    label, p = torch.tensor([[0.75, 0.0, 0.25]]), torch.tensor([0.125, 0.25, 0.625])
    assert float(cross_entropy(logits, label)) == pytest.approx(float(-0.75 * p[0].log() - 0.25 * p[2].log()))
    smooth = 0.7 * torch.tensor([0.75, 0.0, 0.25]) + 0.1
    assert float(cross_entropy(logits, label, label_smoothing=0.3)) == pytest.approx(float(-(smooth * p.log()).sum()))


@pytest.mark.parametrize("shape", [(6, 5), (3, 5, 4)])
def test_one_class_each_is_the_class_numbers_and_zeros_are_no_label(shape: tuple[int, ...]) -> None:
    logits = drawn(*shape)
    labels = torch.randint(5, (shape[0], *shape[2:]), generator=torch.Generator().manual_seed(2))
    labels.flatten()[1] = -100
    soft = as_soft(labels, 5)
    assert is_soft(logits, soft)
    assert not is_soft(logits, labels)
    assert torch.equal(has_label(logits, soft), labels != -100)
    for smoothing in (0.0, 0.2):
        hard = cross_entropy(logits, labels, label_smoothing=smoothing)
        assert torch.allclose(cross_entropy(logits, soft, label_smoothing=smoothing), hard, rtol=1e-12)
    for k in (1, 2, 5):
        assert [float(n) for n in n_right(logits, soft, k)] == [float(n) for n in n_right(logits, labels, k)]


def test_right_answers_of_the_largest_k_by_hand() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])
    labels = torch.tensor([1, 0, 1])
    assert [[int(n) for n in n_right(logits, labels, k)] for k in (1, 2, 3)] == [[1, 3], [2, 3], [3, 3]]
    soft = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    assert [[float(n) for n in n_right(logits, soft, k)] for k in (1, 2)] == [[0.5, 2.0], [0.75, 2.0]]
    with pytest.raises(InputError, match="the 4 largest logits are asked for, and there are 3 classes"):
        n_right(logits, labels, 4)


def test_no_label_at_all_is_no_loss_and_no_gradient() -> None:
    for labels in (torch.full((4,), -100), torch.zeros(4, 3)):
        logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
        loss = cross_entropy(logits, labels)
        loss.backward()
        assert float(loss.detach()) == 0.0
        assert logits.grad is not None
        assert torch.equal(logits.grad, torch.zeros(4, 3))


def test_hard_labels_have_torchs_own_bits() -> None:
    for n in (1, 7, 50, 128):
        logits, labels = drawn(n, 10).float(), torch.arange(n) % 10
        labels[n // 2] = labels[0] if n == 1 else -100
        assert torch.equal(cross_entropy(logits, labels), functional.cross_entropy(logits, labels))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([[2.0, -1.0]]), r"must be probabilities .*; their entries reach -1..2, their sums 1..1; of log"),
        (torch.tensor([[0.5, 0.2]]), r"their sums 0.7..0.7"),
        (torch.tensor([[torch.nan, 1.0]]), "must be probabilities"),
    ],
)
def test_what_is_no_probability_is_refused(labels: torch.Tensor, message: str) -> None:
    for check in (check_soft, lambda soft: cross_entropy(torch.zeros(1, 2), soft)):
        with pytest.raises(InputError, match=message):
            check(labels)


def test_shapes_and_class_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"probabilities have shape \(2, 3\) and the logits \(2, 4\); both need"):
        cross_entropy(torch.zeros(2, 4), torch.zeros(2, 3))
    with pytest.raises(InputError, match=r"labels must lie in 0..2, or be -100; they reach 3"):
        as_soft(torch.tensor([3, 0]), 3)
    with pytest.raises(InputError, match=r"labels must be whole class numbers, not torch.float32"):
        as_soft(torch.tensor([0.5]), 3)


def test_places_that_the_mask_leaves_out_do_not_count() -> None:
    logits, mask = drawn(2, 3, 4), torch.tensor([[True, True, False, True], [True, False, False, False]])
    soft = drawn(2, 3, 4, seed=1).softmax(1)
    batch = Batch(Outputs(logits, {}), {"teacher": Outputs(drawn(2, 3, 4, seed=2), {})}, mask=mask)
    kept = mask.flatten()
    rows, targets = (one.movedim(1, -1).reshape(-1, 3)[kept] for one in (logits, soft))
    assert float(CrossEntropy()(batch, soft)) == pytest.approx(float(functional.cross_entropy(rows, targets)))
    hard = torch.zeros(2, 4, dtype=torch.int64)
    assert torch.equal(KD()(batch, soft), KD()(batch, hard))
    unmasked = Batch(batch.student, batch.teachers)
    some = soft * mask[:, None]
    assert torch.equal(KD()(unmasked, some), KD()(batch, hard))  # zeros are what -100 is


def test_an_objective_of_one_class_says_so() -> None:
    batch = Batch(Outputs(torch.zeros(2, 3), {}), {"teacher": Outputs(torch.zeros(2, 3), {})})
    with pytest.raises(InputError, match="labels are probabilities, and DKD sets the class of each sample apart; with"):
        DKD()(batch, torch.full((2, 3), 1 / 3))


def test_the_joint_takes_probabilities_of_every_sample() -> None:
    soft = torch.tensor([[0.75, 0.25], [0.0, 1.0]])
    assert torch.equal(one_hot_labels(soft, 2), soft.double())
    with pytest.raises(InputError, match="labels hold rows of zeros, which stand for no label; every sample"):
        one_hot_labels(torch.tensor([[0.75, 0.25], [0.0, 0.0]]), 2)
    with pytest.raises(InputError, match=r"labels must be class numbers of shape \(n,\), not torch.float32 \(2, 2\)"):
        one_hot_labels(soft, 3)


def test_evaluation_by_soft_labels_is_the_expected_accuracy() -> None:
    logits, soft = drawn(7, 4).float(), drawn(7, 4, seed=1).softmax(1).float()
    found: Any = evaluate(torch.nn.Identity(), (logits, soft), batch_size=3)
    assert found.accuracy == pytest.approx(float(soft.gather(1, logits.argmax(1, keepdim=True)).mean()))
    assert found.cross_entropy == pytest.approx(float(functional.cross_entropy(logits, soft)), rel=1e-6)
