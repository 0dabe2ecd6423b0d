"""The logits of teacher and student as objectives read them: both over the same classes, one row for each answer."""

from __future__ import annotations

from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.labels import check_axes
from pidkit.distill.places import widened
from pidkit.distill.soft_labels import IGNORED, has_label, is_soft
from pidkit.errors import InputError


def check_paired(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor]:
    """Return the logits of the student and of its only teacher, the latter without a graph, as they are.

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
    check_axes(student, labels if student.ndim > 2 else None)
    return student, teacher


def as_answers(logits: Tensor) -> Tensor:
    """Return logits (n, n_classes, ...) as one row for each sample or place, (m, n_classes): of tokens a view.

    Examples
    --------
    >>> import torch
    >>> as_answers(torch.ones(2, 3, 4, 5)).shape
    torch.Size([40, 3])
    """
    return logits.movedim(1, -1).flatten(0, -2)


def counted_answers(batch: Batch, labels: Tensor) -> Tensor | None:
    """Return which answers count, one bool for each row of `as_answers`; None where all do.

    Of several places, such as tokens, those count that the batch's mask keeps, or, without one, those whose label is
    not -100. Of logits without places all do: a sample without a label has an answer of the teacher's to follow.

    Raises
    ------
    InputError
        If the mask does not have the places of the logits.
    """
    logits = batch.student.logits
    if logits.ndim == 2:
        return None
    counted = has_label(logits, labels) if batch.mask is None else batch.mask
    places = (len(logits), *logits.shape[2:])
    if counted.shape != places:
        shape = tuple(counted.shape)
        raise InputError(f"mask has shape {shape}, and the logits have the places {places}; tap(mask=) must fit them")
    return None if bool(counted.all()) else counted.flatten()


def paired_answers(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor]:
    """Return the rows (m, n_classes) of student and teacher that count, in single precision at least.

    Raises
    ------
    InputError
        As `check_paired` and `counted_answers`.
    """
    student, teacher = (as_answers(logits) for logits in check_paired(batch, labels, of=of))
    counted = counted_answers(batch, labels)
    if counted is not None:
        student, teacher = student[counted], teacher[counted]
    return widened(student), widened(teacher)


def labelled_answers(batch: Batch, labels: Tensor, *, of: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the rows of student and teacher whose label is not -100, with these labels (m,); see `check_paired`.

    Raises
    ------
    InputError
        As `check_paired`, if no label counts, or if labels are probabilities.
    """
    if is_soft(batch.student.logits, labels):
        advice = "with soft labels, those of Mixup and CutMix among them, take KD"
        raise InputError(f"labels are probabilities, and {of} sets the class of each sample apart; {advice}")
    student, teacher = (as_answers(logits) for logits in check_paired(batch, labels, of=of))
    flat = masked_labels(batch, labels).flatten()
    counts = flat != IGNORED
    if not bool(counts.any()):
        raise InputError(f"labels hold nothing but {IGNORED}, which marks what is left out; {of} needs a label")
    return widened(student[counts]), widened(teacher[counts]), flat[counts]


def masked_labels(batch: Batch, labels: Tensor) -> Tensor:
    """Return labels with -100, soft ones with zeros, where the batch's mask, if it has their places, keeps nothing.

    Examples
    --------
    >>> import torch
    >>> from pidkit.distill.batch import Outputs
    >>> batch = Batch(Outputs(torch.zeros(1, 5, 3), {}), {}, mask=torch.tensor([[True, True, False]]))
    >>> masked_labels(batch, torch.tensor([[4, 2, 0]]))
    tensor([[   4,    2, -100]])
    """
    mask, soft = batch.mask, is_soft(batch.student.logits, labels)
    if mask is None or mask.shape != (labels[:, 0] if soft else labels).shape:
        return labels
    return labels.masked_fill(~mask[:, None], 0.0) if soft else labels.masked_fill(~mask, IGNORED)
