"""What every objective is: a module that computes a loss from a batch, the labels and the phase of training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from pidkit.arguments import whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.phases import Phase
from pidkit.errors import InputError

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

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the loss of a batch in a phase, a scalar.

        Parameters
        ----------
        batch : Batch
        labels : Tensor of int64, shape (n,), or (n, ...) for logits (n, n_classes, ...)
            -100 where there is none; or probabilities with the shape of the logits, zeros where there is none.
        phase : Phase, optional
            None is the student's, for objectives that know no other.

        Raises
        ------
        InputError
            If an objective with filters to fit is called without a phase: they would never learn.
        """
        if phase is None and (before := self.filter_phases()):
            names = " or ".join(repr(one.value) for one in before)
            raise InputError(
                f"phase must be given to {type(self).__name__}, whose filters learn in the {names} phase alone; make "
                "Phases(warm_up=...) and pass phases.current, or Phase.STUDENT once they have learnt"
            )
        if phase in (None, Phase.STUDENT):
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

    def filter_phases(self) -> tuple[Phase, ...]:
        """Return the phases other than the student's in which the objective itself has a loss; none for most."""
        ours, base = type(self), Objective
        fitted = {
            Phase.WARM_UP: ours.warm_up_loss is not base.warm_up_loss,
            Phase.TEACHER_FILTER: ours.teacher_filter_loss is not base.teacher_filter_loss,
        }
        return tuple(phase for phase, own in fitted.items() if own)

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
