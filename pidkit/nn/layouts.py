"""Where the channels of a layer's output lie: declared, or refused where its shape and its layer do not tell."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from pidkit.types import Shape

Layout = Literal["channels-first", "channels-last"]
"""Axis 1 holds the channels, as torch's convolutions put them out; or the last axis does, as in transformers."""

ALONG_A_LINE = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d)
"""Layers that put out (n, channels, length): what holds one may put out that or tokens."""

ON_THE_LAST_AXIS = (nn.Linear, nn.LayerNorm)
"""Layers for which the channels of maps are the last axis."""


def is_channels_first(shape: Shape, module: nn.Module | None) -> bool:
    """Return whether an output of three axes or more can be nothing but (n, channels, ...).

    It is what a convolution or batch normalisation puts out. Of other layers it is a map whose last two axes are equal,
    height and width, unless all that the layer holds works on the last axis.

    Parameters
    ----------
    shape : tuple of int
        With the axis of the samples.
    module : nn.Module or None
        The layer; None where a callable picked the output, which may then be anything that the layer computes.

    Examples
    --------
    >>> is_channels_first((2, 96, 14, 14), nn.ReLU()), is_channels_first((2, 14, 14, 96), nn.ReLU())
    (True, False)
    >>> is_channels_first((2, 96, 40, 101), nn.Conv2d(3, 96, 1)), is_channels_first((2, 14, 96, 96), nn.LayerNorm(96))
    (True, False)
    """
    if isinstance(module, _ConvNd | _BatchNorm):
        return True
    parts = [] if module is None else list(module.modules())
    first = any(isinstance(part, _ConvNd | _BatchNorm) for part in parts)
    last = any(isinstance(part, ON_THE_LAST_AXIS) for part in parts)
    return len(shape) > 3 and shape[-1] == shape[-2] and (first or not last)


def is_tokens(shape: Shape, module: nn.Module | None) -> bool:
    """Return whether an output of three axes can be read as tokens (n, length, channels).

    Examples
    --------
    >>> is_tokens((2, 7, 96), nn.Linear(96, 96)), is_tokens((2, 96, 7), nn.Sequential(nn.Conv1d(1, 96, 3)))
    (True, False)
    """
    return len(shape) == 3 and not (module and any(isinstance(part, ALONG_A_LINE) for part in module.modules()))


def rearranged(output: Tensor, layout: Layout) -> Tensor:
    """Return an output as maps (n, channels, ...) or, of three axes, as tokens (n, length, channels).

    Examples
    --------
    >>> import torch
    >>> rearranged(torch.ones(2, 7, 7, 96), "channels-last").shape
    torch.Size([2, 96, 7, 7])
    >>> rearranged(torch.ones(2, 96, 7), "channels-first").shape
    torch.Size([2, 7, 96])
    """
    if layout == "channels-first":
        return output.movedim(1, 2) if output.ndim == 3 else output
    return output.movedim(-1, 1) if output.ndim > 3 else output
