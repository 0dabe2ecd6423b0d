"""The divergence of softened answers: all at once, a few at a time without a third copy of them, or over the top k."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.distill.places import widened

RestRule = Literal["dropped", "bucket"]
"""What becomes of the classes behind the teacher's k likeliest: left out of its answer, or counted as one class."""


def softened_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return sum_rows KL(softmax(teacher / tau) || softmax(student / tau)) in nats.

    Parameters
    ----------
    student, teacher : Tensor, shape (m, n_classes)
        Classes of teacher logit -inf have probability zero and add nothing.
    temperature : float
        tau.
    """
    # kl_div takes p log p as 0 where p is 0, and the student's logarithms are finite.
    ours, theirs = widened(student), widened(teacher)
    log_q, p = (ours / temperature).log_softmax(1), (theirs / temperature).softmax(1)
    return functional.kl_div(log_q, p, reduction="sum")


def divergence_of_top(student: Tensor, teacher: Tensor, temperature: float, k: int) -> Tensor:
    """Return `softened_divergence` with the teacher's probabilities over its k largest classes alone, scaled to one.

    Of the other classes the student needs no more than the sum. Equal to masking the teacher's other logits by -inf.

    Examples
    --------
    >>> student, teacher = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[3.0, 1.0, 2.0]])
    >>> masked = torch.tensor([[3.0, -torch.inf, 2.0]])
    >>> torch.isclose(divergence_of_top(student, teacher, 2.0, 2), softened_divergence(student, masked, 2.0))
    tensor(True)
    """
    largest = widened(teacher).topk(k, dim=1)
    ours = widened(student) / temperature
    log_p = (largest.values / temperature).log_softmax(1)
    log_q = ours.gather(1, largest.indices) - ours.logsumexp(1, keepdim=True)
    return functional.kl_div(log_q, log_p, reduction="sum", log_target=True)


class _Chunked(torch.autograd.Function):
    """`softened_divergence` of some rows, a few at a time; its gradient is computed in the backward pass, likewise."""

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, rows: Tensor, temperature: float, chunk: int) -> Tensor:
        """Sum over the rows, and keep nothing but what came in."""
        ctx.save_for_backward(student, teacher, rows)
        ctx.temperature, ctx.chunk = temperature, chunk
        total = student.new_zeros((), dtype=widened(student[:0]).dtype)
        for some in torch.split(rows, chunk):
            total += softened_divergence(student[some], teacher[some], temperature)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """Return (softmax(student / tau) - softmax(teacher / tau)) / tau on the rows, and zero elsewhere."""
        student, teacher, rows = ctx.saved_tensors
        gradient = torch.empty_like(student) if len(rows) == len(student) else torch.zeros_like(student)
        for some in torch.split(rows, ctx.chunk):
            q, p = ((widened(z[some]) / ctx.temperature).softmax(1) for z in (student, teacher))
            gradient[some] = (q.sub_(p).mul_(outer / ctx.temperature)).to(gradient.dtype)
        return gradient, None, None, None, None


def chunked_divergence(student: Tensor, teacher: Tensor, rows: Tensor, temperature: float, chunk: int) -> Tensor:
    """Return `softened_divergence` of some rows, `chunk` of them at a time.

    Beside the logits of both networks it takes the gradient of the student's, which autograd asks for, and nothing else
    of that size: softmaxes are computed for a chunk, thrown away, and computed again in the backward pass.

    Parameters
    ----------
    student, teacher : Tensor, shape (m, n_classes)
    rows : Tensor of int64
        Those that count, each once.
    temperature : float
    chunk : int

    Examples
    --------
    >>> student, teacher = torch.randn(2, 5, 7)
    >>> whole = softened_divergence(student, teacher, 3.0)
    >>> torch.isclose(chunked_divergence(student, teacher, torch.arange(5), 3.0, 2), whole)
    tensor(True)
    """
    result: Tensor = _Chunked.apply(student, teacher, rows, temperature, chunk)  # type: ignore[no-untyped-call]
    return result


def log_probabilities_of_top(
    teacher: Tensor, rows: Tensor, k: int, *, temperature: float, chunk: int
) -> tuple[Tensor, Tensor]:
    """Return the log-probabilities among all classes of the k likeliest of some rows, (m, k), and these classes.

    Examples
    --------
    >>> log_p, classes = log_probabilities_of_top(
    ...     torch.tensor([[0.0, 0.0, 9.0]]), torch.arange(1), 1, temperature=1.0, chunk=1
    ... )
    >>> classes.tolist(), round(float(log_p.exp()), 4)
    ([[2]], 0.9998)
    """
    log_p = teacher.new_empty((len(rows), k), dtype=widened(teacher[:0]).dtype)
    classes = torch.empty((len(rows), k), dtype=torch.int64, device=teacher.device)
    for at in torch.split(torch.arange(len(rows), device=rows.device), chunk):
        softened = widened(teacher[rows[at]]) / temperature
        largest = softened.topk(k, dim=1)
        log_p[at], classes[at] = largest.values - softened.logsumexp(1, keepdim=True), largest.indices
    return log_p, classes


class _OfTop(torch.autograd.Function):
    """The divergence from targets on a few classes, and on the rest as one; a few rows at a time in both passes."""

    @staticmethod
    def forward(
        ctx: Any, student: Tensor, rows: Tensor, classes: Tensor, p: Tensor, p_rest: Tensor, tau: float, chunk: int
    ) -> Tensor:
        """Sum p log(p / q) over the rows, and keep nothing but what came in."""
        ctx.save_for_backward(student, rows, classes, p, p_rest)
        ctx.tau, ctx.chunk = tau, chunk
        total = student.new_zeros((), dtype=widened(student[:0]).dtype)
        for at in torch.split(torch.arange(len(rows), device=rows.device), chunk):
            ours, rest = widened(student[rows[at]]) / tau, p_rest[at]
            log_sum = ours.logsumexp(1)
            log_q = ours.gather(1, classes[at]) - log_sum[:, None]
            total -= torch.special.entr(p[at]).sum() + (p[at] * log_q).sum() + torch.special.entr(rest).sum()
            if bool((rest > 0).any()):
                log_q_rest = ours.scatter(1, classes[at], -torch.inf).logsumexp(1) - log_sum
                total -= torch.where(rest > 0, rest * log_q_rest, 0.0).sum()
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """Return (q - p) / tau, p shared out over the rest as the student shares its own, and zero in other rows."""
        student, rows, classes, p, p_rest = ctx.saved_tensors
        gradient = torch.empty_like(student) if len(rows) == len(student) else torch.zeros_like(student)
        for at in torch.split(torch.arange(len(rows), device=rows.device), ctx.chunk):
            ours = widened(student[rows[at]]) / ctx.tau
            slope = ours.softmax(1).scatter_add_(1, classes[at], -p[at])
            if bool((p_rest[at] > 0).any()):
                slope -= p_rest[at][:, None] * ours.scatter_(1, classes[at], -torch.inf).softmax(1)
            gradient[rows[at]] = slope.mul_(outer / ctx.tau).to(gradient.dtype)
        return gradient, None, None, None, None, None, None


def divergence_from_top(
    student: Tensor, rows: Tensor, log_p: Tensor, classes: Tensor, *, temperature: float, rest: RestRule, chunk: int
) -> Tensor:
    """Return sum_rows KL(p || q) in nats of a teacher of whom k classes an answer are known.

    With rest="dropped", p is the teacher's over these k, scaled to one, and q = softmax(student / tau). With "bucket"
    both have k + 1 classes, the last one everything else: the divergence of coarser distributions, no more than that of
    all classes. Beside the student's logits it takes their gradient, and copies for `chunk` rows.

    Parameters
    ----------
    student : Tensor, shape (n, n_classes)
    rows : Tensor of int64, shape (m,)
        Those that count, each once.
    log_p : Tensor, shape (m, k)
        Log-probabilities of the teacher at that temperature, among all classes; of "dropped" up to a constant a row.
    classes : Tensor of int64, shape (m, k)
    temperature : float
    rest : "dropped" or "bucket"
    chunk : int

    Examples
    --------
    >>> student, teacher, rows = torch.randn(5, 4), torch.randn(5, 4), torch.arange(5)
    >>> top = log_probabilities_of_top(teacher, rows, 3, temperature=2.0, chunk=5)  # and the rest is one class
    >>> known = divergence_from_top(student, rows, *top, temperature=2.0, rest="bucket", chunk=2)
    >>> torch.isclose(known, softened_divergence(student, teacher, 2.0), rtol=1e-4)
    tensor(True)
    """
    log_p = log_p.to(widened(student[:0]).dtype)
    p = log_p.softmax(1) if rest == "dropped" else log_p.exp()
    p_rest = torch.zeros_like(p[:, 0]) if rest == "dropped" else (1.0 - p.sum(1)).clamp_min(0.0)
    result: Tensor = _OfTop.apply(student, rows, classes, p, p_rest, temperature, chunk)  # type: ignore[no-untyped-call]
    return result
