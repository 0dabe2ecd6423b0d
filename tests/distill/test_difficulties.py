"""Difficulties of samples by hand."""

import math

import pytest
import torch
from torch import nn

from pidkit.distill import difficulties_by
from pidkit.errors import InputError


def test_cross_entropies_by_hand_in_batches() -> None:
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0], [3.0, 0.0]])
    found = difficulties_by(nn.Sequential(nn.Identity(), nn.Dropout(0.9)), x, torch.tensor([0, 1, 0]), batch_size=2)
    assert found.tolist() == pytest.approx([math.log1p(math.e), math.log1p(math.exp(-1)), math.log1p(math.exp(-3))])


def test_labels_must_fit() -> None:
    with pytest.raises(InputError, match=r"labels must be one class number a sample, \(2,\), not \(3,\)"):
        difficulties_by(nn.Identity(), torch.zeros(2, 2), torch.zeros(3).long())
