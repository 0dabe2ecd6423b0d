"""Curriculum order: an objective of easy samples first, and of all of them in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pidkit.arguments import real_number, whole_number
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.distill.phases import Phase
from pidkit.errors import InputError


class Curriculum(WrappedObjective):
    """An objective of the easiest samples of every batch: of the share g(e) of the training data in epoch e.

    g(e) = min(1, start + (1 - start) e / (n_epochs - 1)). A sample counts when its difficulty is among the lowest g(e)
    of all; the rest of the batch is cut out of everything that the objective sees, in every phase. A batch without an
    easy sample has a loss of zero. What stays as it is: the order of the batches, and the student's pass over all of
    them, so that batch normalisation sees hard samples too and no time is saved.

    Parameters
    ----------
    objective : Objective
    difficulties : Tensor or sequence of float, shape (n_training,)
        Of every training sample by its number, such as `difficulties_by` the teacher. The networks must be told the
        numbers, networks(x, phase, indices), as `Trainer` does.
    n_epochs : int
        The epoch, counted from 1, from which on all samples count.
    start : float
        g(0), above 0.

    Raises
    ------
    InputError
        If the difficulties are not finite numbers in one row, or an option is out of its range; from a batch, if it has
        no indices, or one beyond the difficulties.

    Source: Bengio et al., "Curriculum learning", ICML 2009; Hacohen and Weinshall, "On the power of curriculum learning
    in training deep networks", ICML 2019 (difficulty by a teacher); Goswami, "Notes on distillation", 2025.

    Examples
    --------
    >>> from pidkit.distill import KD
    >>> curriculum = Curriculum(KD(), [0.1, 2.0, 0.3, 0.7], n_epochs=3, start=0.5)
    >>> shares = []
    >>> for epoch in range(4):
    ...     curriculum.set_epoch(epoch)
    ...     shares.append(curriculum.share)
    >>> shares
    [0.5, 0.75, 1.0, 1.0]
    """

    ranks: Tensor

    def __init__(
        self, objective: Objective, difficulties: Tensor | Sequence[float], *, n_epochs: int, start: float = 0.25
    ) -> None:
        """Rank the samples, and begin at epoch 0."""
        super().__init__(objective)
        values = torch.as_tensor(difficulties, dtype=torch.float64).detach().cpu()
        if values.ndim != 1 or len(values) == 0 or not bool(values.isfinite().all()):
            raise InputError(f"difficulties must be one finite number a sample, not of shape {tuple(values.shape)}")
        self.n_epochs = whole_number("n_epochs", n_epochs, least=2, remedy="in a single epoch there is no order")
        self.start = real_number("start", start, above=0.0, most=1.0)
        # Stable, so that samples of one difficulty come in by their number.
        order = values.argsort(stable=True)
        self.register_buffer("ranks", torch.empty_like(order).scatter_(0, order, torch.arange(len(order))))
        self._epoch = 0

    @property
    def share(self) -> float:
        """Return g of the running epoch."""
        return min(1.0, self.start + (1.0 - self.start) * self._epoch / (self.n_epochs - 1))

    def set_epoch(self, epoch: int) -> None:
        """Tell the objective, and take in what is due."""
        super().set_epoch(epoch)
        self._epoch = epoch

    def get_extra_state(self) -> Tensor:
        """Return the running epoch, for `state_dict`."""
        return torch.tensor(self._epoch)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from a saved epoch."""
        self.set_epoch(int(state))

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the objective's loss of the easy samples."""
        if self.share >= 1.0:
            return super().forward(batch, labels, phase)
        easy = self._easy(batch)
        if not len(easy):
            # A zero with a graph, through which a lone objective can go backward.
            return batch.student.logits.flatten()[:0].sum()
        loss: Tensor = self.objective(_rows(batch, easy), labels[easy], phase)
        return loss

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the whole batch, as it is once all samples count."""
        return batch

    def _easy(self, batch: Batch) -> Tensor:
        """Return the rows of the easy samples."""
        if batch.indices is None:
            raise InputError(
                "batch has no indices, by which Curriculum knows its samples, and a mixed one has none; call "
                "networks(x, indices=...)"
            )
        indices = batch.indices.to(self.ranks.device)
        if len(indices) and int(indices.max()) >= len(self.ranks):
            raise InputError(f"batch has index {int(indices.max())}, and difficulties has {len(self.ranks)} samples")
        n_easy = max(1, round(self.share * len(self.ranks)))
        return (self.ranks[indices] < n_easy).nonzero()[:, 0].to(batch.student.logits.device)


def _rows(batch: Batch, rows: Tensor) -> Batch:
    """Return some samples of a batch."""

    def of(outputs: Outputs) -> Outputs:
        layers = {name: layer[rows] for name, layer in outputs.layers.items()}
        return replace(outputs, logits=outputs.logits[rows], layers=layers)

    indices = None if batch.indices is None else batch.indices[rows.to(batch.indices.device)]
    teachers = {name: of(one) for name, one in batch.teachers.items()}
    mask = None if batch.mask is None else batch.mask[rows.to(batch.mask.device)]
    return replace(batch, student=of(batch.student), teachers=teachers, indices=indices, mask=mask)
