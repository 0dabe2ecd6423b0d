"""Copies of layers: which are taken, rounding, and what does not fit."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from pidkit.distill import copy_weights
from pidkit.errors import InputError
from pidkit.nn.seeding import own_random_state


def network(widths: tuple[int, ...], seed: int) -> nn.Sequential:
    with own_random_state(seed):
        blocks = [nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b)) for a, b in pairwise(widths)]
        return nn.Sequential(*blocks)


def test_layers_of_one_name_and_shape_are_copied_with_their_buffers() -> None:
    teacher, student = network((2, 3, 3, 4), 0), network((2, 3, 3, 5), 1)
    teacher[0](torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))
    last = student[2][0].weight.detach().clone()
    assert copy_weights(teacher, student) == ("0.0", "0.1", "1.0", "1.1")
    assert torch.equal(teacher[0][0].weight, student[0][0].weight)
    assert torch.equal(teacher[0][1].running_mean, student[0][1].running_mean)
    assert bool(student[0][1].running_mean.any())
    assert torch.equal(student[2][0].weight, last)
    with torch.no_grad():
        teacher[0][0].weight.zero_()
    assert bool(student[0][0].weight.any()), "a copy, not the same tensor"


def test_pairs_are_copied_block_by_block() -> None:
    teacher, student = network((3, 3, 3, 3, 3), 0), network((3, 3, 3), 1)
    assert copy_weights(teacher, student, [("1", "0"), ("3", "1")]) == ("0", "1")
    for theirs, ours in ((1, 0), (3, 1)):
        states = teacher[theirs].state_dict(), student[ours].state_dict()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_copies_of_few_bits_by_hand() -> None:
    teacher: Any = nn.Sequential(nn.Linear(3, 2))
    student: Any = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        teacher[0].weight.copy_(torch.tensor([[3.0, -1.4, 0.6], [0.0, 0.0, 0.3]]))
        teacher[0].bias.copy_(torch.tensor([0.123, 4.567]))
    copy_weights(teacher, student, bits=3)
    # Levels -3 .. 3: steps of 1 in the first row, of .1 in the second.
    torch.testing.assert_close(student[0].weight, torch.tensor([[3.0, -1.0, 1.0], [0.0, 0.0, 0.3]]))
    assert torch.equal(student[0].bias, teacher[0].bias)


def test_what_cannot_be_copied_is_refused_before_anything_is() -> None:
    teacher, student = network((2, 3, 4), 0), network((2, 3, 5), 1)
    before = student[0][0].weight.detach().clone()
    with pytest.raises(InputError, match=r"layers holds \('1', '1'\), which do not have the same parameters"):
        copy_weights(teacher, student, ["0", "1"])
    with pytest.raises(InputError, match="layers holds 'x', which the teacher does not have"):
        copy_weights(teacher, student, [("x", "0")])
    with pytest.raises(InputError, match="layers is empty"):
        copy_weights(teacher, student, [])
    with pytest.raises(InputError, match="no layer has the same name and shapes"):
        copy_weights(network((2, 3), 0), network((3, 2), 0))
    assert torch.equal(student[0][0].weight, before)
