"""Batches of given tensors, the gradient of an objective in what the student puts out, and its difference quotients."""

from __future__ import annotations

import torch
from torch import Tensor

from pidkit.distill import Batch, LayerPair, Objective, Outputs

LABELS = torch.tensor([0, 1, 0])


def answers(student: Tensor, teacher: Tensor) -> Batch:
    """A batch of logits alone."""
    return Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})})


def layers(teacher: Tensor, student: Tensor) -> Batch:
    """A batch with one layer of each network, "t" and "s", and logits that say nothing."""
    logits = torch.zeros(len(student), 2, dtype=student.dtype)
    indices = torch.arange(len(student))
    return Batch(Outputs(logits, {"s": student}), {"teacher": Outputs(logits, {"t": teacher})}, indices)


def pair_of(teacher: Tensor, student: Tensor) -> LayerPair:
    """The pair of these layers."""
    return LayerPair("t", "s", tuple(teacher.shape[1:]), tuple(student.shape[1:]))


def slope(objective: Objective, batch: Batch, labels: Tensor, at: Tensor) -> Tensor:
    """The gradient in a leaf tensor of the batch."""
    (gradient,) = torch.autograd.grad(objective(batch, labels), at)
    return gradient
