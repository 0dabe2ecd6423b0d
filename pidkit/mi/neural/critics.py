"""Critics: networks that score every pair, T(a_i, b_j), for all K x K' pairs of a batch at once.

Inputs are (K, channels) or (K, channels, ...), the trailing axes being places. The first two critics flatten the places
and return scores (K, K'); the last two keep them and return (places, K, K'), one matrix a place. Where a few negatives
a sample will do, the last two also score some diagonals of that matrix alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, check_shape, whole_number
from pidkit.errors import InputError
from pidkit.types import Shape


class SeparableCritic(nn.Module):
    """Score f(a) . g(b) / sqrt(e), two perceptrons and a dot product: K + K' forward passes for K K' scores.

    Parameters
    ----------
    shape_a, shape_b : tuple of int
        Shapes of one sample.
    width, depth : int
        Of the hidden layers.
    embedding : int
        e, the length of f(a) and g(b), and so the rank of the scores.

    Raises
    ------
    InputError
        If a size is no whole number, or out of its range.
    """

    def __init__(self, shape_a: Shape, shape_b: Shape, *, width: int = 128, depth: int = 2, embedding: int = 32):
        """Build both perceptrons."""
        super().__init__()
        shape_a, shape_b = check_shape("shape_a", shape_a), check_shape("shape_b", shape_b)
        width, depth = check_count("width", width), whole_number("depth", depth)
        embedding = check_count("embedding", embedding)
        self.f = _perceptron(math.prod(shape_a), width, depth, embedding)
        self.g = _perceptron(math.prod(shape_b), width, depth, embedding)
        self.scale = embedding**-0.5

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the scores (K, K')."""
        scores: Tensor = self.f(a.flatten(1)) @ (self.scale * self.g(b.flatten(1))).T
        return scores


