"""Crops and flips: which windows there are, how often, and that they are the run's own draws."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill import CropAndFlip

IMAGE = torch.arange(1.0, 25.0).reshape(1, 2, 3, 4)


def drawn(augment: CropAndFlip, n: int, seed: int = 0) -> torch.Tensor:
    return augment(IMAGE.expand(n, -1, -1, -1), torch.Generator().manual_seed(seed))


def test_every_window_and_no_other() -> None:
    padded = torch.nn.functional.pad(IMAGE, [1] * 4)[0]
    windows = [padded[:, i : i + 3, j : j + 4] for i in range(3) for j in range(3)]
    windows += [window.flip(2) for window in windows]
    found = drawn(CropAndFlip(padding=1), 3600)
    hits = torch.stack([(found == window).flatten(1).all(1) for window in windows]).sum(1)
    assert int(hits.sum()) == 3600
    assert int(hits.min()) > 150  # 200 of each of 18 on average; the standard deviation is 14
    assert int(hits.max()) < 250


def test_each_can_be_left_out() -> None:
    assert torch.equal(drawn(CropAndFlip(padding=0, flip=False), 5), IMAGE.expand(5, -1, -1, -1))
    flipped = drawn(CropAndFlip(padding=0), 100)
    turned = (flipped == IMAGE.flip(3)).flatten(1).all(1)
    assert torch.equal(flipped[~turned], IMAGE.expand(int((~turned).sum()), -1, -1, -1))
    assert 30 < int(turned.sum()) < 70


def test_the_same_draws_give_the_same_images() -> None:
    before = torch.get_rng_state()
    assert torch.equal(drawn(CropAndFlip(padding=1), 9, 4), drawn(CropAndFlip(padding=1), 9, 4))
    assert not torch.equal(drawn(CropAndFlip(padding=1), 9, 4), drawn(CropAndFlip(padding=1), 9, 5))
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"images must have shape \(n, channels, height, width\) .*, not shape \(3, 4\)"
    ):
        CropAndFlip()(torch.ones(3, 4), torch.Generator())
    with pytest.raises(InputError, match="padding must be a whole number >= 0"):
        CropAndFlip(padding=-1)
