"""Accuracy and cross-entropy of a student, by hand, and the student left as found."""

import math

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import evaluate
from tests.distill.toys import blobs, network, same, weights


def test_by_hand() -> None:
    """Logits log 3 and 0: the label has 3/4 in one row, 1/4 in three; one of four is right."""
    x = torch.tensor([[math.log(3.0), 0.0]]).repeat(4, 1)
    found = evaluate(nn.Identity(), (x, torch.tensor([0, 1, 1, 1])), batch_size=3)
    assert (found.accuracy, found.n_samples) == (0.25, 4)
    assert found.cross_entropy == pytest.approx((math.log(4 / 3) + 3 * math.log(4)) / 4, rel=1e-6)


def test_the_cross_entropy_has_a_unit_and_the_accuracy_none() -> None:
    nats = evaluate(network(5), blobs(50))
    bits = nats.to("bits")
    assert (nats.unit, bits.unit) == ("nats", "bits")
    assert bits.cross_entropy == pytest.approx(nats.cross_entropy / math.log(2.0))
    assert (bits.accuracy, bits.n_samples) == (nats.accuracy, 50)


def test_the_student_and_the_random_state_are_left_as_found() -> None:
    student = network(5, dropout=0.5).train()
    before, state = weights(student), torch.get_rng_state()
    assert evaluate(student, blobs(50), batch_size=7) == evaluate(student, blobs(50), batch_size=7)
    assert same(before, weights(student))
    assert student.training
    assert torch.equal(state, torch.get_rng_state())


def test_half_precision_and_bad_data() -> None:
    assert evaluate(network(5), blobs(50), precision=torch.bfloat16).n_samples == 50
    with pytest.raises(InputError, match=r"data must be \(x, labels\), or a"):
        evaluate(network(5), 3)
