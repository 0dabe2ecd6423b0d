"""ReviewKD: the context loss by hand, fusion by hand, and which parts reach which layer."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import Batch, LayerPair, Outputs, ReviewKD
from pidkit.distill.objectives.reviewkd import Fusion, context_loss

PAIRS = [LayerPair("a", "a", (3, 4, 4), (2, 4, 4)), LayerPair("b", "b", (4, 2, 2), (3, 2, 2))]


def test_the_context_loss_and_its_gradient_by_hand() -> None:
    # 4x4 maps of difference d: full 1/16 of the sum of squares, level 2 of the four means, level 1 of the mean; level 4
    # is no smaller. One entry of 4: 16/16 = 1, level 2: 1/4, level 1: 1/16. (1 + 1/8 + 1/64) / (7/4) = 73/112.
    student = torch.zeros(1, 1, 4, 4, requires_grad=True)
    teacher = torch.zeros(1, 1, 4, 4)
    teacher[0, 0, 1, 2] = 4.0
    loss = context_loss(teacher, student, (4, 2, 1))
    assert float(loss.detach()) == pytest.approx(73 / 112)
    (gradient,) = torch.autograd.grad(loss, student)
    # There: -(2 4/16 + 1/2 2/4 1 1/4 + 1/4 2 1/4 1/16) / (7/4); in another quarter only the mean's share.
    assert float(gradient[0, 0, 1, 2]) == pytest.approx(-(0.5 + 1 / 16 + 1 / 128) / 1.75)
    assert float(gradient[0, 0, 3, 0]) == pytest.approx(-(1 / 128) / 1.75)


def test_fusion_by_hand() -> None:
    fusion = Fusion(1, 1, 1, fuses=True).eval()
    with torch.no_grad():
        fusion.first[0].weight.fill_(1.0)
        fusion.attention.weight.zero_()
        fusion.attention.bias.copy_(torch.tensor([0.0, 100.0]))  # weights 1/2 and 1
        fusion.last[0].weight.zero_()[0, 0, 1, 1] = 2.0
        for norm in (fusion.first[1], fusion.last[1]):
            setattr(norm, "eps", 0.0)  # noqa: B010  (torch types it as a tensor)
    layer, deeper = torch.full((1, 1, 2, 2), 6.0), torch.full((1, 1, 1, 1), 10.0)
    out, passed = fusion(layer, deeper)
    assert passed.flatten().tolist() == [13.0] * 4  # 6 / 2 + 10
    assert out.flatten().tolist() == [26.0] * 4


def test_a_deep_layer_is_taught_by_all_and_a_shallow_one_by_its_own() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        review = ReviewKD(PAIRS, width=4)
        told = {"a": torch.randn(2, 3, 4, 4), "b": torch.randn(2, 4, 2, 2)}
        mine = {"a": torch.randn(2, 2, 4, 4, requires_grad=True), "b": torch.randn(2, 3, 2, 2, requires_grad=True)}
    logits = torch.zeros(2, 2)
    (deepest, _), (shallowest, _) = [review.fusions[1](mine["b"], None), review.fusions[0](mine["a"], None)]
    assert deepest.shape == told["b"].shape
    assert shallowest.shape == told["a"].shape
    loss = review(Batch(Outputs(logits, mine), {"teacher": Outputs(logits, told)}), torch.zeros(2).long())
    out, passed = review.fusions[1](mine["b"], None)
    fused, _ = review.fusions[0](mine["a"], passed)
    by_hand = context_loss(told["b"], out, (4, 2, 1)) + context_loss(told["a"], fused, (4, 2, 1))
    torch.testing.assert_close(loss, by_hand)
    own = torch.autograd.grad(context_loss(told["b"], out, (4, 2, 1)), mine["a"], allow_unused=True)[0]
    assert own is None


@pytest.mark.parametrize("shapes", [((3, 4, 4), (2, 2, 2)), ((4,), (4,))])
def test_other_layers_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="which are not maps of one height and width"):
        ReviewKD([LayerPair("t", "s", *shapes)])
