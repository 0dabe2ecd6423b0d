"""Pairs of layers as objectives read them: checked once, then read as tensors (n, channels, places) from each batch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import items_of
from pidkit.distill.batch import Batch
from pidkit.distill.padding import counted_places, only_counted, pooled_layer, without_padding
from pidkit.distill.places import LayerPair, as_places, widened
from pidkit.errors import InputError

LossReduction = Literal["mean", "sum"]
"""How a loss is reduced over channels and places: to the mean, as in published codes, or to the sum that is printed."""


def checked_pairs(pairs: Iterable[LayerPair]) -> tuple[LayerPair, ...]:
    """Return the pairs of layers that an objective compares.

    Raises
    ------
    InputError
        If there are none, or one is no LayerPair.

    Examples
    --------
    >>> checked_pairs([("conv1", "conv1")])
    Traceback (most recent call last):
    pidkit.errors.InputError: pairs must be LayerPairs, at least one, such as tap(layers=...).pairs; not ('conv1', 'conv1')
    """  # noqa: E501  (the message stays in one line)
    items: tuple[object, ...] = items_of("pairs", pairs)
    checked = tuple(pair for pair in items if isinstance(pair, LayerPair))
    if not items or len(checked) < len(items):
        what = ", ".join(repr(pair) for pair in items if not isinstance(pair, LayerPair)) or "none"
        raise InputError(f"pairs must be LayerPairs, at least one, such as tap(layers=...).pairs; not {what}")
    return checked


def paired_places(batch: Batch, pair: LayerPair) -> tuple[Tensor, Tensor]:
    """Return a pair's layers as (n, channels, places), padding zero; the teacher's first and without a graph."""
    teacher, student = (as_places(without_padding(layer, batch.mask)) for layer in _layers(batch, pair))
    return teacher, student


def counted_pair(batch: Batch, pair: LayerPair) -> tuple[Tensor, Tensor]:
    """Return a pair's layers as (n, channels, places), or, where some are padding, the m others as (1, channels, m).

    For what is done at each place alone and averaged over all: `only_counted`.
    """
    counted = counted_of(batch, pair)
    teacher, student = (as_places(layer) for layer in _layers(batch, pair))
    return only_counted(teacher, counted), only_counted(student, counted)


def counted_of(batch: Batch, pair: LayerPair) -> Tensor | None:
    """Return which places of a pair count, (n, places), the same of both layers; None where all do."""
    return counted_places(batch.mask, batch.student.layer(pair.student_layer))


def n_counted(batch: Batch, places: Tensor) -> float:
    """Return how many places count of each sample, on average: what a mean is multiplied by where sums are printed."""
    return places.shape[0] * places.shape[2] / len(batch.student.logits)


def paired_rows(batch: Batch, pair: LayerPair) -> tuple[Tensor, Tensor]:
    """Return a pair's layers as rows (n, d) and (n, e), flattened, padding zero; the teacher's first, without a graph.

    For objectives that compare samples with each other in each network: the layers may have any shapes.
    """
    teacher, student = (without_padding(layer, batch.mask) for layer in _layers(batch, pair))
    return widened(teacher.flatten(1)), widened(student.flatten(1))


def _layers(batch: Batch, pair: LayerPair) -> tuple[Tensor, Tensor]:
    """Return the teacher's layer without a graph, and the student's."""
    return batch.teacher.layer(pair.teacher_layer).detach(), batch.student.layer(pair.student_layer)


def pooled_pair(batch: Batch, pair: LayerPair) -> tuple[Tensor, Tensor]:
    """Return the means over the places that count of a pair's layers, (n, channels); the teacher's first, no graph."""
    teacher, student = (pooled_layer(layer, batch.mask) for layer in _layers(batch, pair))
    return teacher, student


def embedding_maps(pair: LayerPair, length: int) -> nn.ModuleDict:
    """Return new linear maps of both layers of a pair, flattened, into one space: "teacher" and "student"."""
    shapes = {"teacher": pair.teacher_shape, "student": pair.student_shape}
    return nn.ModuleDict({side: nn.Linear(math.prod(shape), length) for side, shape in shapes.items()})


def embedded(batch: Batch, pair: LayerPair, maps: nn.ModuleDict) -> tuple[Tensor, Tensor]:
    """Return a pair's layers as unit vectors (n, length) of one space, by `embedding_maps`; the teacher's first."""
    theirs, ours = paired_rows(batch, pair)
    t, s = widened(maps["teacher"](theirs)), widened(maps["student"](ours))
    return functional.normalize(t, dim=1), functional.normalize(s, dim=1)


def inner_products(first: Tensor, second: Tensor) -> Tensor:
    """Return first @ second^T over the last axes, in single precision at least, also under autocast."""
    with torch.autocast(first.device.type, enabled=False):
        return widened(first) @ widened(second).transpose(-1, -2)


def mean_square(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean of (first - second)^2 over all entries, in single precision at least.

    Examples
    --------
    >>> import torch
    >>> mean_square(torch.tensor([1.0, 3.0], dtype=torch.bfloat16), torch.zeros(2))
    tensor(5.)
    """
    return (widened(first) - widened(second)).square().mean()
