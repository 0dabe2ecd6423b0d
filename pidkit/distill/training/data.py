"""Batches of an epoch: tensors are indexed at once, other datasets go through torch's DataLoader."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from pidkit.distill.soft_labels import IGNORED, check_soft
from pidkit.distill.training.loading import ArrayRows, LoadedSplit, as_tensor, from_loader
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, check_inputs, each_tensor, named_tensors

Augment = Callable[[Any, torch.Generator], Any]
"""A function of a batch of inputs and a generator on its device, which returns augmented inputs."""


class DataSplit(Protocol):
    """The training, validation or test part of the data: samples that can be read in batches of given rows."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield the batches of rows (indices on the CPU)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return plain values that change when the data change, so that a run is not resumed on others."""
        ...


@dataclass(frozen=True)
class TensorSplit:
    """Samples held in tensors, on any device: a batch is one indexing operation."""

    x: Inputs
    y: Tensor

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.y)

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield the batches of rows; the seed is not needed."""
        for row in rows:
            yield _taken(self.x, row), self.y[row.to(self.y.device)]

    def describe(self) -> dict[str, Any]:
        """Return the shapes and a checksum of the labels."""
        shapes = {name: list(part.shape) for name, part in named_tensors(self.x).items()}
        shape = shapes[""] if isinstance(self.x, Tensor) else shapes
        labels = self.y.double() if self.y.is_floating_point() else self.y
        return {"shape": shape, "labels": zlib.crc32(labels.cpu().contiguous().numpy().tobytes())}


def _taken(x: Inputs, row: Tensor) -> Inputs:
    return each_tensor(x, lambda part: part[row.to(part.device)])


def as_split(data: object, name: str, *, workers: int = 0) -> DataSplit:
    """Return (x, y), a TensorDataset of two, or any Dataset or DataLoader of samples with labels as a split.

    Arrays that cannot be written to, such as memory-mapped ones, stay where they are: their rows are read by workers.

    Raises
    ------
    InputError
        If it is none of these, is empty, or its tensors do not fit together.
    """
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        data = data.tensors
    if isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[0], Tensor | np.ndarray | Mapping):
        x, y = data
        parts = x.values() if isinstance(x, Mapping) else [x]
        if any(isinstance(part, np.ndarray) and not part.flags.writeable for part in parts):
            return LoadedSplit(ArrayRows(x, _checked_labels(x, y, name)), workers)
        inputs = check_inputs(
            name, {k: as_tensor(part) for k, part in x.items()} if isinstance(x, Mapping) else as_tensor(x)
        )
        return TensorSplit(inputs, _checked_labels(inputs, y, name))
    if isinstance(data, DataLoader):
        loader: DataLoader[Any] = data
        data, split = loader.dataset, from_loader(loader, workers)
    else:
        split = None
    if not isinstance(data, Dataset) or isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
        kind = type(data).__name__
        raise InputError(f"{name} must be (x, labels), or a Dataset or DataLoader with a length, not {kind}")
    if len(data) == 0:
        raise InputError(f"{name} holds no samples")
    return split or LoadedSplit(data, workers)


def _checked_labels(x: Any, y: object, name: str) -> Tensor:
    """Return labels as a tensor if there is one for each row of x; of None as many that stand for no label."""
    parts = dict(x) if isinstance(x, Mapping) else {"": x}
    n = len(next(iter(parts.values())))
    if y is None:
        return torch.full((n,), IGNORED)
    labels = as_tensor(np.array(y) if isinstance(y, np.ndarray) and not y.flags.writeable else y)
    right = isinstance(labels, Tensor) and labels.ndim > 0 and n == len(labels) > 0
    soft = right and labels.is_floating_point() and labels.ndim > 1
    if not right or not (soft or labels.dtype == torch.int64):
        shapes = {key: tuple(part.shape) for key, part in parts.items()}
        ours = f"{tuple(labels.shape)}, the labels {labels.dtype}" if isinstance(labels, Tensor) else type(y).__name__
        raise InputError(
            f"{name} must hold inputs and int64 labels of shape (n,) or (n, ...), or probabilities (n, n_classes, ...),"
            f" n >= 1; the shapes are {shapes.get('', shapes)} and {ours}; None stands for no labels"
        )
    if soft:
        check_soft(labels)
    checked: Tensor = labels
    return checked


def training_rows(n: int, *, batch_size: int, drop_last: bool, seed: int, rank: int, n_processes: int) -> list[Tensor]:
    """Return the rows of every batch of an epoch, shuffled by the seed: this process's equal share of each.

    Raises
    ------
    InputError
        If processes cannot share a batch equally, or there is not one batch.
    """
    if batch_size % n_processes:
        raise InputError(f"batch_size = {batch_size} cannot be shared by {n_processes} processes; make it a multiple")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    batches = [*torch.split(order, batch_size)]
    last = len(batches[-1])
    if last < batch_size and (drop_last or last < 2 * n_processes):
        batches.pop()
    if not batches:
        raise InputError(
            f"batch_size = {batch_size} is more than the {n} samples of train, and incomplete batches are left out; "
            "make it smaller, or pass drop_last=False"
        )
    return [batch[: len(batch) - len(batch) % n_processes][rank::n_processes] for batch in batches]


def evaluation_rows(n: int, *, batch_size: int, rank: int, n_processes: int) -> list[Tensor]:
    """Return the rows of every batch, all samples in order, this process's share."""
    return [rows for rows in torch.split(torch.arange(n)[rank::n_processes], batch_size) if len(rows)]
