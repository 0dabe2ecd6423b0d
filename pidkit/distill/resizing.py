"""Layers of different resolution made comparable: tokens as a class token or a grid, maps pooled or interpolated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor
from torch.nn import functional

from pidkit.distill.places import LayerPair
from pidkit.errors import InputError
from pidkit.nn.taps import Reduction
from pidkit.types import Shape

Resize = Literal["pool", "interpolate"]
"""How a teacher's layer comes to the student's resolution: by averages over regions, or linearly between places."""

_POOL = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d, 3: functional.adaptive_avg_pool3d}
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def _tokens(output: Any) -> Tensor:
    picked = output[0] if isinstance(output, tuple) else output
    if not isinstance(picked, Tensor) or picked.ndim != 3:
        what = f"shape {tuple(picked.shape)}" if isinstance(picked, Tensor) else type(picked).__name__
        raise InputError(f"reduce reads tokens (n, length, width), but the layer puts out {what}; pass a callable")
    return picked


@dataclass(frozen=True)
class ClassToken:
    """The first token of each sample, (n, width), as vision transformers and BERT put the class there."""

    def __call__(self, output: Any) -> Tensor:
        """Return the first token; of a tuple its first entry is meant."""
        return _tokens(output)[:, 0]


@dataclass(frozen=True)
class TokenGrid:
    """The tokens of image patches as maps (n, width, s, s): the last s² tokens, the most that make a square.

    What stands before them, class tokens and registers, is left out.

    Examples
    --------
    >>> import torch
    >>> TokenGrid()(torch.ones(2, 197, 8)).shape
    torch.Size([2, 8, 14, 14])
    """

    def __call__(self, output: Any) -> Tensor:
        """Return the maps; of a tuple its first entry is meant."""
        tokens = _tokens(output)
        side = math.isqrt(tokens.shape[1])
        return tokens[:, -(side**2) :].transpose(1, 2).reshape(len(tokens), tokens.shape[2], side, side)


NAMED_REDUCTIONS: dict[str, Reduction] = {"class-token": ClassToken(), "token-grid": TokenGrid()}
"""What `tap(reduce=)` knows by name beside "none" and "mean"."""


def grid_of(shape: Shape) -> Shape:
    """Return the places of a sample's shape: none of a vector, the length of tokens, the sides of maps.

    Examples
    --------
    >>> grid_of((64,)), grid_of((10, 64)), grid_of((64, 8, 4))
    ((), (10,), (8, 4))
    """
    return shape[:1] if len(shape) == 2 else shape[1:]


def target_grids(pairs: list[LayerPair], how: Resize, *, masked: bool = False) -> dict[str, Shape]:
    """Return, for each of a teacher's layers whose resolution is not the student's, that of the student's.

    Raises
    ------
    InputError
        If one layer is paired with layers of several resolutions, the two have not as many axes of places, pooling
        would have to make a layer larger, or tokens of which a mask calls some padding would be mixed.
    """
    targets: dict[str, Shape] = {}
    for pair in pairs:
        theirs, ours = grid_of(pair.teacher_shape), grid_of(pair.student_shape)
        if not theirs or not ours:
            continue
        if len(theirs) != len(ours):
            raise InputError(f"resize cannot compare {pair}; make tokens maps, reduce='token-grid', or maps tokens")
        if masked and len(ours) == 1 and ours != theirs:
            advice = "tap layers of one length, or leave one of the two out"
            raise InputError(f"resize would mix padding, which mask tells, into other tokens of {pair}; {advice}")
        if how == "pool" and any(small > large for small, large in zip(ours, theirs, strict=True)):
            raise InputError(f"resize='pool' cannot make {pair} as large as the student's; pass 'interpolate'")
        if targets.setdefault(pair.teacher_layer, ours) != ours:
            raise InputError(f"resize finds teacher layer {pair.teacher_layer!r} in pairs of several resolutions")
    return targets


def resized(output: Tensor, grid: Shape, how: Resize) -> Tensor:
    """Return tokens (n, length, width) or maps (n, channels, ...) at another resolution.

    Examples
    --------
    >>> import torch
    >>> resized(torch.arange(4.0).reshape(1, 1, 2, 2), (1, 1), "pool")
    tensor([[[[1.5000]]]])
    >>> resized(torch.ones(1, 4, 8), (6,), "interpolate").shape
    torch.Size([1, 6, 8])
    """
    if output.ndim == 3:
        return _at(output.transpose(1, 2), grid, how).transpose(1, 2)
    return _at(output, grid, how)


def _at(maps: Tensor, grid: Shape, how: Resize) -> Tensor:
    if tuple(maps.shape[2:]) == grid:
        return maps
    if how == "pool":
        pooled: Tensor = _POOL[len(grid)](maps, grid)  # type: ignore[arg-type]
        return pooled
    return functional.interpolate(maps, size=grid, mode=_LINEAR[len(grid)], align_corners=False)
