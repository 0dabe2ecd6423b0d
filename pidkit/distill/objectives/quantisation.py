"""A regulariser of a student of few bits: how far its weights are from what they are rounded to."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor, nn

from pidkit.distill.batch import Batch
from pidkit.distill.fake_quantisation import rounded_layers
from pidkit.distill.objective import Objective
from pidkit.errors import InputError


class QuantisationError(Objective):
    """R(Q) = mean_w (w - Q(w))^2 over all rounded weights of a student, Q(w) as `fake_quantise` rounds, and fixed.

    A small value means that the rounded network is the one that was trained. Beside `KD` in a `WeightedSum` it makes
    quantisation-aware distillation.

    Parameters
    ----------
    student : nn.Module
        On which `fake_quantise` was called. Referred to, not held: it stays the caller's.

    Raises
    ------
    InputError
        If it has no rounded weights; from a batch, if the student is gone.

    Source: Goswami, "Notes on distillation", 2025, eq. 23.

    Examples
    --------
    >>> from pidkit.distill import fake_quantise
    >>> student = fake_quantise(nn.Sequential(nn.Linear(3, 2)), bits=4)
    >>> list(QuantisationError(student).parameters())
    []
    """

    def __init__(self, student: nn.Module) -> None:
        """Refer to the student."""
        super().__init__()
        rounded_layers(student)
        self._student = weakref.ref(student)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squared error of rounding."""
        student = self._student()
        if student is None:
            raise InputError("the student of QuantisationError is gone; keep it for as long as it trains")
        errors = []
        for layer in rounded_layers(student):
            parametrisation = layer.get_submodule("parametrizations.weight")
            weight = parametrisation.get_parameter("original")
            errors.append((weight - parametrisation().detach()).flatten())
        return torch.cat(errors).square().mean()
