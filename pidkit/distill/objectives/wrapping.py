"""Objectives around another objective, which see the batch first: the base of masks, of standardisation, of means."""

from __future__ import annotations

from torch import Tensor, nn

from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phase
from pidkit.errors import InputError


class WrappedObjective(Objective):
    """The base of objectives that change what another one sees; subclasses define `seen`.

    Parameters
    ----------
    objective : Objective

    Raises
    ------
    InputError
        If it is none.
    """

    def __init__(self, objective: Objective) -> None:
        """Hold the objective."""
        super().__init__()
        given: object = objective
        if not isinstance(given, Objective):
            raise InputError(f"objective must be an Objective, not {type(given).__name__}")
        self.objective = objective

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch that the objective gets, in every phase."""
        raise NotImplementedError(f"{type(self).__name__} must define seen(batch, labels)")

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the objective's loss of what it sees."""
        loss: Tensor = self.objective(self.seen(batch, labels), labels, phase)
        return loss

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the objective's parameters by group."""
        return self.objective.groups()

    def set_epoch(self, epoch: int) -> None:
        """Tell the objective."""
        self.objective.set_epoch(epoch)
