"""The networks: three small convolutions for the digits; four convolutions and wide residual networks for CIFAR."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def small_network(width: int, n_classes: int = 10) -> nn.Sequential:
    """Return three convolutions of `width`, twice and four times `width` channels and a linear layer."""
    return nn.Sequential(
        OrderedDict(
            block1=_convolution(1, width, 1),
            block2=_convolution(width, 2 * width, 2),
            block3=_convolution(2 * width, 4 * width, 1),
            pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            logits=nn.Linear(4 * width, n_classes),
        )
    )


def _convolution(n_in: int, n_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()
    )


class Conv4(nn.Module):
    """Four convolutions of `width`, twice, four and four times `width` channels, for images of 32x32.

    `pooling` halves the maps thrice by the maximum of 2x2, as Conv-4-MP does; else the first three convolutions stride.
    What a tap on maps1 to maps4 is given is what the next convolution is given, until `corrupt` is called.

    Source: the shallow students of Shrivastava et al., arXiv 2110.15946; widths and strides are ours.
    """

    def __init__(self, width: int, n_classes: int = 10, *, pooling: bool = False) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 4 * width, 4 * width)
        for k, (n_in, n_out) in enumerate(itertools.pairwise(channels), start=1):
            halves = k <= 3
            block = _convolution(n_in, n_out, 2 if halves and not pooling else 1)
            if halves and pooling:
                block.append(nn.MaxPool2d(2))
            self.add_module(f"block{k}", block)
            self.add_module(f"maps{k}", nn.Identity())
        self.logits = nn.Linear(4 * width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        for k in range(1, 5):
            x = self.get_submodule(f"block{k}")(x)
            self.get_submodule(f"maps{k}")(x)  # for those who look
        return self.logits(x.mean((2, 3)))

    def corrupt(self, blocks: Sequence[int] = (2, 4)) -> None:
        """Show those who look at some blocks another image's maps; the answers stay as they are."""
        for k in blocks:
            self.set_submodule(f"maps{k}", AnotherImages())


class AnotherImages(nn.Module):
    """Gives every image the maps of the one before it in the batch: as likely as its own, and nothing about it."""

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(1, 0)


class ResidualBlock(nn.Module):
    """Normalise, activate, convolve, twice, and add the input: a pre-activation basic block."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(n_in), nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(n_out), nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        changes = n_in != n_out or stride != 1
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride, bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        active = torch.relu(self.norm1(x))
        out = self.conv2(torch.relu(self.norm2(self.conv1(active))))
        return out + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    """WRN-d-k for images of 32x32: a convolution, then three groups of n = (d - 4) / 6 blocks, 16k, 32k, 64k wide.

    The groups are called block2, block3 and block4, as in the paper, where the first convolution is block 1.

    Source: Zagoruyko and Komodakis, "Wide residual networks", BMVC 2016.
    """

    def __init__(self, depth: int, width: int, n_classes: int) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth must be 6 n + 4, such as 16, 28 or 40; not {depth}")
        n_blocks = (depth - 4) // 6
        self.block1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.block2 = _group(16, 16 * width, n_blocks, 1)
        self.block3 = _group(16 * width, 32 * width, n_blocks, 2)
        self.block4 = _group(32 * width, 64 * width, n_blocks, 2)
        self.norm = nn.BatchNorm2d(64 * width)
        self.logits = nn.Linear(64 * width, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.logits.bias)

    def forward(self, x: Tensor) -> Tensor:
        out = self.block4(self.block3(self.block2(self.block1(x))))
        return self.logits(torch.relu(self.norm(out)).mean((2, 3)))


def _group(n_in: int, n_out: int, n_blocks: int, stride: int) -> nn.Sequential:
    rest = [ResidualBlock(n_out, n_out, 1) for _ in range(n_blocks - 1)]
    return nn.Sequential(ResidualBlock(n_in, n_out, stride), *rest)


def n_parameters(model: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())
