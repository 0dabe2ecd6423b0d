"""What every objective is: a module that computes a loss from a batch, the labels and the phase of training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pidkit.arguments import whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.phases import Phase

GROUPS = ("teacher_filters", "student_filters", "sigma", "critics")
"""The groups that an objective's own parameters can belong to; each may have its own learning rate."""


class Objective(nn.Module):
    """A loss of distillation, with the parameters and buffers it needs: objective(batch, labels, phase) -> scalar.

    To write one, define `student_loss`; objectives with filters to fit also define `warm_up_loss` and
    `teacher_filter_loss`. An objective that has no part in a phase returns zero there. Losses are means over samples,
    channels and places, in nats where they are information.

    Each objective freezes its own parts, since it alone knows them: a frozen part runs in a `frozen` block and gets no
    gradient, so that optimisers leave it alone.
    """

    def forward(self, batch: Batch, labels: Tensor, phase: Phase = Phase.STUDENT) -> Tensor:
        """Return the loss of a batch in a phase, a scalar.

        Parameters
        ----------
        batch : Batch
        labels : Tensor of int64, shape (n,)
        phase : Phase
        """
        if phase is Phase.STUDENT:
            return self.student_loss(batch, labels)
        return self.warm_up_loss(batch, labels) if phase is Phase.WARM_UP else self.teacher_filter_loss(batch, labels)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that trains the student."""
        raise NotImplementedError(f"{type(self).__name__} must define student_loss(batch, labels)")

    def warm_up_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that fits filters before the student trains; zero where there are none."""
        return batch.zero()

    def teacher_filter_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the loss that refines the teacher's filters; zero where there are none."""
        return batch.zero()

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the objective's own parameters by group (`GROUPS`), each in one group."""
        own = list(self.parameters())
        return {"student_filters": own} if own else {}

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that runs, for objectives that follow a schedule; training loops call this before each one."""
        whole_number("epoch", epoch)


@contextlib.contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Run a block with modules in eval mode and without gradients; their train or eval modes are put back.

    Eval mode matters beside the gradients: otherwise batch normalisation would go on learning its statistics.

    Examples
    --------
    >>> norm = nn.BatchNorm1d(2)
    >>> with frozen(norm):
    ...     norm(torch.ones(3, 2)).requires_grad, norm.training
    (False, False)
    >>> norm.training, int(norm.num_batches_tracked)
    (True, 0)
    """
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
