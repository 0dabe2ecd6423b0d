"""Distil what a teacher's layers tell about the task, whatever the teacher itself was trained on."""

from __future__ import annotations

from torch import Tensor

from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.layer_decoder import LayerDecoder
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.objectives.logits import KD
from pidkit.distill.temperatures import Schedule


class DecodedKD(Objective):
    """Knowledge distillation from what a decoder reads: tau^2 KL(softmax(log q / tau) || softmax(student / tau)).

    q = P(y | teacher's layers) by a `LayerDecoder`. Answers of a teacher of another task never reach the student, and
    what its layers hold about this one does, as far as a linear decoder reads it.

    Parameters
    ----------
    decoder : LayerDecoder
        Frozen.
    temperature : float, or callable of int to float
        As of `KD`.

    Raises
    ------
    InputError
        As `KD`.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> x, labels = torch.eye(2).repeat(50, 1), torch.arange(100) % 2
    >>> decoder = LayerDecoder.fit(nn.Sequential(nn.Identity()), "0", x, labels)
    >>> told = Outputs(x, {"0": x})
    >>> answers = Outputs(decoder(told).float(), {})
    >>> round(float(DecodedKD(decoder)(Batch(answers, {"teacher": told}), labels)), 6)  # it answers as the decoder does
    0.0
    """

    def __init__(self, decoder: LayerDecoder, temperature: float | Schedule = 4.0) -> None:
        """Freeze the decoder."""
        super().__init__()
        self.decoder = decoder.requires_grad_(False)
        self.kd = KD(temperature)

    def set_epoch(self, epoch: int) -> None:
        """Take the temperature of an epoch from the schedule."""
        self.kd.set_epoch(epoch)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss in nats."""
        with frozen(self.decoder):
            log_q = self.decoder(batch.teacher)
        answers = Outputs(log_q.to(batch.student.logits.dtype), {})
        return self.kd.student_loss(Batch(batch.student, {"teacher": answers}), labels)
