"""Batches of an epoch: tensors are indexed at once, other datasets go through torch's DataLoader."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from pidkit.errors import InputError

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""A function of a batch of inputs and a generator on its device, which returns augmented inputs."""


class DataSplit(Protocol):
    """The training, validation or test part of the data: samples that can be read in batches of given rows."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of rows (indices on the CPU)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return plain values that change when the data change, so that a run is not resumed on others."""
        ...


@dataclass(frozen=True)
class TensorSplit:
    """Samples held in tensors, on any device: a batch is one indexing operation."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.y)

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of rows; the seed is not needed."""
        for row in rows:
            yield self.x[row.to(self.x.device)], self.y[row.to(self.y.device)]

    def describe(self) -> dict[str, Any]:
        """Return the shape and a checksum of the labels."""
        return {"shape": list(self.x.shape), "labels": zlib.crc32(self.y.cpu().contiguous().numpy().tobytes())}


@dataclass(frozen=True)
class LoadedSplit:
    """Samples of a Dataset, read by a DataLoader."""

    dataset: Any
    workers: int

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of rows; the seed is that of the workers, which else would draw on the global generator."""
        generator = torch.Generator().manual_seed(seed)
        batches_of_rows = [row.tolist() for row in rows]
        for batch in DataLoader(
            self.dataset, batch_sampler=batches_of_rows, num_workers=self.workers, generator=generator
        ):
            if not (isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(p, Tensor) for p in batch)):
                parts = (
                    [type(part).__name__ for part in batch] if isinstance(batch, tuple | list) else type(batch).__name__
                )
                advice = "return both as tensors or numbers, several inputs in one tensor"
                raise InputError(f"datasets must give pairs (x, label), but batches of this one hold {parts}; {advice}")
            yield batch[0], batch[1]

    def describe(self) -> dict[str, Any]:
        """Return the kind and the size."""
        return {"kind": type(self.dataset).__qualname__, "size": len(self)}


def as_split(data: object, name: str, *, workers: int = 0) -> DataSplit:
    """Return (x, y) tensors, a TensorDataset of two, or any Dataset of pairs (x, label) as a split.

    Raises
    ------
    InputError
        If it is none of these, is empty, or its tensors do not fit together.
    """
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        data = data.tensors
    if isinstance(data, tuple | list) and len(data) == 2 and all(isinstance(part, Tensor) for part in data):
        x, y = data
        if y.ndim == 0 or y.dtype != torch.int64 or len(x) != len(y) or len(y) == 0:
            raise InputError(
                f"{name} must hold inputs and int64 labels of shape (n,) or (n, ...), n >= 1; the "
                f"shapes are {tuple(x.shape)} and {tuple(y.shape)}, the labels {y.dtype}"
            )
        return TensorSplit(x, y)
    if not isinstance(data, Dataset) or not hasattr(data, "__len__"):
        kind = type(data).__name__
        raise InputError(f"{name} must be two tensors (x, labels) or a Dataset with a length, not {kind}")
    if len(data) == 0:
        raise InputError(f"{name} holds no samples")
    return LoadedSplit(data, workers)


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
