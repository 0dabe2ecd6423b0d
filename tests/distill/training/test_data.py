"""Batches of tensors and of datasets: the same ones, shared by processes, and nothing drawn from global generators."""

from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from pidkit import InputError
from pidkit.distill.training.data import as_split, evaluation_rows, training_rows
from pidkit.nn.seeding import seed_of
from tests.distill.toys import blobs


class Pairs(Dataset[Any]):
    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.x[row], int(self.y[row])


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 4


def rows(
    n: int = 20, batch_size: int = 6, drop_last: bool = True, seed: int = 0, rank: int = 0, n_processes: int = 1
) -> list[torch.Tensor]:
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "drop_last": drop_last,
        "seed": seed,
        "rank": rank,
        "n_processes": n_processes,
    }
    return training_rows(n, **options)


def test_every_sample_once_but_those_of_the_incomplete_batch() -> None:
    assert [len(row) for row in rows()] == [6, 6, 6]
    assert [len(row) for row in rows(drop_last=False)] == [6, 6, 6, 2]
    assert sorted(torch.cat(rows(drop_last=False)).tolist()) == list(range(20))
    assert [len(row) for row in rows(n=19, drop_last=False)] == [6, 6, 6]  # one sample alone is never a batch
    assert [len(row) for row in rows(n=18)] == [6, 6, 6]


def test_the_order_is_the_seeds() -> None:
    assert torch.equal(torch.cat(rows(seed=1)), torch.cat(rows(seed=1)))
    assert not torch.equal(torch.cat(rows(seed=1)), torch.cat(rows(seed=2)))
    assert len({seed_of(0, epoch, kind) for epoch in range(50) for kind in range(3)}) == 150


def test_processes_share_every_batch_equally() -> None:
    whole, parts = rows(drop_last=False, n=21), [rows(drop_last=False, n=21, rank=k, n_processes=2) for k in range(2)]
    assert [len(row) for row in whole] == [6, 6, 6, 3]
    assert [[len(row) for row in part] for part in parts] == [[3, 3, 3]] * 2  # not two samples each of the last
    for k in range(3):
        assert sorted(whole[k].tolist()) == sorted(torch.cat([part[k] for part in parts]).tolist())
    odd = [rows(drop_last=False, n=23, rank=k, n_processes=2)[-1] for k in range(2)]
    assert [len(row) for row in odd] == [2, 2]  # of five, one is left out
    with pytest.raises(InputError, match="batch_size = 6 cannot be shared by 4 processes; make it a multiple"):
        rows(n_processes=4)
    assert sorted(
        torch.cat([torch.cat(evaluation_rows(7, batch_size=2, rank=k, n_processes=3)) for k in range(3)])
    ) == [*range(7)]
    assert evaluation_rows(1, batch_size=2, rank=1, n_processes=2) == []


def test_no_batch_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size = 30 is more than the 20 samples of train"):
        rows(batch_size=30)


def test_tensors_and_datasets_give_the_same_batches() -> None:
    x, y = blobs(20)
    before = torch.get_rng_state()
    kinds = [(x, y), TensorDataset(x, y), Pairs(x, y)]
    batches = [list(as_split(data, "train").batches(rows(), seed=3)) for data in kinds]
    for found in batches[1:]:
        for (x1, y1), (x2, y2) in zip(batches[0], found, strict=True):
            assert isinstance(x1, torch.Tensor)
            assert isinstance(x2, torch.Tensor)
            assert torch.equal(x1, x2)
            assert torch.equal(y1, y2)
    assert torch.equal(before, torch.get_rng_state())


def test_no_labels_are_labels_that_do_not_count_and_probabilities_are_labels() -> None:
    x, y = blobs(20)
    (batch,) = as_split((x, None), "train").batches([torch.arange(4)], seed=0)
    assert batch[1].tolist() == [-100] * 4
    soft = torch.nn.functional.one_hot(y, 3).float()
    for labels in (soft, soft.numpy()):
        (batch,) = as_split((x.numpy(), labels), "train").batches([torch.arange(4)], seed=0)
        assert torch.equal(batch[1], soft[:4])
    assert as_split((x, soft), "train").describe() != as_split((x, soft.flip(0)), "train").describe()


def test_workers_load_the_same_batches() -> None:
    x, y = blobs(20)
    split = as_split(Pairs(x, y), "train", workers=1)
    for row, (x1, y1) in zip(rows(), split.batches(rows(), seed=3), strict=True):
        assert isinstance(x1, torch.Tensor)
        assert torch.equal(x1, x[row])
        assert torch.equal(y1, y[row])


def test_descriptions_tell_data_apart() -> None:
    x, y = blobs(20)
    assert as_split((x, y), "train").describe() != as_split((x, y.flip(0)), "train").describe()
    assert as_split(Pairs(x, y), "train").describe() == {"kind": "Pairs", "size": 20}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((torch.ones(3, 2), torch.ones(3)), "train must hold inputs and int64 labels of shape"),
        ((torch.ones(3, 2), torch.ones((), dtype=torch.int64)), "train must hold inputs and int64 labels of shape"),
        ((torch.ones(3, 2), torch.ones(2, dtype=torch.int64)), "train must hold inputs and int64 labels"),
        ((torch.ones(0, 2), torch.ones(0, dtype=torch.int64)), "train must hold inputs and int64 labels"),
        (
            (torch.ones(3, 2), torch.ones(3, 2)),
            "labels of real numbers must be probabilities that sum to 1 over axis 1",
        ),
        ("data", "train must be \\(x, labels\\), or a Dataset or DataLoader with a length, not str"),
        (Pairs(torch.ones(0, 2), torch.ones(0)), "train holds no samples"),
        (Stream(), "train must be \\(x, labels\\), or a Dataset or DataLoader with a length, not Stream"),
    ],
)
def test_bad_data_are_refused(data: Pairs | Stream | str | tuple[torch.Tensor, torch.Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_split(data, "train")


@pytest.mark.parametrize("sample", [({"pixels": "none"}, 0), (torch.ones(2), 0, 1), {"x": torch.ones(2), "y": 0}])
def test_samples_that_are_no_pair_of_tensors_are_refused(sample: Any) -> None:
    class Other(Pairs):
        def __getitem__(self, row: int) -> Any:
            return sample

    split = as_split(Other(torch.ones(4, 2), torch.ones(4)), "train")
    with pytest.raises(
        InputError, match=r"datasets must give pairs \(x, label\), but batches of this one hold .*; return b"
    ):
        next(iter(split.batches([torch.arange(2)], seed=0)))
