"""Samples that a DataLoader reads: the same draws for any number of workers, which stay between the epochs."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs
from pidkit.nn.seeding import others_kept, seed_of

LABELS = "labels"
"""The entry of the labels where samples are mappings, as transformers has it."""

KEPT_OPTIONS = ("collate_fn", "pin_memory", "timeout", "worker_init_fn", "multiprocessing_context", "prefetch_factor")
"""What is taken over from a DataLoader, beside the dataset, the workers and whether they stay."""


class LoadedSplit:
    """Samples of a Dataset, read by a DataLoader.

    The dataset draws from torch's, numpy's and Python's global generators as a batch's own seed says, wherever it is
    read: its augmentations are the same for any number of workers and in a resumed run, and the program's own
    generators stay where they are.

    Parameters
    ----------
    dataset : Dataset
    workers : int
        Processes that read; none reads in this one.
    persistent : bool
        Keep the workers from one epoch to the next.
    options : mapping of str to object
        Further options of the DataLoader.
    """

    def __init__(
        self, dataset: Any, workers: int = 0, *, persistent: bool = True, options: Mapping[str, Any] | None = None
    ) -> None:
        """Start nothing: workers are made with the first batch."""
        self.dataset, self.workers = dataset, workers
        self._batches = _Batches()
        self._loader: DataLoader[Any] = DataLoader(
            _Seeded(dataset),
            batch_sampler=self._batches,  # type: ignore[arg-type]  # a batch is its seed and its rows
            num_workers=workers,
            persistent_workers=persistent and workers > 0,
            # For the seeds of the workers, which it would draw from the global one.
            generator=torch.Generator().manual_seed(0),
            **(options or {}),
        )

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def batches(self, rows: Sequence[Tensor], *, seed: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield the batches of rows, what the dataset draws being the seed's."""
        self._batches.now = [(seed_of(seed, k), row.tolist()) for k, row in enumerate(rows)]
        for batch in self._loader:
            yield _pair(batch)

    def describe(self) -> dict[str, Any]:
        """Return the kind and the size."""
        return {"kind": type(self.dataset).__qualname__, "size": len(self)}


class _Batches:
    """The batches that the DataLoader is to read next: each a seed and its rows."""

    def __init__(self) -> None:
        self.now: list[tuple[int, list[int]]] = []

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return iter(self.now)

    def __len__(self) -> int:
        return len(self.now)


class _Seeded(Dataset[Any]):
    """A dataset that is asked for whole batches, each with the seed of what it draws."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitems__(self, asked: tuple[int, list[int]]) -> list[Any]:
        seed, rows = asked
        with _global_generators(seed):
            several = getattr(self.dataset, "__getitems__", None)
            return list(several(rows)) if several else [self.dataset[row] for row in rows]


@contextlib.contextmanager
def _global_generators(seed: int) -> Iterator[None]:
    """Run a block with the global generators of the CPU at a seed, and put them back."""
    with others_kept(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  (datasets draw from it)
        yield


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


def from_loader(loader: DataLoader[Any], workers: int) -> LoadedSplit:
    """Return the samples of a DataLoader, read with its own options by at least so many workers."""
    options = {name: value for name in KEPT_OPTIONS if (value := getattr(loader, name, None)) is not None}
    n = max(workers, loader.num_workers)
    persistent = loader.persistent_workers or loader.num_workers == 0
    return LoadedSplit(loader.dataset, n, persistent=persistent, options=options)


class ArrayRows(Dataset[Any]):
    """Rows of arrays that are read when they are asked for, such as memory-mapped ones, as tensors.

    Parameters
    ----------
    x : array, or mapping of str to array
    y : Tensor
        The labels.
    """

    def __init__(self, x: Any, y: Tensor) -> None:
        """Hold the arrays."""
        self.x, self.y = x, y

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[Any, Tensor]:
        """Return a copy of one row."""
        if isinstance(self.x, Mapping):
            return {name: as_tensor(np.array(part[row])) for name, part in self.x.items()}, self.y[row]
        return as_tensor(np.array(self.x[row])), self.y[row]


def as_tensor(part: Any) -> Any:
    """Return a numpy array as a tensor, whole numbers as int64; anything else as it is."""
    if not isinstance(part, np.ndarray):
        return part
    return torch.as_tensor(part.astype(np.int64) if part.dtype.kind in "iu" and part.dtype.itemsize < 8 else part)
