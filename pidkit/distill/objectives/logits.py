"""Knowledge distillation: the student follows the teacher's softened class probabilities."""

from __future__ import annotations

import torch
from torch import Tensor

from pidkit.arguments import check_count, real_number, whole_number
from pidkit.distill.answers import as_answers, check_paired, counted_answers
from pidkit.distill.batch import Batch
from pidkit.distill.divergences import chunked_divergence, divergence_of_top, softened_divergence
from pidkit.distill.objective import Objective
from pidkit.distill.temperatures import Schedule
from pidkit.errors import InputError


class KD(Objective):
    """Knowledge distillation: mean tau^2 KL(softmax(teacher / tau) || softmax(student / tau)) over samples and places.

    Places are the tokens or pixels of logits (n, n_classes, ...). Those that the batch's mask leaves out do not count,
    nor, without a mask, those labelled -100: padding has no part in the mean. Samples of logits without places count
    whatever their label. The factor tau^2 keeps the gradients at one scale while tau changes.

    Parameters
    ----------
    temperature : float, or callable of int to float
        tau, or a schedule that gives the tau of every epoch (`linear_schedule`), which `set_epoch` follows.
    top_k : int, optional
        Take the teacher's probabilities over its so many largest logits of each answer, scaled to one: what large
        vocabularies leave of an answer that is worth following. As `SalientMask`, by number.
    chunk : int, optional
        Compute so many answers at a time: beside the logits of both networks it takes the gradient of the student's
        and no further copy, for vocabularies of 100,000 words. The softmaxes are then computed twice, and the loss
        cannot be differentiated twice. None computes all at once.

    Attributes
    ----------
    temperature : float
        The tau of the running epoch.

    Raises
    ------
    InputError
        If a temperature is not positive and finite, `top_k` or `chunk` is below 1, or both are given; from a batch, if
        the two networks have different classes, or fewer than `top_k`, there is one logit, or logits of several places
        do not have the places of the labels or of the mask.

    Notes
    -----
    Classes of teacher logit -inf have probability zero and add nothing, with finite gradients: see `SalientMask`.

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015.

    Examples
    --------
    >>> from pidkit.distill import Outputs
    >>> logits = torch.tensor([[2.0, 0.0]])
    >>> batch = Batch(Outputs(torch.zeros(1, 2), {}), {"teacher": Outputs(logits, {})})
    >>> p = torch.softmax(logits / 2, 1)
    >>> loss = KD(temperature=2.0)(batch, torch.tensor([0]))
    >>> torch.allclose(loss, 4 * (p * (p * 2).log()).sum())
    True
    """

    temperature: float

    def __init__(
        self, temperature: float | Schedule = 4.0, *, top_k: int | None = None, chunk: int | None = None
    ) -> None:
        """Start in epoch 0."""
        super().__init__()
        self.top_k = None if top_k is None else check_count("top_k", top_k)
        self.chunk = None if chunk is None else check_count("chunk", chunk)
        if top_k is not None and chunk is not None:
            raise InputError("chunk and top_k cannot both be given: of the top k no further copy is made")
        self._schedule = temperature if callable(temperature) else None
        self._epoch = 0
        self.temperature = (
            self._temperature_of(0) if callable(temperature) else real_number("temperature", temperature, above=0.0)
        )

    def set_epoch(self, epoch: int) -> None:
        """Take the temperature of an epoch from the schedule."""
        self._epoch = whole_number("epoch", epoch)
        if self._schedule is not None:
            self.temperature = self._temperature_of(self._epoch)

    def _temperature_of(self, epoch: int) -> float:
        assert self._schedule is not None
        name = f"the temperature that the schedule gives in epoch {epoch}"
        return real_number(name, self._schedule(epoch), above=0.0)

    def get_extra_state(self) -> Tensor:
        """Return the running epoch, for `state_dict`."""
        return torch.tensor(self._epoch)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from a saved epoch."""
        self.set_epoch(int(state))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss in nats."""
        student, teacher = (as_answers(logits) for logits in check_paired(batch, labels, of="KD"))
        tau, counted = self.temperature, counted_answers(batch, labels)
        if self.chunk is not None:
            rows = torch.arange(len(student), device=student.device)
            rows = rows if counted is None else rows[counted.to(rows.device)]
            kl, n = chunked_divergence(student, teacher, rows, tau, self.chunk), len(rows)
        else:
            if counted is not None:
                student, teacher = student[counted], teacher[counted]
            n = len(student)
            kl = self._divergence(student, teacher)
        return tau**2 * kl / max(n, 1)

    def _divergence(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.top_k is None:
            return softened_divergence(student, teacher, self.temperature)
        if self.top_k > student.shape[1]:
            raise InputError(f"top_k is {self.top_k}, more than the {student.shape[1]} classes; make it smaller")
        return divergence_of_top(student, teacher, self.temperature, self.top_k)

    def extra_repr(self) -> str:
        """Show the options."""
        options = {"top_k": self.top_k, "chunk": self.chunk}
        given = "".join(f", {name}={value}" for name, value in options.items() if value is not None)
        return f"temperature={self.temperature:g}" + ("" if self._schedule is None else ", scheduled") + given
