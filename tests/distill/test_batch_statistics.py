"""The gap of batch statistics: value and gradient by hand, and what cannot be read."""

import pytest
import torch
from torch import nn

from pidkit.distill import StatisticsGap
from pidkit.errors import InputError


def normed(mean: list[float], variance: list[float]) -> nn.Sequential:
    norm = nn.BatchNorm2d(len(mean)).double().eval()
    norm.running_mean, norm.running_var = (torch.tensor(one, dtype=torch.float64) for one in (mean, variance))
    return nn.Sequential(norm)


def test_value_and_gradient_by_hand() -> None:
    model = normed([0.0, 1.0], [2.0, 7.0])
    # Channel 0 holds 1, 3, 5, 3: mean 3, variance 8 / 3. Channel 1 holds 1, 1, 9, 9: mean 5, variance 64 / 3.
    x = torch.tensor([[[[1.0, 3.0]], [[1.0, 1.0]]], [[[5.0, 3.0]], [[9.0, 9.0]]]], dtype=torch.float64)
    x.requires_grad_(True)
    with StatisticsGap(model) as gap:
        model(x)
        value = gap.take()
    means, variances = torch.tensor([3.0, 4.0]), torch.tensor([8 / 3 - 2, 64 / 3 - 7])
    assert float(value.detach()) == pytest.approx(5.0 + float(variances.norm()))
    (slope,) = torch.autograd.grad(value, x)
    # d||m - mu|| / dx = (m - mu)_c / (5 n), and d||v - s|| / dx = (v - s)_c / ||v - s|| * 2 (x - m) / (n - 1), n = 4.
    for c, centre in enumerate((3.0, 5.0)):
        by_hand = means[c] / 20 + variances[c] / variances.norm() * 2 * (x.detach()[:, c] - centre) / 3
        torch.testing.assert_close(slope[:, c], by_hand.double())


def test_the_gap_is_zero_on_the_data_that_the_averages_are_of_and_layers_add_up() -> None:
    x = torch.randn(50, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first = nn.BatchNorm2d(3, momentum=1.0).double()
    second = nn.BatchNorm2d(3, momentum=1.0).double()
    model = nn.Sequential(first, nn.ReLU(), second)
    model.train()(x)
    second_input = torch.relu(first.eval()(x))
    channels = second_input.transpose(0, 1).flatten(1).detach()
    second.running_mean, second.running_var = channels.mean(1), channels.var(1)
    with StatisticsGap(model.eval()) as gap:
        model(x)
        assert float(gap.take().detach()) < 1e-12
        model(x + 2.0)
        apart = float(gap.take().detach())
        second.running_mean = second.running_mean + 3.0
        model(x + 2.0)
        assert float(gap.take().detach()) != pytest.approx(apart)
    assert not first._forward_pre_hooks


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="model, a Linear, has no batch normalisation with running averages"):
        StatisticsGap(nn.Linear(2, 2))
    model = nn.Sequential(nn.BatchNorm1d(2))
    with StatisticsGap(model) as gap:
        with pytest.raises(InputError, match="has not run since StatisticsGap was entered"):
            gap.take()
        with pytest.raises(InputError, match="model is in train mode"):
            model.train()(torch.ones(3, 2))
        with pytest.raises(InputError, match="x must hold two samples at least"):
            model.eval()(torch.ones(1, 2))
