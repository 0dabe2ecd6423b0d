"""The divergence of softened answers: all at once, a few at a time without a third copy of them, or over the top k."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.distill.places import widened


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
