"""Decoupled knowledge distillation: how sure the teacher is of the label, and how it sees the other classes, apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.arguments import real_number, whole_number
from pidkit.distill.answers import labelled_answers
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective


class DKD(Objective):
    """Decoupled knowledge distillation: mean tau^2 ( alpha TCKD + beta NCKD ).

    TCKD is the divergence of the two-class distributions (p_y, 1 - p_y) of the label against the rest, NCKD that of the
    distributions over the other classes, p_i / (1 - p_y). KD is TCKD + (1 - p_y) NCKD with the teacher's p_y: the surer
    the teacher, the less it tells of the others, which beta sets free.

    Parameters
    ----------
    alpha, beta : float
    temperature : float
        tau.
    warm_up : int
        Epochs over which the loss grows from 1 / warm_up to its full size; `set_epoch` says which runs.

    Raises
    ------
    InputError
        If a number is out of its range; from a batch, as `KD`, or if no label counts.

    Notes
    -----
    Places without a label (-100) are left out: there is no class to decouple.

    Source: Zhao et al., "Decoupled knowledge distillation", CVPR 2022, eq. 7. The paper takes alpha 1, beta 8 for
    ResNet-32x4 to ResNet-8x4 and tau 4 on CIFAR-100, with 20 epochs of warm-up in its published code.

    Examples
    --------
    >>> from pidkit.distill.batch import Outputs
    >>> teacher = torch.tensor([[3.0, 1.0, 0.0]])
    >>> batch = Batch(Outputs(teacher + 5.0, {}), {"teacher": Outputs(teacher, {})})
    >>> bool(abs(DKD()(batch, torch.tensor([0]))) < 1e-5)
    True
    """

    def __init__(self, alpha: float = 1.0, beta: float = 8.0, *, temperature: float = 4.0, warm_up: int = 0) -> None:
        """Start in epoch 0."""
        super().__init__()
        self.alpha, self.beta = real_number("alpha", alpha, least=0.0), real_number("beta", beta, least=0.0)
        self.temperature = real_number("temperature", temperature, above=0.0)
        self.warm_up = whole_number("warm_up", warm_up)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, on which the warm-up depends."""
        self._epoch = whole_number("epoch", epoch)

    def get_extra_state(self) -> Tensor:
        """Return the running epoch, for `state_dict`."""
        return torch.tensor(self._epoch)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from a saved epoch."""
        self.set_epoch(int(state))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss in nats."""
        student, teacher, y = labelled_answers(batch, labels, of="DKD")
        ours, theirs = _decoupled(student / self.temperature, y), _decoupled(teacher / self.temperature, y)
        target, others = (
            functional.kl_div(mine, told.exp(), reduction="batchmean") for mine, told in zip(ours, theirs, strict=True)
        )
        size = min(1.0, (self._epoch + 1) / self.warm_up) if self.warm_up else 1.0
        return size * self.temperature**2 * (self.alpha * target + self.beta * others)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"alpha={self.alpha:g}, beta={self.beta:g}, temperature={self.temperature:g}, warm_up={self.warm_up}"


def _decoupled(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return log (p_y, 1 - p_y), shape (m, 2), and the log-probabilities of the other classes, (m, n_classes - 1)."""
    is_target = functional.one_hot(y, logits.shape[1]).bool()
    others = logits[~is_target].reshape(len(logits), -1)
    rest = others.logsumexp(1)
    two = torch.stack([logits[is_target], rest], 1).log_softmax(1)
    # Of a masked teacher all others may be -inf: then it says nothing about them.
    among = torch.where(torch.isneginf(rest)[:, None], others, others - rest[:, None])
    return two, among
