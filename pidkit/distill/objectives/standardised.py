"""Logit standardisation: any objective of the logits, which sees them with mean zero and standard deviation one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.labels import check_logits
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.distill.places import widened

VARIANCE_FLOOR = 1e-8
"""Added to the variance of logits, so that a student whose logits are all alike gets finite gradients."""


class StandardisedLogits(WrappedObjective):
    """Logit standardisation (LS): the objective sees z' = (z - mean z) / std z for the logits of both networks.

    Mean and standard deviation are over the classes of each answer, so that a student has to follow the order and the
    proportions of the teacher's logits and not their size: the temperature is as it were each answer's own. Then the
    temperature of the objective is what the paper calls the base temperature, 2 with its weight 9.

    Parameters
    ----------
    objective : Objective
        One of the logits, such as `KD` or `DKD`. A mask goes inside, ``StandardisedLogits(SalientMask(KD(), ...))``, or
        outside: classes of logit -inf are left out of the teacher's mean and stay -inf.

    Raises
    ------
    InputError
        If `objective` is none, or there are not two logits an answer.

    Source: Sun et al., "Logit standardization in knowledge distillation", CVPR 2024, eq. 9 to 12 and algorithm 1. The
    standard deviation divides by the number of classes, as printed; the published code divides by one less.

    Examples
    --------
    >>> from pidkit.distill.objectives.logits import KD
    >>> logits = torch.tensor([[2.0, 0.0, 1.0]])
    >>> batch = Batch(Outputs(logits, {}), {"teacher": Outputs(10.0 * logits + 3.0, {})})
    >>> round(float(StandardisedLogits(KD(2.0))(batch, torch.tensor([0]))), 6)  # the same but for size and offset
    0.0
    """

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch with standardised logits."""
        teachers = {name: _standardised(outputs, labels) for name, outputs in batch.teachers.items()}
        return replace(batch, student=_standardised(batch.student, labels), teachers=teachers)


def _standardised(outputs: Outputs, labels: Tensor) -> Outputs:
    """Return outputs with logits of mean 0 and standard deviation 1 over the classes, -inf left out."""
    raw = outputs.logits
    logits = check_logits(raw, labels if raw.ndim > 2 else None)
    there = ~torch.isneginf(logits)
    n = there.sum(1, keepdim=True).clamp_min(1)
    known = torch.where(there, logits, 0.0)
    centred = torch.where(there, known - known.sum(1, keepdim=True) / n, 0.0)
    scale = (centred.square().sum(1, keepdim=True) / n + VARIANCE_FLOOR).sqrt()
    return Outputs(torch.where(there, centred / scale, widened(raw)), outputs.layers, outputs.mask)
