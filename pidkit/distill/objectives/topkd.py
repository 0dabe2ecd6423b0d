"""KD from the k likeliest classes of the teacher's answers, live or saved: what large vocabularies leave room for."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor

from pidkit.arguments import check_count, one_of, real_number
from pidkit.distill.answers import as_answers, check_paired, counted_answers
from pidkit.distill.batch import Batch
from pidkit.distill.divergences import RestRule, divergence_from_top, log_probabilities_of_top
from pidkit.distill.labels import check_axes
from pidkit.distill.objective import Objective
from pidkit.distill.top_logits import TopLogits, answers_of
from pidkit.errors import InputError


class TopKD(Objective):
    """KD of the teacher's k likeliest classes of each answer: mean tau^2 KL(p || q) over samples and places.

    rest="dropped": p is the teacher's over its k, scaled to one, and the student's q is over all classes; it is drawn
    to an answer in which nothing is left for the rest. rest="bucket": both have k + 1 classes, the last one all others
    together, whose probability the student learns and nothing about how it is shared out. The means are those of `KD`,
    padding left out.

    Parameters
    ----------
    top : int or TopLogits
        k of the answers that the batch's teacher gives; or answers that were saved, of all training samples, found by
        their numbers: then no teacher runs, and `tap(student=...)` needs none.
    temperature : float
        tau. Of saved answers the bucket is known at their own temperature alone.
    rest : "dropped" or "bucket"
    chunk : int
        Answers whose softmax is computed at a time, twice; beside the logits it takes the gradient of the student's
        and copies of so many answers. The loss cannot be differentiated twice.

    Raises
    ------
    InputError
        If an option is out of its range; from a batch, if there are not more classes than k, saved answers are of
        other classes, temperature or places, or the batch says no `indices` to find them by, or as `KD`.

    Notes
    -----
    Sequences that were saved must begin where those of the batch do, and may be longer: pad on the right. `Trainer`
    passes the number of each sample; in a loop of your own, ``networks(x, phase, indices)``.

    Sources: Hinton, Vinyals and Dean, 2015, for KD; pidkit for the two ways side by side. By the data processing
    inequality "bucket" is a lower bound on the divergence of all classes, with equality where k is all but one.

    Examples
    --------
    >>> from pidkit.distill import KD, Outputs
    >>> student, teacher = torch.randn(2, 5, 4)
    >>> batch = Batch(Outputs(student, {}), {"teacher": Outputs(teacher, {})}, indices=torch.arange(5))
    >>> labels = torch.zeros(5).long()
    >>> live, saved = TopKD(2, temperature=2.0), TopKD(TopLogits.of(teacher, 2), temperature=2.0)
    >>> torch.isclose(live(batch, labels), saved(batch, labels), rtol=1e-4)
    tensor(True)
    >>> torch.isclose(live(batch, labels), KD(2.0, top_k=2)(batch, labels), rtol=1e-4)
    tensor(True)
    """

    def __init__(
        self, top: int | TopLogits, *, temperature: float = 1.0, rest: RestRule = "dropped", chunk: int = 16
    ) -> None:
        """Check the options."""
        super().__init__()
        self.temperature = real_number("temperature", temperature, above=0.0)
        self.rest, self.chunk = one_of("rest", rest, get_args(RestRule)), check_count("chunk", chunk)
        # Underscored: what is public and plain counts as a setting of the run.
        self._saved = top if isinstance(top, TopLogits) else None
        self.k = top.k if isinstance(top, TopLogits) else check_count("top", top)
        if self._saved is not None and self.rest == "bucket" and self._saved.temperature != self.temperature:
            known = f"the saved answers' {self._saved.temperature:g}"
            raise InputError(f"temperature is {self.temperature:g}, but rest='bucket' is known at {known} alone")

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss in nats."""
        logits = batch.student.logits
        check_axes(logits, labels if logits.ndim > 2 else None)
        student, counted = as_answers(logits), counted_answers(batch, labels)
        if self.k >= student.shape[1]:
            raise InputError(f"top is {self.k} of {student.shape[1]} classes, so that there is no rest; take KD")
        rows = torch.arange(len(student), device=student.device)
        rows = rows if counted is None else rows[counted.to(rows.device)]
        if self._saved is None:
            _, teacher = check_paired(batch, labels, of="TopKD")
            answers = as_answers(teacher)
            top = log_probabilities_of_top(answers, rows, self.k, temperature=self.temperature, chunk=self.chunk)
        else:
            top = self._found(batch, self._saved, rows)
        kl = divergence_from_top(student, rows, *top, temperature=self.temperature, rest=self.rest, chunk=self.chunk)
        return self.temperature**2 * kl / max(len(rows), 1)

    def _found(self, batch: Batch, saved: TopLogits, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the saved answers of the rows that count, at the temperature asked for."""
        logits = batch.student.logits
        if batch.indices is None:
            advice = "networks(x, phase, indices) with the number of each sample among the training data"
            raise InputError(f"TopKD finds saved answers by samples, but the batch says no indices; call {advice}")
        if saved.n_classes != logits.shape[1]:
            raise InputError(f"top holds answers of {saved.n_classes} classes, and the student has {logits.shape[1]}")
        log_p, classes = answers_of(saved, batch.indices, tuple(logits.shape[2:]), logits.device)
        # log p of one temperature is the logit of another, up to a constant, which the sum over the k takes out.
        return log_p[rows] * (saved.temperature / self.temperature), classes[rows]

    def extra_repr(self) -> str:
        """Show the options."""
        saved = "" if self._saved is None else f", {len(self._saved)} saved samples"
        return f"k={self.k}, temperature={self.temperature:g}, rest={self.rest!r}{saved}"
