"""Batches of an epoch: tensors are indexed at once, other datasets go through torch's DataLoader."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from pidkit.distill.inputs import Inputs, check_inputs, each_tensor, n_samples, named_tensors
from pidkit.errors import InputError

LABELS = "labels"
"""The entry of the labels where samples are mappings, as transformers has it."""

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
        return {"shape": shape, "labels": zlib.crc32(self.y.cpu().contiguous().numpy().tobytes())}


def _taken(x: Inputs, row: Tensor) -> Inputs:
    return each_tensor(x, lambda part: part[row.to(part.device)])


@dataclass(frozen=True)
class LoadedSplit:
    """Samples of a Dataset, read by a DataLoader.

    Attributes
    ----------
    dataset : Dataset
    workers : int
    collate : callable, optional
        Makes a batch of samples; None is torch's own.
    """

    dataset: Any
    workers: int
    collate: Callable[[list[Any]], Any] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield the batches of rows; the seed is that of the workers, which else would draw on the global generator."""
        generator = torch.Generator().manual_seed(seed)
        batches_of_rows = [row.tolist() for row in rows]
        loader = DataLoader(
            self.dataset,
            batch_sampler=batches_of_rows,
            num_workers=self.workers,
            generator=generator,
            collate_fn=self.collate,
        )
        for batch in loader:
            yield _pair(batch)

    def describe(self) -> dict[str, Any]:
        """Return the kind and the size."""
        return {"kind": type(self.dataset).__qualname__, "size": len(self)}


def _pair(batch: Any) -> tuple[Inputs, Tensor]:
    """Return inputs and labels of what a DataLoader gives."""
    x: Any
    y: Any
    x, y = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
    if isinstance(batch, Mapping) and LABELS in batch:
        x, y = {name: part for name, part in batch.items() if name != LABELS}, batch[LABELS]
    tensors = [*x.values(), y] if isinstance(x, Mapping) else [x, y]
    if not all(isinstance(part, Tensor) for part in tensors):
        parts = [type(part).__name__ for part in batch] if isinstance(batch, tuple | list) else type(batch).__name__
        advice = (
            f"return both as tensors or numbers, inputs by name in a mapping, or a mapping with an entry {LABELS!r}"
        )
        raise InputError(f"datasets must give pairs (x, label), but batches of this one hold {parts}; {advice}")
    return x, y


def as_split(data: object, name: str, *, workers: int = 0) -> DataSplit:
    """Return (x, y), a TensorDataset of two, or any Dataset or DataLoader of samples with labels as a split.

    Raises
    ------
    InputError
        If it is none of these, is empty, or its tensors do not fit together.
    """
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        data = data.tensors
    if isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[0], Tensor | np.ndarray | Mapping):
        x, y = data
        inputs = check_inputs(
            name, {k: _tensor(part) for k, part in x.items()} if isinstance(x, Mapping) else _tensor(x)
        )
        return TensorSplit(inputs, _checked_labels(inputs, _tensor(y), name))
    collate = None
    if isinstance(data, DataLoader):
        loader: DataLoader[Any] = data
        data, workers, collate = loader.dataset, max(workers, loader.num_workers), loader.collate_fn
    if not isinstance(data, Dataset) or not hasattr(data, "__len__"):
        kind = type(data).__name__
        raise InputError(f"{name} must be (x, labels), or a Dataset or DataLoader with a length, not {kind}")
    if len(data) == 0:
        raise InputError(f"{name} holds no samples")
    return LoadedSplit(data, workers, collate)


def _tensor(part: Any) -> Any:
    """Return a numpy array as a tensor, whole numbers as int64; anything else as it is."""
    if not isinstance(part, np.ndarray):
        return part
    return torch.as_tensor(part.astype(np.int64) if part.dtype.kind in "iu" and part.dtype.itemsize < 8 else part)


def _checked_labels(x: Inputs, y: object, name: str) -> Tensor:
    shape = {key: tuple(part.shape) for key, part in named_tensors(x).items()}
    shown = shape[""] if isinstance(x, Tensor) else shape
    if not isinstance(y, Tensor) or y.ndim == 0 or y.dtype != torch.int64 or n_samples(x) != len(y) or len(y) == 0:
        ours = f"{tuple(y.shape)}, the labels {y.dtype}" if isinstance(y, Tensor) else f"of a {type(y).__name__}"
        raise InputError(
            f"{name} must hold inputs and int64 labels of shape (n,) or (n, ...), n >= 1; the "
            f"shapes are {shown} and {ours}"
        )
    return y


def seed_of(*key: int) -> int:
    """Return a seed that depends on all numbers of a key: the run's seed, the epoch, what draws, the process."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


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
