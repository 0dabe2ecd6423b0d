"""The logits of teacher and student as objectives read them: both over the same classes, one row for each answer."""

from __future__ import annotations

from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.labels import IGNORED, check_logits
from pidkit.distill.places import widened
from pidkit.errors import InputError


def paired_logits(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor]:
    """Return the logits of the student and of its only teacher, the latter without a graph, in single precision.

    Raises
    ------
    InputError
        If they have different shapes, there is one logit, or logits of several places do not have the labels' places.
        The message names the objective, `of`.
    """
    student, teacher = batch.student.logits, batch.teacher.logits.detach()
    if student.shape != teacher.shape:
        shapes = f"{tuple(teacher.shape)} and the student's {tuple(student.shape)}"
        raise InputError(f"the teacher's logits have shape {shapes}; {of} needs both over the same classes")
    return check_logits(student, labels if student.ndim > 2 else None), widened(teacher)


def as_answers(logits: Tensor) -> Tensor:
    """Return logits (n, n_classes, ...) as one row for each sample or place, (m, n_classes).

    Examples
    --------
    >>> import torch
    >>> as_answers(torch.ones(2, 3, 4, 5)).shape
    torch.Size([40, 3])
    """
    return logits.movedim(1, -1).flatten(0, -2)


def paired_answers(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor]:
    """Return the rows (m, n_classes) of the student and of its only teacher, at every place; see `paired_logits`."""
    student, teacher = paired_logits(batch, labels, of=of)
    return as_answers(student), as_answers(teacher)


def labelled_answers(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows of student and teacher whose label is not -100, with these labels (m,); see `paired_logits`.

    Raises
    ------
    InputError
        As `paired_logits`, or if no label counts.
    """
    student, teacher = paired_answers(batch, labels, of=of)
    flat = labels.flatten()
    counts = flat != IGNORED
    if not bool(counts.any()):
        raise InputError(f"labels hold nothing but {IGNORED}, which marks what is left out; {of} needs a label")
    return student[counts], teacher[counts], flat[counts]
