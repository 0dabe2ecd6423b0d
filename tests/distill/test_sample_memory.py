"""The memory of samples: negatives of all other classes alike, vectors that move and keep their length."""

import pytest
import torch

from pidkit import InputError
from pidkit.distill.sample_memory import SampleMemory
from pidkit.nn.seeding import own_random_state

LABELS = torch.tensor([5, 2, 5, 2, 9, 2])


def test_negatives_are_every_sample_of_another_class_equally_often() -> None:
    with own_random_state(0):
        memory = SampleMemory(LABELS, 4, 0.5)
        drawn = memory.negatives(torch.tensor([0, 1, 4]), 6000)
    for row, others in zip(drawn, ([1, 3, 4, 5], [0, 2, 4], [0, 1, 2, 3, 5]), strict=True):
        found, counts = row.unique(return_counts=True)
        assert found.tolist() == others
        assert (counts / 6000 - 1 / len(others)).abs().max() < 0.03


def test_vectors_move_and_are_unit_vectors() -> None:
    memory = SampleMemory(LABELS, 2, 0.75)
    memory.teacher[3], memory.student[3] = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    before = memory.teacher.clone()
    memory.remember(torch.tensor([3]), torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, -1.0]]))
    assert memory.teacher[3].tolist() == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    assert memory.student[3].tolist() == pytest.approx([0.0, 1.0])
    assert torch.equal(memory.teacher[:3], before[:3])


@pytest.mark.parametrize("wrong", [torch.zeros(4), torch.zeros(2, 2).long(), torch.tensor([0, -100, 1])])
def test_labels_are_whole_numbers_one_a_sample(wrong: torch.Tensor) -> None:
    with pytest.raises(InputError, match="labels must be the class of every training sample"):
        SampleMemory(wrong, 2, 0.5)


def test_one_class_has_no_negatives() -> None:
    with pytest.raises(InputError, match="labels are all of one class"):
        SampleMemory(torch.zeros(4).long(), 2, 0.5)