class ConcatenatedCritic(nn.Module):
    """Score h(a, b), one perceptron of both: more expressive than a dot product, and K K' forward passes.

    The first layer is linear, so it is applied to a and b apart; only the others see every pair.

    Parameters
    ----------
    shape_a, shape_b : tuple of int
    width, depth : int

    Raises
    ------
    InputError
        If a size is no whole number of at least 1.
    """

    def __init__(self, shape_a: Shape, shape_b: Shape, *, width: int = 128, depth: int = 2):
        """Build the perceptron."""
        super().__init__()
        shape_a, shape_b = check_shape("shape_a", shape_a), check_shape("shape_b", shape_b)
        width, depth = check_count("width", width), check_count("depth", depth)
        self.first_a = nn.Linear(math.prod(shape_a), width)
        self.first_b = nn.Linear(math.prod(shape_b), width, bias=False)
        self.rest = nn.Sequential(nn.ReLU(), _perceptron(width, width, depth - 1, 1))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the scores (K, K')."""
        hidden = self.first_a(a.flatten(1))[:, None] + self.first_b(b.flatten(1))[None]
        return self.rest(hidden).squeeze(-1)  # type: ignore[no-any-return]


class ProjectAndDot(nn.Module):
    """Score the dot product of two projections at every place: Deep InfoMax's and MIMKD's project-and-dot.

    A projection is Linear-ReLU-Linear plus a linear shortcut, then LayerNorm, over the channels (1x1 convolutions for a
    map). A side without places, a global vector, meets every place of the other.

    Parameters
    ----------
    shape_a, shape_b : tuple of int
        (channels,) or (channels, ...).
    width : int
        Length of the projections and of their hidden layer.

    Raises
    ------
    InputError
        If both sides have places, and not as many, or `width` is no whole number of at least 1.

    References
    ----------
    Shrivastava et al., Estimating and maximizing mutual information for knowledge distillation, 2021, section 3.1.
    """

    def __init__(self, shape_a: Shape, shape_b: Shape, *, width: int = 128):
        """Build both projections."""
        super().__init__()
        width = check_count("width", width)
        shape_a, shape_b = check_shape("shape_a", shape_a), check_shape("shape_b", shape_b)
        _check_places(shape_a, shape_b)
        self.f, self.g = _Projection(shape_a[0], width), _Projection(shape_b[0], width)
        self.scale = width**-0.5

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the scores (places, K, K')."""
        scores: Tensor = self.f(_places(a)) @ (self.scale * self.g(_places(b))).mT
        return scores

    def diagonals(self, a: Tensor, b: Tensor, shifts: Sequence[int]) -> Tensor:
        """Return the scores of (a_i, b_(i + shift) mod K) alone, (shifts, places, K); each side projected once."""
        f, g = self.f(_places(a)), self.scale * self.g(_places(b))
        return torch.stack([(f * g.roll(-shift, 1)).sum(-1) for shift in shifts])


class ConcatenateAndConvolve(nn.Module):
    """Score every place by 1x1 convolutions of both sides' channels put together: MIMKD's concatenate-and-convolve.

    Linear-ReLU-Linear-ReLU-Linear over the channels; a global vector is put beside the channels of every place.

    Parameters
    ----------
    shape_a, shape_b : tuple of int
        (channels,) or (channels, ...).
    width : int
        Hidden channels; 512 in the paper.

    Raises
    ------
    InputError
        If both sides have places, and not as many, or `width` is no whole number of at least 1.
    """

    def __init__(self, shape_a: Shape, shape_b: Shape, *, width: int = 512):
        """Build the convolutions."""
        super().__init__()
        shape_a, shape_b = check_shape("shape_a", shape_a), check_shape("shape_b", shape_b)
        _check_places(shape_a, shape_b)
        self.critic = ConcatenatedCritic(shape_a[:1], shape_b[:1], width=width, depth=2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the scores (places, K, K')."""
        first, second = _places(a), _places(b)
        n = max(len(first), len(second))
        return torch.stack(
            [self.critic(x, y) for x, y in zip(first.expand(n, -1, -1), second.expand(n, -1, -1), strict=True)]
        )

    def diagonals(self, a: Tensor, b: Tensor, shifts: Sequence[int]) -> Tensor:
        """Return the scores of (a_i, b_(i + shift) mod K) alone, (shifts, places, K)."""
        first, second = self.critic.first_a(_places(a)), self.critic.first_b(_places(b))
        return torch.stack([self.critic.rest(first + second.roll(-shift, 1)).squeeze(-1) for shift in shifts])


class _Projection(nn.Module):
    """Linear-ReLU-Linear plus a linear shortcut, then LayerNorm, on the last axis."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.residual = _perceptron(channels, width, 1, width)
        self.shortcut = nn.Linear(channels, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.residual(x) + self.shortcut(x))  # type: ignore[no-any-return]


CRITICS: dict[str, type[nn.Module]] = {
    "separable": SeparableCritic,
    "concatenated": ConcatenatedCritic,
    "project-and-dot": ProjectAndDot,
    "concatenate-and-convolve": ConcatenateAndConvolve,
}
"""The critics by name."""


def _perceptron(n_in: int, width: int, depth: int, n_out: int) -> nn.Sequential:
    """Return `depth` hidden layers of ReLU and a linear one."""
    sizes = [n_in, *[width] * depth]
    hidden = [layer for i, o in pairwise(sizes) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], n_out))


def _places(x: Tensor) -> Tensor:
    """Return (K, channels, ...) as (places, K, channels); a vector has one place."""
    return x.flatten(2).permute(2, 0, 1) if x.ndim > 2 else x[None]


def _check_places(shape_a: Shape, shape_b: Shape) -> None:
    n_a, n_b = math.prod(shape_a[1:]), math.prod(shape_b[1:])
    if n_a != n_b and 1 not in (n_a, n_b):
        raise InputError(
            f"a and b must have as many places: they have {n_a} and {n_b}; pool one of them, or flatten it to a vector"
        )
