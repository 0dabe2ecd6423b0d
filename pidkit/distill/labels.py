"""Logits and the labels that they answer: classes on axis 1, a label for each sample or for each of its places.

A label is the number of a class, or the probabilities of all of them (`soft_labels`).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from pidkit.arguments import whole_number
from pidkit.distill.places import widened
from pidkit.distill.soft_labels import IGNORED, has_label, is_soft, soft_cross_entropy
from pidkit.errors import InputError


def check_class_axis(class_axis: object) -> int:
    """Return `class_axis` if it can be the axis of the classes: not that of the samples; -1 is the last."""
    axis = whole_number("class_axis", class_axis, least=-1, remedy="-1 is the last axis")
    if axis == 0:
        raise InputError("class_axis is 0, the axis of the samples; pass 1, or -1 for the last axis")
    return axis


def check_output(output: object, class_axis: int, *, of: str) -> Tensor:
    """Return what a network puts out if it is one tensor with a row a sample and an axis of classes.

    Raises
    ------
    InputError
        If it is not; the message names the network, `of`.
    """
    if not isinstance(output, Tensor) or output.ndim == 0:
        what = "a number" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        advice = "pass logits=, a name such as 'logits', an index, or a callable that picks the tensor"
        raise InputError(f"{of} puts out {what}, not a tensor with one row a sample; {advice}")
    if class_axis >= max(output.ndim, 2):
        raise InputError(f"class_axis is {class_axis}, but {of} puts out shape {tuple(output.shape)}; pass 1 or -1")
    return output


def as_logits(output: object, class_axis: int, *, of: str) -> Tensor:
    """Return what a network puts out with its classes on axis 1, (n, n_classes, ...): a view.

    Raises
    ------
    InputError
        As `check_output`.

    Examples
    --------
    >>> import torch
    >>> as_logits(torch.ones(2, 7, 50), -1, of="the student").shape
    torch.Size([2, 50, 7])
    """
    checked = check_output(output, class_axis, of=of)
    return checked if checked.ndim < 3 else checked.movedim(class_axis, 1)


def check_logits(logits: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return logits, in single precision at least, whose softmax over axis 1 means something; see `check_axes`."""
    check_axes(logits, labels)
    return widened(logits)


def check_axes(logits: Tensor, labels: Tensor | None = None) -> None:
    """Check that the softmax of logits over axis 1 means something.

    Logits of more than two axes need labels of the same places to confirm where the classes lie; without the check a
    softmax over the tokens of a sequence would go unnoticed.

    Raises
    ------
    InputError
        If there are not two logits a sample, or the labels have other places.

    Examples
    --------
    >>> import torch
    >>> check_axes(torch.ones(4, 1))
    Traceback (most recent call last):
    pidkit.errors.InputError: logits have shape (4, 1), and the softmax of one logit is always 1; give each of the two
    classes one: torch.cat([torch.zeros_like(z), z], 1) of a logit z, whose cross-entropy is the binary one
    """
    if logits.ndim < 2 or logits.shape[1] < 2:
        remedy = "torch.cat([torch.zeros_like(z), z], 1) of a logit z, whose cross-entropy is the binary one"
        raise InputError(
            f"logits have shape {tuple(logits.shape)}, and the softmax of one logit is always 1; give each of the two "
            f"classes one: {remedy}"
        )
    if labels is not None and is_soft(logits, labels):
        if labels.shape != logits.shape:
            shapes = f"{tuple(labels.shape)} and the logits {tuple(logits.shape)}"
            raise InputError(f"labels of probabilities have shape {shapes}; both need the same, the classes on axis 1")
    elif labels is not None:
        wanted = (*logits.shape[:1], *logits.shape[2:])
        if labels.shape != wanted:
            last = labels.shape == logits.shape[:-1]
            advice = "axis 1 holds the classes" if not last else "tap(class_axis=-1) says that the last axis does"
            shapes = f"shape {wanted} for logits of shape {tuple(logits.shape)}, not {tuple(labels.shape)}"
            raise InputError(f"labels must have {shapes}; {advice}")


def cross_entropy(
    logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0, reduction: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Return the cross-entropy of labels in nats, over all samples and places that have one; without any it is zero.

    A label is a class number, -100 where there is none; or labels are probabilities with the shape of the logits.

    Raises
    ------
    InputError
        As `check_logits`, or if the labels are no class numbers from 0 nor probabilities (found on the CPU; a GPU would
        have to wait).

    Examples
    --------
    >>> import torch
    >>> cross_entropy(torch.zeros(2, 4, 3), torch.tensor([[0, 1, 2], [3, -100, 0]]))
    tensor(1.3863)
    """
    logits = check_logits(logits, labels)
    if is_soft(logits, labels):
        return soft_cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction=reduction)
    labels = _class_numbers(labels)
    if labels.device.type == "cpu" and (real := labels[labels != IGNORED]).numel():
        low, high = int(real.min()), int(real.max())
        if low < 0 or high >= logits.shape[1]:
            advice = f"{IGNORED} marks what is left out"
            raise InputError(f"labels must lie in 0..{logits.shape[1] - 1}, they reach {low}..{high}; {advice}")
    total = functional.cross_entropy(
        logits, labels, ignore_index=IGNORED, label_smoothing=label_smoothing, reduction="sum"
    )
    # torch's own mean is not a number where no label counts.
    return total / (labels != IGNORED).sum().clamp_min(1) if reduction == "mean" else total


def n_right(logits: Tensor, labels: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Return how many labels are among the k classes of the largest logits, and how many labels count.

    A soft label adds the probability of these classes: how often a class drawn from it would be right.

    Raises
    ------
    InputError
        As `check_axes`, or if there are fewer than k classes.

    Examples
    --------
    >>> import torch
    >>> [int(n) for n in n_right(torch.eye(3), torch.tensor([0, 2, -100]))]
    [1, 2]
    >>> float(n_right(torch.eye(3)[:1], torch.tensor([[0.7, 0.3, 0.0]]))[0])
    0.699999988079071
    """
    logits = check_logits(logits.detach(), labels)
    if k > logits.shape[1]:
        raise InputError(f"the {k} largest logits are asked for, and there are {logits.shape[1]} classes")
    answers = logits.argmax(1, keepdim=True) if k == 1 else logits.topk(k, dim=1).indices
    if is_soft(logits, labels):
        return labels.gather(1, answers).double().sum(), has_label(logits, labels).sum()
    labels = _class_numbers(labels)
    return (answers == labels[:, None]).sum(), (labels != IGNORED).sum()


def _class_numbers(labels: Tensor) -> Tensor:
    """Return labels as int64, in which -100 is itself and not the 156 of an unsigned byte."""
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(f"labels must be whole class numbers, not {labels.dtype}; pass labels.long()")
    return labels.long()
