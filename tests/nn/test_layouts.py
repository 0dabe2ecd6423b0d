"""Where channels lie: what shape and layer tell, and what they do not."""

import pytest
import torch
from torch import nn

from pidkit import InputError
from pidkit.nn import Taps
from pidkit.nn.layouts import is_channels_first, is_tokens, rearranged

CONVNEXT = nn.Sequential(nn.Conv2d(4, 4, 3), nn.LayerNorm(4), nn.Linear(4, 4))


@pytest.mark.parametrize(
    ("shape", "module", "first"),
    [
        ((2, 8, 4, 4), nn.ReLU(), True),
        ((2, 8, 4, 5), nn.ReLU(), False),
        ((2, 8, 4, 5), nn.Conv2d(1, 8, 1), True),
        ((2, 8, 4, 4), CONVNEXT, True),
        ((2, 4, 4, 8), CONVNEXT, False),
        ((2, 4, 8, 8), nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8)), False),  # Swin, 8 wide and 8 channels
        ((2, 4, 4, 8), None, False),
        ((2, 8, 7), nn.ReLU(), False),
        ((2, 8, 7), nn.BatchNorm1d(8), True),
    ],
)
def test_a_map_is_channels_first_where_nothing_else_makes_sense(
    shape: tuple[int, ...], module: nn.Module | None, first: bool
) -> None:
    assert is_channels_first(shape, module) == first


def test_a_sequence_is_tokens_unless_a_convolution_along_it_is_inside() -> None:
    assert is_tokens((2, 7, 8), nn.Linear(8, 8))
    assert is_tokens((2, 7, 8), None)
    assert not is_tokens((2, 8, 7), nn.Sequential(nn.Conv1d(1, 8, 3), nn.ReLU()))
    assert not is_tokens((2, 8, 7, 7), nn.Linear(8, 8))


def test_rearranged_maps_are_channels_first_and_sequences_channels_last() -> None:
    x, y = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4)
    assert torch.equal(rearranged(x, "channels-last"), x.permute(0, 3, 1, 2))
    assert rearranged(x, "channels-first") is x
    assert torch.equal(rearranged(y, "channels-first"), y.permute(0, 2, 1))
    assert rearranged(y, "channels-last") is y


def test_the_mean_of_channels_is_refused_where_they_may_be_another_axis() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    with Taps(model, "0", reduce="mean") as taps:
        for shape in ((2, 5, 3), (2, 4, 4, 3)):
            with pytest.raises(
                InputError, match=r"layer '0' puts out shape .*, whose channels may be any axis; pass red"
            ):
                model(torch.ones(shape))
        model(torch.ones(2, 3))
        assert taps.take()["0"].shape == (2, 3)
