"""Samples through a DataLoader: draws that no number of workers changes, workers that stay, arrays on the disk."""

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from pidkit import InputError
from pidkit.distill import Phases
from pidkit.distill.training.data import as_split
from pidkit.distill.training.loading import LoadedSplit
from tests.distill.toys import blobs, same, weights
from tests.distill.training.short_runs import cross_entropy, trainer

ROWS = [torch.tensor([3, 1]), torch.tensor([0, 2]), torch.tensor([5, 4])]


class Noisy(Dataset[Any]):
    """Blobs with noise of all three global generators, and the number of the process that drew it."""

    def __init__(self, n: int = 36) -> None:
        self.x, self.y = blobs(n)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.rand(4) + float(np.random.random()) + random.random()  # noqa: NPY002  (as data sets do)
        return self.x[row] + noise, self.y[row]


class Processes(Dataset[Any]):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> tuple[int, int]:
        return os.getpid(), row


def read(split: LoadedSplit, seed: int) -> list[torch.Tensor]:
    return [x for x, _ in split.batches(ROWS, seed=seed) if isinstance(x, torch.Tensor)]


def test_draws_are_the_seeds_and_leave_the_global_generators_alone() -> None:
    state = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    split = LoadedSplit(Noisy())
    first = read(split, 1)
    assert same(first, read(split, 1))
    assert not same(first, read(split, 2))
    assert not torch.equal(first[0][0] - Noisy().x[3], first[1][0] - Noisy().x[0])  # each batch its own
    assert torch.equal(state[0], torch.get_rng_state())
    assert state[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert state[2] == random.getstate()


@pytest.mark.slow
def test_workers_stay_and_draw_what_this_process_draws() -> None:
    alone, two = LoadedSplit(Noisy()), LoadedSplit(Noisy(), 2)
    for seed in (1, 2, 1):
        assert same(read(alone, seed), read(two, seed))
    several = next(two.batches(ROWS, seed=5))  # and leaves the rest of the epoch
    assert torch.equal(several[0], read(alone, 5)[0])  # type: ignore[arg-type]
    assert same(read(alone, 6), read(two, 6))

    def workers(split: Any) -> set[int]:
        return {int(n) for x, _ in split.batches(ROWS, seed=0) for n in x}

    split = as_split(Processes(), "train", workers=2)
    assert workers(split) == workers(split)
    assert os.getpid() not in workers(split)
    loader: Any = DataLoader(Processes(), num_workers=2, persistent_workers=True)
    split = as_split(loader, "train")
    assert workers(split) == workers(split)
    leaving: Any = as_split(DataLoader(Processes(), num_workers=2), "train")
    assert workers(leaving).isdisjoint(workers(leaving))  # the caller's loader says so


@pytest.mark.slow
def test_a_run_with_workers_that_stay_is_that_without_through_all_phases_and_resumed(tmp_path: Path) -> None:
    found = []
    for workers in (0, 2):
        torch.manual_seed(0)
        run = trainer(train=Noisy(), options={"workers": workers})
        run.fit()
        found.append(weights(run.networks.student))
    assert same(*found)
    torch.manual_seed(0)
    loader: Any = DataLoader(Noisy(), num_workers=1, persistent_workers=True)
    trainer(train=loader, path=tmp_path, options={"epochs": 2}).fit()
    resumed = trainer(train=Noisy(), path=tmp_path, resume=True, options={"workers": 2})
    resumed.fit()
    assert same(found[0], weights(resumed.networks.student))


def test_options_of_a_loader_are_taken_over() -> None:
    def doubled(samples: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = (torch.stack(parts) for parts in zip(*samples, strict=True))
        return 2 * x, y

    plain, changed = Noisy(), DataLoader(Noisy(), collate_fn=doubled, timeout=0)
    first, second = (read(as_split(data, "train"), 1) for data in (plain, changed))  # type: ignore[arg-type]
    assert all(torch.equal(2 * a, b) for a, b in zip(first, second, strict=True))


def test_arrays_on_the_disk_are_read_row_by_row(tmp_path: Path) -> None:
    x, y = blobs(36)
    for name, part in (("x", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", part.numpy())
    there, labels = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    split = as_split((there, labels), "train")
    assert isinstance(split, LoadedSplit)
    assert split.dataset.x is there
    for row, (found, label) in zip(ROWS, split.batches(ROWS, seed=0), strict=True):
        assert torch.equal(found, x[row])  # type: ignore[arg-type]
        assert torch.equal(label, y[row])
    batches: list[Any] = []
    for train in ((x, y), (there, labels), ({"input": there}, None)):
        split = as_split(train, "train")
        assert len(split) == 36
        batches.append(next(iter(split.batches(ROWS, seed=0))))
    assert torch.equal(batches[2][0]["input"], batches[0][0])
    assert batches[2][1].tolist() == [-100, -100]
    with pytest.raises(InputError, match=r"the shapes are \(36, 4\) and \(35,\), the labels torch.int64"):
        as_split((there, y[1:]), "train")
    torch.manual_seed(0)
    first = trainer(cross_entropy, phases=Phases(), train=(x, y))
    torch.manual_seed(0)
    second = trainer(cross_entropy, phases=Phases(), train=(there, labels))
    for run in (first, second):
        run.fit()
    assert same(weights(first.networks.student), weights(second.networks.student))
