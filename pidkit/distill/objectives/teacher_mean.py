"""The mean of several teachers' answers as one teacher, for any objective of the logits."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import torch
from torch import Tensor

from pidkit.arguments import one_of
from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.labels import check_logits
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.wrapping import WrappedObjective
from pidkit.errors import InputError

MeanOf = Literal["probabilities", "logits"]
"""What is averaged over the teachers: their class probabilities, or the logits (a geometric mean of probabilities)."""


class MeanOfTeachers(WrappedObjective):
    """One teacher made of several: the objective sees the mean of their class probabilities, or of their logits.

    The third mean, that of the losses, is `SeveralTeachers` with the weights 1 / M; for `KD` at temperature 1 its
    gradient is that of the mean probabilities.

    Parameters
    ----------
    objective : Objective
        One of the logits: the mean teacher has no layers.
    of : "probabilities" or "logits"

    Raises
    ------
    InputError
        If `objective` is none or `of` is unknown; from a batch, if there is no teacher or they have different classes.

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, section 1 (an ensemble's
    arithmetic or geometric mean).

    Examples
    --------
    >>> from pidkit.distill.objectives.logits import KD
    >>> logits = [torch.tensor([[0.0, 4.0]]), torch.tensor([[4.0, 0.0]])]
    >>> batch = Batch(Outputs(torch.zeros(1, 2), {}), {name: Outputs(z, {}) for name, z in zip("ab", logits)})
    >>> float(MeanOfTeachers(KD())(batch, torch.tensor([0])))  # the two cancel
    0.0
    """

    def __init__(self, objective: Objective, *, of: MeanOf = "probabilities") -> None:
        """Check the option."""
        super().__init__(objective)
        self.of = one_of("of", of, get_args(MeanOf))

    def seen(self, batch: Batch, labels: Tensor) -> Batch:
        """Return the batch with the mean teacher alone."""
        given = [outputs.logits.detach() for outputs in batch.teachers.values()]
        if len({tuple(logits.shape) for logits in given}) != 1:
            shapes = ", ".join(f"{name!r} {tuple(outputs.logits.shape)}" for name, outputs in batch.teachers.items())
            raise InputError(
                f"the teachers' logits have the shapes {shapes or 'of none'}; a mean needs the same classes"
            )
        checked = torch.stack([check_logits(logits, labels if logits.ndim > 2 else None) for logits in given])
        if self.of == "probabilities":
            # The logarithm of the mean: logits with these probabilities at temperature one.
            mean = checked.log_softmax(2).logsumexp(0) - torch.tensor(float(len(given))).log()
        else:
            mean = checked.mean(0)
        return replace(batch, teachers={"mean": Outputs(mean, {}, batch.mask)})

    def extra_repr(self) -> str:
        """Show the option."""
        return f"of={self.of!r}"
