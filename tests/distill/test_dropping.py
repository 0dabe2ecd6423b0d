"""Sensitivities by hand, on layers that do nothing, good or harm, and copies without some layers."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pidkit.distill import drop_layers, layer_sensitivities
from pidkit.errors import InputError
from tests.distill.toys import blobs, network, weights


class Scaled(nn.Module):
    """Multiplies by a number, and runs its input through an in-place operation on the way."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(self.by)


X, LABELS = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([0, 1, 0])


def loss(scale: float) -> float:
    return sum(math.log(1 + math.exp(-scale * margin)) for margin in (2.0, 1.0, 1.0)) / 3


def test_rises_of_the_loss_by_hand_and_least_first() -> None:
    model = nn.Sequential(Scaled(1.0), Scaled(4.0), Scaled(-0.5), Scaled(-1.0))
    whole = loss(2.0)
    found = layer_sensitivities(model, "*", X, LABELS, batch_size=2)
    assert list(found) == sorted(found, key=found.__getitem__)
    by_hand = {"0": 0.0, "1": loss(0.5) - whole, "2": loss(-4.0) - whole, "3": loss(-2.0) - whole}
    assert found == pytest.approx(by_hand, abs=1e-6)
    harmful = layer_sensitivities(nn.Sequential(Scaled(-1.0)), "0", X, LABELS)
    assert harmful["0"] == pytest.approx(loss(1.0) - loss(-1.0), abs=1e-6)
    assert harmful["0"] < 0


def test_the_network_is_left_alone_and_the_loss_is_that_of_a_copy_without_the_layer() -> None:
    x, y = blobs(30)
    model = network(5, dropout=0.5)
    before = weights(model)
    found = layer_sensitivities(model, ["1", "2"], x, y)
    assert model.training
    assert all(torch.equal(one, two) for one, two in zip(before, weights(model), strict=True))
    for name, rise in found.items():
        dropped: Any = drop_layers(model, name)
        with torch.no_grad():
            losses = [float(nn.functional.cross_entropy(one.eval()(x), y)) for one in (dropped, model)]
        assert rise == pytest.approx(losses[0] - losses[1], abs=1e-6)
        assert isinstance(dropped.get_submodule(name), nn.Identity)
    assert not any(isinstance(layer, nn.Identity) for layer in model)


def test_what_cannot_be_skipped_is_refused() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    with pytest.raises(InputError, match="layers holds '0', which does not put out one tensor of the shape"):
        layer_sensitivities(nn.Sequential(nn.Linear(2, 3)), "0", X, LABELS)
    with pytest.raises(InputError, match="layers holds 'spare', which does not run"):
        layer_sensitivities(Unused(), "spare", X, LABELS)
    with pytest.raises(InputError, match="x and labels must have as many rows"):
        layer_sensitivities(Unused(), "used", X, LABELS[:2])
    with pytest.raises(InputError, match="layers holds 'x'"):
        drop_layers(Unused(), "x")
