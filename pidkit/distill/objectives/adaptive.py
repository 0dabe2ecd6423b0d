"""A weight that is measured: an objective counts for as much as its teacher and the student both tell of the label."""

from __future__ import annotations

import weakref

import numpy as np
import torch
from torch import Tensor

from pidkit.arguments import Rng, check_count, integer_seed, items_of, whole_number
from pidkit.distill.answer_redundancy import held_out_answers, redundant_share
from pidkit.distill.batch import Batch
from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.distill.phases import Phase
from pidkit.errors import InputError
from pidkit.symbols import encode_labels


class AdaptiveWeight(WrappedObjective):
    """An objective times the share of what the student's answers tell of the label that the teacher's tell as well.

    In the student's phase the loss is a L with ``a = Red(Y:T,S) / I(Y;S)``, T and S the answers of both networks on
    held-out inputs, read as they stand (decoder="softmax" of `representation_pid`): 1 where the teacher knows what the
    student knows, 0 where its answers are about something else. The lower end of the 95 % interval of Red is taken, and
    the share kept in [0, 1]. While the student knows less than a twentieth of H(Y), a is the share of H(Y) that the
    teacher tells. It is measured in `set_epoch`, before the epochs 0, every, 2 every, ..., which leaves no other trace.

    Parameters
    ----------
    objective : Objective
        Of the answers, such as `KD`. Redundancy of answers says nothing about what an objective of layers carries over.
    networks : Networks
        Referred to, not held: they stay the caller's.
    sample : pair of Tensor
        Held-out inputs and their labels, each class with more than `folds` of them.
    teacher : str, optional
        Its name, where there are several.
    every : int
        Epochs between two measurements.
    folds, batch_size : int
    rng : int or numpy.random.Generator
        Seeds the folds.

    Attributes
    ----------
    share : Tensor
        a, a buffer; 0 before anything is measured.
    measured : dict of str to float
        The last redundancy with its "lower" end, mi_teacher, mi_student and entropy, in bits.

    Raises
    ------
    InputError
        If an option is out of its range or `sample` is no such pair; from set_epoch, as `representation_pid`, or if the
        networks are gone.

    Source: pidkit.

    Examples
    --------
    >>> from torch import nn
    >>> from pidkit.distill import KD, tap
    >>> x, labels = torch.eye(3).repeat(60, 1), torch.arange(180) % 3
    >>> networks = tap(teacher=nn.Identity(), student=nn.Linear(3, 3), example=x[:2])
    >>> adaptive = AdaptiveWeight(KD(), networks, sample=(8.0 * x, labels))
    >>> adaptive.set_epoch(0)
    >>> bool(adaptive.share > 0.9)
    True
    """

    share: Tensor

    def __init__(
        self,
        objective: Objective,
        networks: Networks,
        *,
        sample: tuple[Tensor, Tensor],
        teacher: str | None = None,
        every: int = 1,
        folds: int = 3,
        batch_size: int = 256,
        rng: Rng = 0,
    ) -> None:
        """Check the arguments; nothing is measured yet."""
        super().__init__(objective)
        parts = items_of("sample", sample)
        if len(parts) != 2 or not all(isinstance(part, Tensor) for part in parts):
            raise InputError("sample must be a pair (inputs, labels) of tensors, held out of training")
        y, _ = encode_labels(parts[1].cpu().numpy(), n=len(parts[0]), name="sample[1]")
        # In a tuple, so that neither becomes a part of the state; a weak reference can be copied with the objective.
        self._sample = (parts[0], np.unique(y, return_inverse=True)[1])
        self._networks = weakref.ref(networks)
        self.teacher, self.every = teacher, check_count("every", every)
        self.folds, self.batch_size = whole_number("folds", folds, least=2), check_count("batch_size", batch_size)
        self.rng = integer_seed(rng)
        self.register_buffer("share", torch.zeros(()))
        # Underscored: what is public and plain counts as a setting of the run.
        self._measured: dict[str, float] = {}

    @property
    def measured(self) -> dict[str, float]:
        """Return the last measurement."""
        return dict(self._measured)

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
            self.measure()

    def measure(self) -> float:
        """Measure the share now, keep it and return it."""
        networks = self._networks()
        if networks is None:
            raise InputError("networks of AdaptiveWeight are gone; keep them for as long as it trains")
        x, labels = self._sample
        theirs, ours = held_out_answers(networks, x, teacher=self.teacher, batch_size=self.batch_size)
        share, self._measured = redundant_share(theirs, ours, labels, folds=self.folds, rng=self.rng)
        self.share.fill_(share)
        return float(self.share)

    def extra_repr(self) -> str:
        """Show the options and the share."""
        return f"every={self.every}, share={float(self.share):.3f}"
