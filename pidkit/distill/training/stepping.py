"""One step of the optimiser: the loss of one or several batches, precision, gradients summed, clipped and applied."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pidkit.distill.answers import masked_labels
from pidkit.distill.distillation import Distillation
from pidkit.distill.labels import n_right
from pidkit.distill.objectives.sums import WeightedSum
from pidkit.distill.phases import Phase
from pidkit.distill.training.data import Augment
from pidkit.distill.training.evaluation import autocast
from pidkit.distill.training.mixing import Mix
from pidkit.distill.training.options import TRAINING_DTYPES, TrainerOptions
from pidkit.distill.training.processes import rank_and_size
from pidkit.errors import DivergenceError, InputError
from pidkit.nn.inputs import Inputs, on_device

Wrap = Callable[[nn.Module], nn.Module]
"""What makes a module work in several processes, such as DistributedDataParallel or Accelerate's prepare."""

TERM = "term "
"""What the names of terms begin with, among the values of a step."""

GPU_STEPS_BETWEEN_CHECKS = 16
"""Reading a value makes a GPU wait; the steps between two checks are lost anyway if the run has diverged."""


class CountedLoss(nn.Module):
    """A distillation that gives, beside the loss, how many labels the student has right: what gets wrapped."""

    def __init__(self, distillation: Distillation) -> None:
        """Hold the distillation."""
        super().__init__()
        self.distillation = distillation

    def forward(self, x: Inputs, labels: Tensor, phase: Phase, indices: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the loss, and how many labels are right and how many there are."""
        batch = self.distillation.networks(x, phase, indices)
        loss: Tensor = self.distillation.objective(batch, labels, phase)
        return loss, torch.stack([n.double() for n in n_right(batch.student.logits, masked_labels(batch, labels))])


class Stepper:
    """Takes steps of the optimiser.

    Parameters
    ----------
    distillation : Distillation
    optimiser : Optimizer
    options : TrainerOptions
    augment, mix : callable, optional

    Attributes
    ----------
    optimiser, options
    device : torch.device
        The student's.
    scaler : GradScaler
        Of the loss; at work in float16 alone.

    Raises
    ------
    InputError
        If the precision does not work on the device.
    """

    def __init__(
        self,
        distillation: Distillation,
        optimiser: Optimizer,
        options: TrainerOptions,
        *,
        augment: Augment | None,
        mix: Mix | None = None,
    ) -> None:
        """Set the precision."""
        self.optimiser, self.options = optimiser, options
        self.device = next(distillation.networks.student.parameters()).device
        if options.precision == "float16" and self.device.type != "cuda":
            raise InputError(f"precision 'float16' needs CUDA, the student is on {self.device}; use 'bfloat16'")
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=options.precision == "float16")
        self._objective, self._augment, self._mix = distillation.objective, augment, mix
        self._loss: nn.Module = CountedLoss(distillation)
        self._learning = [parameter for group in optimiser.param_groups for parameter in group["params"]]

    def wrap(self, wrap: Wrap) -> None:
        """Make the loss work in several processes, from the weights that it has now."""
        self._loss = wrap(self._loss)

    @property
    def watch_every(self) -> int:
        """Return the steps between two looks at whether values are finite."""
        return 1 if self.device.type == "cpu" and rank_and_size()[1] == 1 else GPU_STEPS_BETWEEN_CHECKS

    def take(
        self, batches: Iterator[tuple[Inputs, Tensor]], rows: Sequence[Tensor], phase: Phase, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Compute the gradients of a step over the next batches, whose rows these are; `apply` then takes it.

        Returns
        -------
        values : dict of str to Tensor
            The mean loss and that of every term.
        norm : Tensor
            The norm of the gradients before clipping.
        right : Tensor, shape (2,)
            How many of the labels the student had right, and how many there were.

        Raises
        ------
        InputError
            If the loss depends on nothing that learns.
        """
        self.optimiser.zero_grad(set_to_none=True)
        values: dict[str, Tensor] = {}
        right = torch.zeros(2, dtype=torch.float64, device=self.device)
        total = sum(map(len, rows))
        for k, row in enumerate(rows):
            share = len(row) / total
            with self._gradients_stay_here() if k + 1 < len(rows) else contextlib.nullcontext():
                loss, hit = self._forward(*next(batches), row, phase, generator)
                if not loss.requires_grad:
                    raise InputError(
                        f"objective has nothing to learn in the {phase.value} phase; pass Phases without that phase"
                    )
                self.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            right += hit
            for name, value in {"loss": loss.detach(), **self._terms()}.items():
                values[name] = values[name] + share * value if name in values else share * value
        self.scaler.unscale_(self.optimiser)
        limit = float("inf") if self.options.clip_norm is None else self.options.clip_norm
        return values, nn.utils.clip_grad_norm_(self._learning, limit), right

    def apply(self) -> None:
        """Take the step whose gradients `take` computed."""
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def check_scale(self) -> None:
        """Check that float16's scale of the loss, halved whenever gradients overflow, has not collapsed.

        Raises
        ------
        DivergenceError
            If it is below one.
        """
        if self.scaler.is_enabled() and self.scaler.get_scale() < 1.0:
            raise DivergenceError("gradients overflow float16 at any scale of the loss; use precision='bfloat16'")

    def _forward(
        self, x: Inputs, y: Tensor, row: Tensor, phase: Phase, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        x = on_device(x, self.device)
        y, row = (part.to(self.device, non_blocking=True) for part in (y, row))
        with torch.no_grad():
            if self._augment is not None:
                x = self._augment(x, generator)
            if self._mix is not None:
                x, y = self._mix(x, y, generator)
        with autocast(self.device.type, TRAINING_DTYPES[self.options.precision]):
            # A mixture is no sample of the training data, and has no number among them.
            loss, right = self._loss(x, y, phase, row if self._mix is None else None)
        return loss, right

    def _terms(self) -> dict[str, Tensor]:
        last = self._objective.last if isinstance(self._objective, WeightedSum) else {}
        return {f"{TERM}{name}": value for name, value in last.items()}

    def _gradients_stay_here(self) -> contextlib.AbstractContextManager[object]:
        """Return the block in which a wrapper does not yet share gradients with other processes."""
        no_sync = getattr(self._loss, "no_sync", contextlib.nullcontext)
        block: contextlib.AbstractContextManager[object] = no_sync()
        return block
