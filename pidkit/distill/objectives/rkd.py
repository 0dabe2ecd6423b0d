"""Relational knowledge distillation: the distances between samples, and the angles of triples, as the teacher's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.arguments import real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, inner_products, paired_rows
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError

SQUARED_FLOOR = 1e-12
"""The least squared distance: the square root of zero, between equal samples, has no finite slope."""


class RKD(Objective):
    """Relational knowledge distillation: sum_pairs weight_distance mean l(d_T, d_S) + weight_angle mean l(a_T, a_S).

    ``d_ij = ||f_i - f_j|| / mu`` with mu the mean of the positive distances in the batch; a_ijk the cosine of the angle
    at f_j between f_i and f_k; l Huber's loss, u^2 / 2 up to abs(u) = 1 and abs(u) - 1/2 beyond. The means are over all
    (i, j) and all (i, j, k), those of equal indices, which are zero, included. Only samples are compared with each
    other, so that the two layers may have any shapes.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Flattened; the paper takes the features before the classifier. The angles take n^3 numbers.
    weight_distance, weight_angle : float
        A term of weight 0 is left out.

    Raises
    ------
    InputError
        If there are no pairs, a weight is negative, or both are 0; from a batch of a single sample.

    Source: Park et al., "Relational knowledge distillation", CVPR 2019, eq. 4 to 10; 25 and 50 on CIFAR-100.

    Examples
    --------
    >>> rkd = RKD([LayerPair("pool", "pool", (64,), (16,))])
    >>> list(rkd.parameters())
    []
    """

    def __init__(
        self, pairs: Sequence[LayerPair], *, weight_distance: float = 25.0, weight_angle: float = 50.0
    ) -> None:
        """Check the pairs and the weights."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        self.weight_distance = real_number("weight_distance", weight_distance, least=0.0)
        self.weight_angle = real_number("weight_angle", weight_angle, least=0.0)
        if not (self.weight_distance or self.weight_angle):
            raise InputError("weight_distance and weight_angle are both 0; give one of them a weight")

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the weighted losses of distances and angles."""
        total = batch.zero()
        if len(batch.student.logits) < 2:
            raise InputError("RKD needs at least 2 samples a batch, for their distances; drop the last batch")
        for pair in self.pairs:
            theirs, ours = paired_rows(batch, pair)
            for weight, relation in ((self.weight_distance, _distances), (self.weight_angle, _angles)):
                if weight:
                    total = total + weight * functional.smooth_l1_loss(relation(ours), relation(theirs))
        return total

    def extra_repr(self) -> str:
        """Show the weights."""
        return f"weight_distance={self.weight_distance:g}, weight_angle={self.weight_angle:g}"


def _distances(rows: Tensor) -> Tensor:
    """Return the distances between rows, (n, n), divided by the mean of the positive ones."""
    squares = (rows[:, None] - rows[None]).square().sum(2)
    distances = torch.where(squares > SQUARED_FLOOR, squares.clamp_min(SQUARED_FLOOR).sqrt(), 0.0)
    mean = distances.sum() / (distances > 0).sum().clamp_min(1)
    return distances / mean.clamp_min(SQUARED_FLOOR**0.5)


def _angles(rows: Tensor) -> Tensor:
    """Return the cosines (j, i, k) of the angles at j between i and k; 0 where one of the two is j itself."""
    unit = functional.normalize(rows[None] - rows[:, None], dim=2, eps=SQUARED_FLOOR**0.5)
    return inner_products(unit, unit)
