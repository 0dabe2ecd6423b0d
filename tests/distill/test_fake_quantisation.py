"""Rounding of weights and inputs: by hand, against torch's own, gradients straight through, and baking."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import KD, Trainer, TrainerOptions, bake_weights, fake_quantise, tap
from pidkit.distill.fake_quantisation import RoundedActivation, rounded
from pidkit.errors import InputError
from tests.distill.toys import blobs, network


def test_rounded_weights_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((5, 7), (4, 3, 2, 2)):
        weight = torch.randn(shape, generator=generator)
        for bits in (2, 4, 8):
            most = 2 ** (bits - 1) - 1
            scale = weight.abs().flatten(1).amax(1) / most
            zeros = torch.zeros(len(weight), dtype=torch.int32)
            theirs = torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -most, most)
            torch.testing.assert_close(rounded(weight, bits), theirs)


def test_value_and_gradient_by_hand() -> None:
    layer = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 1.4]]))
    model = fake_quantise(nn.Sequential(layer), bits=3, activation_bits=None)
    output = model(torch.tensor([[5.0, 7.0]]))
    assert output.item() == pytest.approx(3 * 5 + 1 * 7)
    output.backward()
    (original,) = model.parameters()
    assert original.grad is not None
    assert original.tolist() == [[3.0, pytest.approx(1.4)]]
    assert original.grad.tolist() == [[5.0, 7.0]]


def test_inputs_are_rounded_to_levels_that_hold_zero_and_have_no_gradient_beyond_the_range() -> None:
    rounding = RoundedActivation(2, momentum=0.5)
    assert rounding.eval()(torch.tensor([0.3])).item() == pytest.approx(0.3), "no range is known yet"
    rounding.train()(torch.tensor([-1.0, 2.0]))
    rounding(torch.tensor([-1.0, 2.0]))
    assert (rounding.low.item(), rounding.high.item()) == (-1.0, 2.0)
    x = torch.tensor([-3.0, -0.6, 0.0, 0.4, 1.6, 9.0], requires_grad=True)
    found = rounding.eval()(x)
    assert found.tolist() == [-1.0, -1.0, 0.0, 0.0, 2.0, 2.0]
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    rounding.train()(torch.tensor([3.0, 4.0]))
    assert (rounding.low.item(), rounding.high.item()) == (-0.5, 3.0)


def test_a_student_is_trained_saved_copied_and_baked() -> None:
    x, y = blobs(60)
    student = fake_quantise(network(6, norm=False), bits=4)
    networks = tap(teacher=network(8), student=student, layers=["2"], example=x[:2])
    options = TrainerOptions(epochs=2, batch_size=20, learning_rate=0.05, progress=False)
    history = Trainer(networks, KD(), options=options, train=(x, y)).fit()
    assert history.epochs[-1].loss < history.epochs[0].loss
    networks.remove()
    student.eval()
    with torch.no_grad():
        before = student(x)
        other = fake_quantise(network(6, norm=False, seed=5), bits=4).eval()
        other.load_state_dict(student.state_dict())
        assert torch.equal(other(x), before)
        assert torch.equal(copy.deepcopy(student)(x), before)
        baked: Any = bake_weights(student)
        torch.testing.assert_close(baked(x), before)
    assert all(len(row.unique()) <= 15 for row in baked[0].weight)
    with pytest.raises(InputError, match="has no rounded weights; call fake_quantise"):
        bake_weights(student)


def test_eight_bits_hardly_change_an_answer_and_two_do() -> None:
    x, _ = blobs(200)
    model = network(16, norm=False)
    gaps = []
    for bits in (8, 2):
        rough = fake_quantise(copy.deepcopy(model), bits=bits, activation_bits=bits)
        rough.train()(x)
        with torch.no_grad():
            gaps.append(float((rough.eval()(x) - model(x)).abs().mean() / model(x).abs().mean()))
    assert gaps[0] < 0.02 < 0.1 < gaps[1]


def test_what_cannot_be_rounded_is_refused() -> None:
    with pytest.raises(InputError, match="has no linear or convolutional layer to round"):
        fake_quantise(nn.Sequential(nn.ReLU()))
    with pytest.raises(InputError, match="weights that are parametrised already"):
        fake_quantise(fake_quantise(network(3)))
    with pytest.raises(InputError, match="bits must be a whole number from 2 to 16"):
        fake_quantise(network(3), bits=1)
