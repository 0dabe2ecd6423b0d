"""AEKD: weights of several teachers, each step, by the direction in which all their losses fall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import mapping_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.sums import SumOfObjectives
from pidkit.distill.phases import Phase
from pidkit.distill.shortest_mixture import shortest_mixture
from pidkit.errors import InputError


class AEKD(SumOfObjectives):
    """Adaptive ensemble distillation in gradient space: sum_m a_m L_m, with the a that make the gradient shortest.

    a minimises ``|| sum_m a_m g_m ||^2`` over ``sum_m a_m = 1, 0 <= a_m <= cap``, g_m the gradient of teacher m's loss:
    the opposite direction lowers every loss whose weight is below the cap, by at least as much as the weighted ones,
    and a teacher that contradicts the others is held by the cap. With cap = 1 / M every teacher has the same weight.

    - AEKD: g_m with respect to the student's logits (layer=None),
    - AEKD-F: with respect to one of its layers (layer="..."), for objectives of that layer.

    Parameters
    ----------
    objectives : mapping of str to Objective
        By the name of the teacher; each sees that teacher alone.
    cap : float
        The paper's C, 1 / M <= cap <= 1. The published code's `nu` is 1 / (M C).
    layer : str, optional
        Qualified name of a tapped layer of the student.

    Attributes
    ----------
    last : dict of str to Tensor
        The unweighted loss of every teacher in the last pass.
    last_weights : dict of str to float
        The weights a in the last pass.

    Raises
    ------
    InputError
        If there are no objectives, one is no Objective, or `cap` is out of its range; from a batch, if a loss does not
        depend on the logits, or on the layer.

    Notes
    -----
    The weights are constants of the gradient. Where no graph is recorded they are 1 / M. As in the published code, g_m
    is averaged over the batch and scaled to length one for the comparison, and a_m divided by that length.

    Source: Du et al., "Agree to disagree: adaptive ensemble knowledge distillation in gradient space", NeurIPS 2020,
    eq. 5 to 9.

    Examples
    --------
    >>> from pidkit.distill.objectives.logits import KD
    >>> AEKD({"first": KD(), "second": KD()}, cap=0.6).cap
    0.6
    """

    def __init__(self, objectives: Mapping[str, Objective], *, cap: float = 1.0, layer: str | None = None) -> None:
        """Check the objectives and the cap."""
        super().__init__()
        objectives = mapping_of("objectives", objectives)
        if not objectives or not all(isinstance(objective, Objective) for objective in objectives.values()):
            raise InputError("objectives must be a mapping of teachers' names to objectives, at least one")
        self.objectives, self.layer = nn.ModuleDict(objectives), layer
        least = 1.0 / len(objectives)
        self.cap = real_number("cap", cap, least=least, most=1.0, remedy=f"1 / M = {least:g} weighs all alike")
        # Underscored: what is public and plain counts as a setting of the run.
        self._last_weights = dict.fromkeys(objectives, least)

    @property
    def last_weights(self) -> dict[str, float]:
        """Return the weights of the last pass by the name of the teacher."""
        return dict(self._last_weights)

    def parts(self) -> nn.ModuleDict:
        """Return the objectives by the name of their teacher."""
        return self.objectives

    def factors(self) -> Iterable[float]:
        """Return the weights of the last pass, in the order of the teachers."""
        return self._last_weights.values()

    def batch_of(self, name: str, batch: Batch) -> Batch:
        """Return the batch as seen with one teacher alone."""
        return batch.with_teacher(name)

    def forward(self, batch: Batch, labels: Tensor, phase: Phase | None = None) -> Tensor:
        """Return the sum of the losses, weighted in the student's phase."""
        if phase not in (None, Phase.STUDENT):
            return super().forward(batch, labels, phase)
        losses = {name: part(self.batch_of(name, batch), labels, phase) for name, part in self.objectives.items()}
        self.last = {name: loss.detach() for name, loss in losses.items()}
        self._last_weights = dict(zip(losses, self._weights(list(losses.values()), batch), strict=True))
        total = batch.zero()
        for name, loss in losses.items():
            total = total + self._last_weights[name] * loss
        return total

    def _weights(self, losses: list[Tensor], batch: Batch) -> list[float]:
        """Return the weights a of the losses."""
        at = batch.student.logits if self.layer is None else batch.student.layer(self.layer)
        if not torch.is_grad_enabled():
            return [1.0 / len(losses)] * len(losses)
        grads = [
            torch.autograd.grad(loss, at, retain_graph=True, allow_unused=True)[0]
            if loss.requires_grad and at.requires_grad
            else None
            for loss in losses
        ]
        if any(grad is None for grad in grads):
            where = "the student's logits" if self.layer is None else f"layer {self.layer!r}"
            raise InputError(f"a loss does not depend on {where}, where AEKD compares gradients; pass another layer=")
        means = torch.stack([grad.double().mean(0).flatten() for grad in grads if grad is not None])
        lengths = means.norm(dim=1).cpu().numpy()
        lengths[lengths == 0.0] = float(lengths.max()) or 1.0  # a loss at its minimum has no direction to scale
        unit = functional.normalize(means, dim=1).cpu().numpy()
        shares = shortest_mixture(unit @ unit.T, self.cap) / lengths
        return [float(share) for share in shares / shares.sum()]

    def extra_repr(self) -> str:
        """Show the options."""
        return f"cap={self.cap:g}" + ("" if self.layer is None else f", layer={self.layer!r}")
