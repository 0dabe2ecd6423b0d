"""Networks and an objective as one module: a training step that wrappers for several processes take."""

from __future__ import annotations

from torch import Tensor, nn

from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phase
from pidkit.nn.inputs import Inputs


class Distillation(nn.Module):
    """Networks and an objective as one module, distillation(x, labels, phase) -> loss, to hand to DDP or Accelerate.

    Every parameter that learns is inside, and the whole step is one forward pass, which is what such wrappers need.
    With several phases, wrap it by DistributedDataParallel(..., find_unused_parameters=True): frozen parts get no
    gradients.

    Parameters
    ----------
    networks : Networks
    objective : Objective
    """

    def __init__(self, networks: Networks, objective: Objective) -> None:
        """Hold both."""
        super().__init__()
        self.networks, self.objective = networks, objective

    def forward(self, x: Inputs, labels: Tensor, phase: Phase | None = None, indices: Tensor | None = None) -> Tensor:
        """Return the loss of a batch in a phase, a scalar; without one as the objective does."""
        loss: Tensor = self.objective(self.networks(x, phase or Phase.STUDENT, indices), labels, phase)
        return loss
