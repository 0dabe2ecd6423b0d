"""Small modules that objectives train beside the student: filters over channels, label heads, positive weights."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, real_number, whole_number
from pidkit.distill.padding import mean_of_places, only_counted
from pidkit.distill.places import LayerPair

SIGMA_FLOOR = 1e-3
"""The smallest sigma, so that no loss divides by nearly zero; layers have values of order one, so it is never met."""


class Filter(nn.Module):
    """1x1 convolutions, batch normalisation and ReLU between them: the same at every place.

    Parameters
    ----------
    channels_in, channels_out : int
    width : int, optional
        Hidden channels; None takes `channels_in`, as RID's filters do.
    depth : int
        Number of convolutions, 2 at least.

    Source: Dissanayake et al., AISTATS 2025, Algorithm 1 and appendix D.
    """

    def __init__(self, channels_in: int, channels_out: int, *, width: int | None = None, depth: int = 2) -> None:
        """Build the layers."""
        super().__init__()
        hidden = channels_in if width is None else check_count("width", width)
        widths = [channels_in, *[hidden] * (whole_number("depth", depth, least=2) - 1)]
        between: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            between += [nn.Conv1d(n_in, n_out, 1, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]
        self.layers = nn.Sequential(*between, nn.Conv1d(hidden, channels_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, places) to (n, channels_out, places)."""
        filtered: Tensor = self.layers(x)
        return filtered


class ClassHead(nn.Module):
    """A linear map to the classes of features that are flattened, or averaged over the places first.

    Parameters
    ----------
    channels, n_places, n_classes : int
    pool : bool
        Average over the places: fewer parameters, and nothing about where.
    """

    def __init__(self, channels: int, n_places: int, n_classes: int, *, pool: bool = True) -> None:
        """Build the linear layer."""
        super().__init__()
        n_classes = whole_number("n_classes", n_classes, least=2)
        self.pool = pool
        self.linear = nn.Linear(channels if pool else channels * n_places, n_classes)

    def forward(self, x: Tensor, counted: Tensor | None = None) -> Tensor:
        """Map (n, channels, places) to logits (n, n_classes); `counted` places (n, places) if some are padding."""
        if self.pool:
            rows = mean_of_places(x, counted)
        else:
            rows = (x if counted is None else x.masked_fill(~counted[:, None], 0.0)).flatten(1)
        logits: Tensor = self.linear(rows)
        return logits


class PositiveScale(nn.Module):
    """One learned positive number for each channel, sigma = softplus(raw) + SIGMA_FLOOR.

    Parameters
    ----------
    channels : int
    initial : float
        Where sigma starts.
    """

    def __init__(self, channels: int, *, initial: float = 1.0) -> None:
        """Start every channel at `initial`."""
        super().__init__()
        above = real_number("initial", initial, above=SIGMA_FLOOR) - SIGMA_FLOOR
        self.raw = nn.Parameter(torch.full((channels,), above + math.log(-math.expm1(-above))))

    def forward(self) -> Tensor:
        """Return sigma, shape (channels,)."""
        return nn.functional.softplus(self.raw) + SIGMA_FLOOR


class FilteredPair(NamedTuple):
    """The filtered outputs of a pair of layers, and the weights of their difference.

    Attributes
    ----------
    pair : LayerPair
    teacher : Tensor, shape (n, channels, places)
        f_t(T).
    student : Tensor, shape (n, channels, places)
        f_s(S).
    sigma : Tensor, shape (channels,)
    counted : Tensor of bool, shape (n, places), optional
        Which places count; both sides are zero in the others. None: all.
    """

    pair: LayerPair
    teacher: Tensor
    student: Tensor
    sigma: Tensor
    counted: Tensor | None = None

    @property
    def residual(self) -> Tensor:
        """Return eps = f_t(T) - f_s(S), of which RID assumes I(eps; Y | f_s(S)) = 0."""
        return self.teacher - self.student

    @property
    def teacher_std(self) -> float:
        """Return the root mean square deviation of f_t(T) from its channels' means; near 0 the filter has collapsed."""
        return float(only_counted(self.teacher, self.counted).var(dim=(0, 2), correction=0).mean().sqrt())
