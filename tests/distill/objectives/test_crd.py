"""CRD: value and gradient by hand, the memory and the normaliser, indices from Trainer and from one's own loop."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill import CRD, CrossEntropy, LayerPair, Trainer, TrainerOptions, WeightedSum
from tests.distill.objectives.by_hand import LABELS, layers
from tests.distill.toys import blobs, tapped


def known() -> CRD:
    """Two samples of two classes, maps that are the identity, Z = 2, memory of unit vectors along the axes."""
    crd = CRD(
        LayerPair("t", "s", (2,), (2,)), torch.arange(2), n_negatives=1, embedding=2, temperature=0.5, momentum=0.5
    )
    with torch.no_grad():
        for linear in crd.maps.values():
            linear.weight.copy_(torch.eye(2))
            linear.bias.zero_()
    crd.memory.teacher.copy_(torch.eye(2))
    crd.memory.student.copy_(torch.eye(2))
    crd.get_buffer("log_normaliser").fill_(math.log(2.0))
    return crd.double()


def test_value_and_gradient_by_hand() -> None:
    # s = t = (1, 0), sample 0; its negative is sample 1. Positive e = exp(2) / 2, negative exp(0) / 2; c = N / M = 1/2.
    # Either direction: -log(e / (e + c)) - log(c / (1/2 + c)) = log(1 + 1 / e^2) + log 2.
    crd = known()
    student = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = crd(layers(student.detach(), student), LABELS[:1])
    assert float(loss.detach()) == pytest.approx(2.0 * (math.log1p(math.exp(-2.0)) + math.log(2.0)))
    # In the student's second coordinate y: the positive's score is 2 / |.|, flat; the negative's 2 y:
    # d log(1 + e^(2 y)) = 1. The teacher as the anchor does not look at the student.
    (gradient,) = torch.autograd.grad(loss, student)
    assert gradient.flatten().tolist() == pytest.approx([0.0, 1.0])


def test_the_memory_follows_after_the_loss_and_in_training_alone() -> None:
    crd = known()
    vectors = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    crd.eval()(layers(vectors, vectors), LABELS[:1])
    assert torch.equal(crd.memory.teacher, torch.eye(2).double())
    crd.train()(layers(vectors, vectors), LABELS[:1])
    assert crd.memory.teacher[0].tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert crd.memory.student[1].tolist() == [0.0, 1.0]


def test_the_first_batch_in_training_sets_the_normaliser() -> None:
    crd = known()
    crd.get_buffer("log_normaliser").fill_(math.nan)
    vectors = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    crd.eval()(layers(vectors, vectors), LABELS[:1])
    assert bool(crd.get_buffer("log_normaliser").isnan().all())
    crd.train()(layers(vectors, vectors), LABELS[:1])
    # M times the mean of exp(2) and exp(0).
    assert crd.get_buffer("log_normaliser").tolist() == pytest.approx([math.log(math.exp(2.0) + 1.0)] * 2)


def test_trainer_passes_the_number_of_each_sample() -> None:
    networks, (x, y) = tapped(), blobs(24)
    crd = CRD(networks.pairs[0], y, n_negatives=4, embedding=3)
    before = crd.memory.student.clone()
    options = TrainerOptions(epochs=1, batch_size=8, progress=False)
    Trainer(networks, WeightedSum({"labels": CrossEntropy(), "crd": crd}), options=options, train=(x, y)).fit()
    assert bool((crd.memory.student != before).any(1).all())  # every sample was seen, under its own number
    torch.testing.assert_close(crd.memory.student.norm(dim=1), torch.ones(24))


def test_batches_without_indices_or_of_other_data_are_refused() -> None:
    crd, vectors = known(), torch.ones(3, 2, dtype=torch.float64)
    batch = layers(vectors, vectors)
    with pytest.raises(InputError, match=r"indices must lie in 0\.\.1, they reach 0\.\.2"):
        crd(batch, LABELS)
    with pytest.raises(InputError, match="CRD remembers samples, but the batch says no indices"):
        crd(type(batch)(batch.student, batch.teachers), LABELS)
