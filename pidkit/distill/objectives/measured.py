"""An objective times a share that is measured while it trains: the base of `AdaptiveWeight` and `UniqueWeight`."""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pidkit.arguments import Rng, check_count, integer_seed, items_of, whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.distill.phases import Phase
from pidkit.distill.teacher_cache.identity import weight_sums
from pidkit.errors import InputError
from pidkit.nn.inputs import Inputs, check_inputs, n_samples
from pidkit.symbols import encode_labels
from pidkit.types import AnyArray


class MeasuredWeight(WrappedObjective):
    """In the student's phase the loss is a L; a is measured before the epochs 0, every, 2 every, ...

    Subclasses define `share_of`. What is measured leaves no other trace.
    """

    share: Tensor

    def __init__(
        self,
        objective: Objective,
        networks: Networks,
        *,
        sample: tuple[Inputs, Tensor],
        teacher: str | None = None,
        every: int = 1,
        folds: int = 3,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> None:
        """Check the arguments; nothing is measured yet."""
        super().__init__(objective)
        parts = items_of("sample", sample)
        if len(parts) != 2 or not isinstance(parts[0], Tensor | Mapping) or not isinstance(parts[1], Tensor):
            raise InputError("sample must be a pair (inputs, labels) of tensors, held out of training")
        n = n_samples(check_inputs("sample[0]", parts[0]))
        y, _ = encode_labels(parts[1].cpu().numpy(), n=n, name="sample[1]")
        # In a tuple, so that neither becomes a part of the state; a weak reference can be copied with the objective.
        self._sample = (parts[0], np.unique(y, return_inverse=True)[1])
        self._networks = weakref.ref(networks)
        self.teacher, self.every = teacher, check_count("every", every)
        self.folds, self.batch_size = whole_number("folds", folds, least=2), check_count("batch_size", batch_size)
        self.rng = integer_seed(rng)
        self.register_buffer("share", torch.zeros(()))
        # Underscored: what is public and plain counts as a setting of the run.
        self._measured: dict[str, float] = {}
        self._found: tuple[tuple[int, list[int]], float] | None = None

    @property
    def measured(self) -> dict[str, float]:
        """Return the last measurement."""
        return dict(self._measured)

    def share_of(self, networks: Networks, x: Inputs, labels: AnyArray) -> tuple[float, dict[str, float]]:
        """Return the share and what was measured."""
        raise NotImplementedError(f"{type(self).__name__} must define share_of(networks, x, labels)")

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch with the measured teacher alone, if one is named."""
        return batch if self.teacher is None else batch.with_teacher(self.teacher)

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the objective's loss, in the student's phase times the share."""
        loss = super().forward(batch, labels, phase)
        return self.share.clone() * loss if phase in (None, Phase.STUDENT) else loss

    def set_epoch(self, epoch: int) -> None:
        """Tell the objective, and measure where it is time."""
        super().set_epoch(epoch)
        if epoch % self.every == 0:
            before = epoch, self._weights()
            # A run is described by what it is in epoch 0 before that epoch begins: the answer is the same.
            if self._found is None or self._found[0] != before:
                self._found = before, self.measure()
            self.share.fill_(self._found[1])

    def measure(self) -> float:
        """Measure the share now, keep it and return it."""
        networks = self._of_caller()
        share, self._measured = self.share_of(networks, *self._sample)
        self.share.fill_(share)
        return float(self.share)

    def _of_caller(self) -> Networks:
        networks = self._networks()
        if networks is None:
            raise InputError(f"networks of {type(self).__name__} are gone; keep them for as long as it trains")
        return networks

    def _weights(self) -> list[int]:
        """Return sums of the bits of all weights of student and teachers."""
        networks = self._of_caller()
        return [total for one in (networks.student, *networks.teachers.values()) for total in weight_sums(one)]

    def extra_repr(self) -> str:
        """Show the options and the share."""
        return f"every={self.every}, share={float(self.share):.3f}"
