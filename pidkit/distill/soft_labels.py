"""Soft labels: probabilities of the classes in place of a class number, and zeros where a label is left out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.errors import InputError

IGNORED = -100
"""The label of places that count for nothing, torch's own `ignore_index`: padding, or pixels of no class."""

SUM_TOLERANCE = 1e-3
"""How far the probabilities of one label may be from 1 in their sum: half precision rounds."""


def is_soft(logits: Tensor, labels: Tensor) -> bool:
    """Return whether labels are probabilities: real numbers with as many axes as the logits, classes on axis 1."""
    return labels.is_floating_point() and labels.ndim == logits.ndim


def check_soft(labels: Tensor) -> None:
    """Check that every label (n, n_classes, ...) is probabilities, or zeros, which leave it out.

    On the CPU; a GPU would have to wait.

    Raises
    ------
    InputError
        If they are not.

    Examples
    --------
    >>> check_soft(torch.tensor([[2.0, -1.0]]))
    Traceback (most recent call last):
    pidkit.errors.InputError: labels of real numbers must be probabilities that sum to 1 over axis 1, or zeros where ...
    """
    if labels.device.type != "cpu":
        return
    mass = labels.double().sum(1)
    if bool((labels >= 0.0).all()) and bool((((mass - 1.0).abs() <= SUM_TOLERANCE) | (mass == 0.0)).all()):
        return
    raise InputError(
        "labels of real numbers must be probabilities that sum to 1 over axis 1, or zeros where there is no label; "
        f"their entries reach {float(labels.min()):g}..{float(labels.max()):g}, their sums "
        f"{float(mass.min()):g}..{float(mass.max()):g}; of logits take the softmax"
    )


def has_label(logits: Tensor, labels: Tensor) -> Tensor:
    """Return which labels count: those that are not -100, and of soft ones those with any probability."""
    return (labels != 0).any(1) if is_soft(logits, labels) else labels != IGNORED


def as_soft(labels: Tensor, n_classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return class numbers (n, ...) as probabilities (n, n_classes, ...): one, zeros elsewhere, and zeros for -100.

    Raises
    ------
    InputError
        If they are no class numbers from 0 to n_classes - 1 (found on the CPU).

    Examples
    --------
    >>> as_soft(torch.tensor([1, -100]), 3)
    tensor([[0., 1., 0.],
            [0., 0., 0.]])
    """
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(f"labels must be whole class numbers, not {labels.dtype}; pass labels.long()")
    labels = labels.long()
    counted = labels != IGNORED
    if labels.device.type == "cpu" and bool(((labels < 0) | (labels >= n_classes))[counted].any()):
        raise InputError(f"labels must lie in 0..{n_classes - 1}, or be {IGNORED}; they reach {int(labels.max())}")
    rows = functional.one_hot(labels.where(counted, 0), n_classes) * counted[..., None]
    return rows.movedim(-1, 1).to(dtype)


def soft_cross_entropy(
    logits: Tensor, labels: Tensor, *, label_smoothing: float, reduction: Literal["mean", "sum"]
) -> Tensor:
    """Return -sum_c q_c log softmax(logits)_c in nats of soft labels q, the mean or sum of those that count.

    Smoothing takes (1 - e) q + e / n_classes for q.

    Raises
    ------
    InputError
        As `check_soft`.

    Examples
    --------
    >>> two = torch.tensor([[0.5, 0.5]])
    >>> soft_cross_entropy(two.log(), two, label_smoothing=0.0, reduction="mean")
    tensor(0.6931)
    """
    check_soft(labels)
    losses = functional.cross_entropy(
        logits, labels.to(logits.dtype), label_smoothing=label_smoothing, reduction="none"
    )
    counted = has_label(logits, labels)
    total = (losses * counted).sum()
    return total / counted.sum().clamp_min(1) if reduction == "mean" else total
