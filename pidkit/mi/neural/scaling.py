"""How critics see the samples: mean 0 and standard deviation 1 a channel, whatever a few outliers are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pidkit.mi.samples import FAR_OUT, drawn_in, spread
from pidkit.types import FloatArray

OUTER_SHARE = 0.005
"""Share of a channel's values at either end that do not decide its scale."""


@dataclass(frozen=True)
class Scaling:
    """The map to mean 0 and standard deviation 1 a channel that training fixed, outliers drawn in.

    How far outliers are drawn in says `pidkit.mi.samples.drawn_in`.
    """

    shift: FloatArray
    scale: FloatArray

    def apply(self, x: FloatArray, device: torch.device) -> Tensor:
        """Return `x` (n, channels, ...) scaled, as float32 on the device."""
        return torch.as_tensor(drawn_in((x - self.shift) / self.scale), dtype=torch.float32).to(device)

    def far_out(self, x: FloatArray) -> int:
        """Return how many rows of `x` hold a value beyond FAR_OUT standard deviations."""
        return int((np.abs((x - self.shift) / self.scale) > FAR_OUT).reshape(len(x), -1).any(axis=1).sum())


def scaling_of(x: FloatArray) -> Scaling:
    """Return the scaling of (n, channels, ...): mean and standard deviation of every channel.

    Where the OUTER_SHARE of values at either end, at least one, more than double the standard deviation, they are moved
    to where the others end first, so that no single value decides the scale of the rest.
    """
    axes = (0, *range(2, x.ndim))
    low = np.quantile(x, OUTER_SHARE, axis=axes, keepdims=True, method="higher")
    high = np.quantile(x, 1.0 - OUTER_SHARE, axis=axes, keepdims=True, method="lower")
    inner = np.clip(x, low, high)
    plain, scale = (np.expand_dims(spread(values, axes), axes) for values in (x, inner))
    decided = (scale > 0.0) & (plain > 2.0 * scale)
    centre = np.where(decided, inner.mean(axis=axes, keepdims=True), x.mean(axis=axes, keepdims=True))
    scale = np.where(decided, scale, plain)
    return Scaling(centre, np.where(scale > 0.0, scale, 1.0))
