"""How hard each sample is to a network, for orders of training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count
from pidkit.distill.labels import check_logits
from pidkit.errors import InputError
from pidkit.nn.features import left_as_found


def difficulties_by(model: nn.Module, x: Tensor, labels: Tensor, *, batch_size: int = 256) -> Tensor:
    """Return how hard every sample is to a network: its cross-entropy in nats, shape (n,), on the CPU.

    Parameters
    ----------
    model : nn.Module
        Such as the teacher; left as it was found.
    x : Tensor, shape (n, ...)
    labels : Tensor of int64, shape (n,)
    batch_size : int

    Raises
    ------
    InputError
        If the labels do not fit.

    Examples
    --------
    >>> difficulties_by(nn.Identity(), torch.tensor([[0.0, 9.0], [0.0, 0.0]]), torch.tensor([1, 0])).round(decimals=2)
    tensor([0.0000, 0.6900], dtype=torch.float64)
    """
    if len(x) != len(labels) or labels.ndim != 1:
        raise InputError(f"labels must be one class number a sample, ({len(x)},), not {tuple(labels.shape)}")
    batch_size = check_count("batch_size", batch_size)
    found = []
    with left_as_found(model):
        for rows, answers in zip(torch.split(x, batch_size), torch.split(labels, batch_size), strict=True):
            logits = check_logits(model(rows.clone()), answers)
            found.append(functional.cross_entropy(logits, answers.to(logits.device), reduction="none").double().cpu())
    return torch.cat(found)
