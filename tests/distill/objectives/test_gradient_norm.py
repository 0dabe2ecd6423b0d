"""GradientNorm: value and gradient by hand, through the copy that a tap keeps, and where there is no slope."""

import math

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import Batch, GradientNorm, Outputs, tap


def test_value_and_gradient_by_hand() -> None:
    # Logits (w s, 0), label 0: d l / d s = -(1 - p) w with p = sigmoid(w s). At s = 0: (w / 2)^2.
    weight = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    source = torch.zeros(4, 1, dtype=torch.float64, requires_grad=True)
    layer = source * 1.0
    batch = Batch(Outputs(torch.cat([weight * layer, layer * 0.0], 1), {"s": layer}), {})
    loss = GradientNorm("s")(batch, torch.zeros(4).long())
    assert float(loss.detach()) == pytest.approx(9 / 4)
    by_weight, by_source = torch.autograd.grad(loss, (weight, source))
    assert float(by_weight) == pytest.approx(3 / 2)
    # d/ds of ((1 - p) w)^2 / 4 samples = -2 (1 - p)^2 p w^3 / 4.
    assert by_source.flatten().tolist() == pytest.approx([-2 / 8 * 27 / 4] * 4)


def test_a_tapped_layer_is_found_behind_its_copy() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, labels = torch.randn(5, 3, dtype=torch.float64), torch.arange(5) % 2
    networks = tap(teacher=nn.Sequential(nn.Linear(3, 2)).double(), student=student, layers=[("0", "0")], example=x)
    loss = GradientNorm("0")(networks(x), labels)
    hidden = student[0](x).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(student[1:](hidden), labels, reduction="sum"), hidden)
    assert float(loss.detach()) == pytest.approx(float(slope.square().sum(1).mean()))
    loss.backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in (student[0].weight, student[2].weight))
    assert math.isfinite(float(loss.detach()))


def test_where_there_is_no_slope() -> None:
    layer, labels = torch.ones(2, 1, requires_grad=True), torch.zeros(2).long()
    for reason, outputs in {
        "has no graph": Outputs(torch.zeros(2, 2), {"s": layer.detach()}),
        "has no part in the student's logits": Outputs(torch.zeros(2, 2, requires_grad=True), {"s": layer}),
    }.items():
        with pytest.raises(InputError, match=f"layer 's' {reason}"):
            GradientNorm("s")(Batch(outputs, {}), labels)
