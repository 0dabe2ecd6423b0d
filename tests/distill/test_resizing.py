"""Layers of different resolution: class tokens, grids of tokens, pooled and interpolated maps."""

from typing import Any

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.distill import FitNet, tap

X = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(4) % 3


def maps(width: int, stride: int) -> nn.Sequential:
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3)]
    return nn.Sequential(nn.Conv2d(2, width, 3, stride, 1), *head)


class Patches(nn.Module):
    """Tokens of patches behind a class token."""

    def __init__(self, width: int, size: int = 2) -> None:
        super().__init__()
        self.embed, self.block, self.classes = (
            nn.Conv2d(2, width, size, size),
            nn.Linear(width, width),
            nn.Linear(width, 3),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = self.block(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))
        return self.classes(tokens[:, 0])


def test_pooled_maps_are_the_means_of_regions() -> None:
    networks = tap(teacher=maps(5, 1), student=maps(3, 2), layers="0", example=X, resize="pool")
    (pair,) = networks.pairs
    assert (pair.teacher_shape, pair.student_shape, pair.n_places) == ((5, 4, 4), (3, 4, 4), 16)
    whole = networks.teachers["teacher"].model[0](X)
    by_hand = whole.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5))
    assert torch.allclose(networks(X).teacher.layer("0"), by_hand, atol=1e-6)
    assert FitNet(networks.pairs)(networks(X), Y).shape == ()


def test_interpolated_maps_are_torch_s_bilinear_ones() -> None:
    networks = tap(teacher=maps(5, 2), student=maps(3, 1), layers="0", example=X, resize="interpolate")
    whole = networks.teachers["teacher"].model[0](X)
    by_hand = nn.functional.interpolate(whole, size=(8, 8), mode="bilinear", align_corners=False)
    assert torch.equal(networks(X).teacher.layer("0"), by_hand)
    assert networks.pairs[0].teacher_shape == (5, 8, 8)


def test_tokens_of_another_length() -> None:
    networks = tap(teacher=Patches(6), student=Patches(4, 4), layers="block", example=X, resize="pool")
    assert networks.pairs[0].teacher_shape == (5, 6)  # 17 tokens pooled to 5
    assert networks(X).teacher.layer("block").shape == (4, 5, 6)


def test_class_token_and_grid_of_tokens() -> None:
    teacher = Patches(6)
    raw = teacher.block(torch.cat([(e := teacher.embed(X).flatten(2).transpose(1, 2)).mean(1, keepdim=True), e], 1))
    found = {
        name: tap(teacher=teacher, student=maps(3, 2), layers=[("block", "0")], example=X, reduce={"block": name})
        for name in ("class-token", "token-grid")
    }
    assert torch.equal(found["class-token"](X).teacher.layer("block"), raw[:, 0].detach())
    grid = raw[:, 1:].detach().transpose(1, 2).reshape(4, 6, 4, 4)
    networks = found["token-grid"]
    assert torch.equal(networks(X).teacher.layer("block"), grid)
    assert FitNet(networks.pairs)(networks(X), Y).shape == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"resize": "crop"}, "resize must be 'pool' or 'interpolate', not 'crop'"),
        (
            {"resize": "pool", "teacher": maps(5, 4)},
            "resize='pool' cannot make teacher layer '0' .*; pass 'int",
        ),
        (
            {"reduce": "token-grid"},
            r"reduce reads tokens \(n, length, width\), but the layer puts out shape",
        ),
        (
            {"teacher": Patches(6), "layers": [("block", "0")], "resize": "pool"},
            "resize cannot compare teacher",
        ),
    ],
)
def test_what_cannot_be_resized(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tap(**{"teacher": maps(5, 1), "student": maps(3, 2), "layers": "0", "example": X, **given})


def test_one_layer_in_pairs_of_several_resolutions() -> None:
    student = nn.Sequential(maps(3, 2)[0], nn.Conv2d(3, 3, 3, 2, 1), nn.Flatten(), nn.Linear(12, 3))
    with pytest.raises(InputError, match="resize finds teacher layer '0' in pairs of several resolutions"):
        tap(teacher=maps(5, 1), student=student, layers=[("0", "0"), ("0", "1")], example=X, resize="pool")
