"""CIFAR's images as tensors on the device of the networks: normalised once, cropped and flipped there as they train."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PADDING = 4


def normalised(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return images of uint8 as floats with that mean and standard deviation a channel taken out."""
    return (images.float() / 255.0 - mean.to(images.device)[:, None, None]) / std.to(images.device)[:, None, None]


def channel_moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation a channel of images of uint8, whose pixels then run from 0 to 1."""
    counts = torch.stack([torch.bincount(images[:, channel].flatten(), minlength=256) for channel in range(3)]).double()
    values = torch.arange(256, device=images.device).double() / 255.0
    mean = counts @ values / counts.sum(1)
    return mean.float(), (counts @ values**2 / counts.sum(1) - mean**2).sqrt().float()


def cropped_and_flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pad by 4 zeros (the mean colour), crop every image anywhere, flip half of them: what is usual for CIFAR.

    The order of the numbers in memory stays what it is: channels first or last.
    """
    n, _, height, width = images.shape
    place = {"device": images.device, "generator": generator}
    padded = functional.pad(images, (PADDING,) * 4).permute(0, 2, 3, 1)
    top, left = torch.randint(2 * PADDING + 1, (2, n, 1), **place)
    flip = torch.rand(n, 1, **place) < 0.5
    rows = top + torch.arange(height, device=images.device)
    across = torch.arange(width, device=images.device)
    columns = left + torch.where(flip, width - 1 - across, across)
    sample = torch.arange(n, device=images.device)[:, None, None]
    cropped = padded[sample, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return cropped if images.is_contiguous(memory_format=torch.channels_last) else cropped.contiguous()
