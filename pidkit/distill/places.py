"""One view of vectors, feature maps and token sequences as (n, channels, places), a place being a pixel or a token."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pidkit.arguments import check_shape, keep_checked
from pidkit.errors import InputError
from pidkit.types import Shape


@dataclass(frozen=True)
class LayerPair:
    """A layer of the teacher and the layer of the student that follows it, with the shape of one sample of each.

    Attributes
    ----------
    teacher_layer, student_layer : str
        Qualified names.
    teacher_shape, student_shape : tuple of int
        (channels,) of a vector, (channels, height, width) of a map, (length, channels) of a token sequence.
    """

    teacher_layer: str
    student_layer: str
    teacher_shape: Shape
    student_shape: Shape

    def __post_init__(self) -> None:
        """Check the shapes, so that what is made of them later cannot fail on a size."""
        shapes = {name: check_shape(name, getattr(self, name)) for name in ("teacher_shape", "student_shape")}
        keep_checked(self, **shapes)

    @property
    def teacher_channels(self) -> int:
        """Return the number of channels of the teacher's layer."""
        return n_channels(self.teacher_shape)

    @property
    def student_channels(self) -> int:
        """Return the number of channels of the student's layer."""
        return n_channels(self.student_shape)

    @property
    def n_places(self) -> int:
        """Return the number of places of both layers.

        Raises
        ------
        InputError
            If the two layers do not have the same places, so that they cannot be compared place by place.
        """
        if _grid(self.teacher_shape) != _grid(self.student_shape):
            raise InputError(f"{self} cannot be compared place by place; tap layers of one resolution, or pool them")
        return math.prod(_grid(self.teacher_shape))

    def __str__(self) -> str:
        """Name both layers with their shapes."""
        return (
            f"teacher layer {self.teacher_layer!r} of shape {self.teacher_shape} and "
            f"student layer {self.student_layer!r} of shape {self.student_shape}"
        )


def n_channels(shape: Shape) -> int:
    """Return the channels of a sample's shape: the last axis of tokens (length, channels), else the first.

    Examples
    --------
    >>> n_channels((64,)), n_channels((64, 8, 8)), n_channels((197, 384))
    (64, 64, 384)
    """
    return shape[1] if len(shape) == 2 else shape[0]


def as_places(x: Tensor) -> Tensor:
    """Return vectors (n, c), maps (n, c, ...) or tokens (n, length, c) as (n, c, places), in single precision at least.

    A tensor of three axes is read as tokens, channels last. Half precision is widened: sums of squares over many
    places do not fit it.

    Raises
    ------
    InputError
        If `x` has fewer than two axes.

    Examples
    --------
    >>> [tuple(as_places(torch.ones(shape)).shape) for shape in ((2, 3), (2, 3, 4, 5), (2, 7, 3))]
    [(2, 3, 1), (2, 3, 20), (2, 3, 7)]
    """
    if x.ndim < 2:
        raise InputError(f"a layer must put out (n, channels), maps or tokens; this one has shape {tuple(x.shape)}")
    wide = widened(x)
    if x.ndim == 2:
        return wide[:, :, None]
    return wide.transpose(1, 2) if x.ndim == 3 else wide.flatten(2)


def widened(x: Tensor) -> Tensor:
    """Return half precision as single, anything else as it is: sums over many entries do not fit half precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _grid(shape: Shape) -> Shape:
    """Return the axes of a sample's shape that are places."""
    return shape[:1] if len(shape) == 2 else shape[1:]
