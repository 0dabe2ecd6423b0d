"""A memory of unit vectors, one for each training sample and network, with the negatives that are drawn from it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.distill.soft_labels import IGNORED
from pidkit.errors import InputError


class SampleMemory(nn.Module):
    """A vector of length about one for each training sample, for teacher and student, in buffers that are saved.

    Parameters
    ----------
    labels : Tensor of int64, shape (n_samples,)
        The class of every training sample: negatives are of other classes.
    channels : int
    momentum : float
        Weight of the past when a sample is seen again.

    Raises
    ------
    InputError
        If the labels are no class numbers, or all of one class.

    Source: Tian, Krishnan and Isola, "Contrastive representation distillation", ICLR 2020, section 3.1 and appendix.
    """

    order: Tensor
    first: Tensor
    counts: Tensor
    labels: Tensor
    teacher: Tensor
    student: Tensor

    def __init__(self, labels: Tensor, channels: int, momentum: float) -> None:
        """Start with random vectors, from torch's global generator."""
        super().__init__()
        classes = torch.as_tensor(labels)
        if classes.ndim != 1 or classes.is_floating_point() or len(classes) < 2 or bool((classes == IGNORED).any()):
            shape = f"{classes.dtype} of shape {tuple(classes.shape)}"
            raise InputError(f"labels must be the class of every training sample, whole numbers (n,), not {shape}")
        kinds, ours, counts = torch.unique(classes, return_inverse=True, return_counts=True)
        if len(kinds) < 2:
            raise InputError("labels are all of one class, so that no sample has a negative; torch.arange(n) makes all")
        self.momentum = momentum
        self.register_buffer("labels", ours)
        self.register_buffer("counts", counts)
        self.register_buffer("first", counts.cumsum(0) - counts)
        self.register_buffer("order", ours.argsort(stable=True))
        bound = math.sqrt(3.0 / channels)
        for side in ("teacher", "student"):
            self.register_buffer(side, (2.0 * torch.rand(len(ours), channels) - 1.0) * bound)

    def __len__(self) -> int:
        """Return the number of training samples."""
        return len(self.labels)

    def negatives(self, indices: Tensor, n: int) -> Tensor:
        """Return n samples of other classes for each index, shape (len(indices), n), drawn with replacement."""
        own = self.labels[indices]
        counts = self.counts[own]
        others = (len(self) - counts).double()[:, None]
        # Drawn on the CPU, as dropout's like are in tests, and so that a run can be resumed anywhere.
        drawn = torch.rand(len(indices), n, dtype=torch.float64).to(others.device)
        steps = (drawn * others).long().clamp_max((others - 1).long())
        # Samples sorted by class: those after the last of the own class, and round to the first of it.
        return self.order[(self.first[own] + counts)[:, None].add(steps) % len(self)]

    @torch.no_grad()
    def remember(self, indices: Tensor, teacher: Tensor, student: Tensor) -> None:
        """Move the vectors of samples towards new ones, and make them unit vectors."""
        for memory, new in ((self.teacher, teacher), (self.student, student)):
            mixed = self.momentum * memory[indices] + (1.0 - self.momentum) * new.to(memory)
            memory[indices] = functional.normalize(mixed, dim=1)
