"""Filters, heads and positive weights: by hand, and the same at every place."""

import math

import pytest
import torch

from pidkit import InputError
from pidkit.distill.filters import SIGMA_FLOOR, ClassHead, Filter, PositiveScale


def test_a_filter_has_the_papers_layers() -> None:
    """Without biases before the norm: 3 * 3 + 2 * 3 + (3 * 2 + 2) = 23 parameters from 3 channels to 2."""
    assert sum(p.numel() for p in Filter(3, 2).parameters()) == 23
    assert sum(p.numel() for p in Filter(3, 2, width=5).parameters()) == 3 * 5 + 2 * 5 + 5 * 2 + 2


def test_a_filter_by_hand() -> None:
    """Eval mode, running mean 0 and variance 1 (eps apart): relu of the first matrix, then the second and its bias."""
    layer = Filter(2, 1).double().eval()
    with torch.no_grad():
        layer.layers[0].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]])[..., None])
        layer.layers[3].weight.copy_(torch.tensor([[2.0, 3.0]])[..., None])
        layer.layers[3].bias.fill_(0.5)
    x = torch.tensor([[[1.0, 1.0], [2.0, -2.0]]], dtype=torch.float64)  # places (1, 2) and (1, -2)
    # Place 1: relu(3, -1) = (3, 0) -> 6.5; place 2: relu(-1, 3) = (0, 3) -> 9.5; the norm divides by sqrt(1 + 1e-5).
    scale = 1.0 / math.sqrt(1.0 + 1e-5)
    assert layer(x)[0, 0].tolist() == pytest.approx([6.0 * scale + 0.5, 9.0 * scale + 0.5], abs=1e-12)


def test_a_filter_does_the_same_at_every_place() -> None:
    torch.manual_seed(0)
    layer = Filter(3, 2).eval()
    x = torch.randn(4, 3, 5)
    order = torch.tensor([3, 1, 4, 0, 2])
    assert torch.allclose(layer(x)[..., order], layer(x[..., order]), atol=1e-6)


def test_heads_pool_or_flatten() -> None:
    pooled, flat = ClassHead(2, 3, 4), ClassHead(2, 3, 4, pool=False)
    assert pooled.linear.in_features == 2
    assert flat.linear.in_features == 6
    x = torch.arange(6.0).reshape(1, 2, 3)
    assert torch.allclose(pooled(x), pooled.linear(torch.tensor([[1.0, 4.0]])))
    assert torch.allclose(flat(x), flat.linear(torch.arange(6.0)[None]))


def test_heads_need_classes() -> None:
    with pytest.raises(InputError, match="n_classes must be a whole number >= 2, not 1"):
        ClassHead(2, 3, 1)


@pytest.mark.parametrize("initial", [0.01, 0.5, 1.0, 30.0])
def test_a_scale_starts_where_it_is_told(initial: float) -> None:
    assert PositiveScale(3, initial=initial)().tolist() == pytest.approx([initial] * 3, rel=1e-5)


def test_a_scale_stays_above_its_floor_and_finite() -> None:
    scale = PositiveScale(4)
    with torch.no_grad():
        scale.raw.copy_(torch.tensor([-1e4, -50.0, 0.0, 1e4]))
    assert float(scale().detach().min()) >= SIGMA_FLOOR
    assert scale()[2].item() == pytest.approx(math.log(2.0) + SIGMA_FLOOR)
    scale().sum().backward()
    assert scale.raw.grad is not None
    assert torch.isfinite(scale.raw.grad).all()


def test_a_scale_at_the_floor_is_refused() -> None:
    with pytest.raises(InputError, match=r"initial must be a finite number > 0\.001"):
        PositiveScale(2, initial=SIGMA_FLOOR)


def test_state_and_autocast() -> None:
    first, second = Filter(3, 2), Filter(3, 2)
    second.load_state_dict(first.state_dict())
    x = torch.randn(4, 3, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.isfinite(first.eval()(x)).all()
    assert torch.equal(first.eval()(x), second.eval()(x))
