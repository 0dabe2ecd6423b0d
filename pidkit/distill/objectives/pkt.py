"""Probabilistic knowledge transfer: each sample finds its neighbours with the teacher's probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from torch import Tensor
from torch.nn import functional

from pidkit.arguments import one_of
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import LossReduction, checked_pairs, inner_products, paired_rows
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError

NEVER = 1e-7
"""The least probability of a neighbour in a logarithm: opposite features have a kernel of zero."""


class PKT(Objective):
    """Probabilistic knowledge transfer: sum_pairs of the divergence of the conditional probabilities of neighbours.

    p_(j|i) = K(f_i, f_j) / sum_k K(f_i, f_k) with the kernel K(a, b) = (cos(a, b) + 1) / 2, for the teacher p and the
    student q, every sample a neighbour of itself too; the divergence is p log(p / q), reduced over all n^2 of (i, j).
    Only samples are compared with each other, so that the two layers may have any shapes.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Flattened; the paper takes the features before the classifier.
    reduction : "mean" or "sum"
        The mean over (i, j), as the published code (with the weight 30000), or the sum, as printed: n^2 times as much.

    Raises
    ------
    InputError
        If there are no pairs, or `reduction` is unknown; from a batch of a single sample, which has no neighbours.

    Source: Passalis and Tefas, "Learning deep representations with probabilistic knowledge transfer", ECCV 2018, eq. 3
    to 7.

    Examples
    --------
    >>> pkt = PKT([LayerPair("pool", "pool", (64,), (16,))])
    >>> list(pkt.parameters())
    []
    """

    def __init__(self, pairs: Sequence[LayerPair], *, reduction: LossReduction = "mean") -> None:
        """Check the pairs."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the divergences."""
        total, n = batch.zero(), len(batch.student.logits)
        if n < 2:
            raise InputError("PKT needs at least 2 samples a batch, for neighbours; drop the last batch")
        for pair in self.pairs:
            p, q = (_neighbours(rows) for rows in paired_rows(batch, pair))
            divergence = functional.kl_div(q.clamp_min(NEVER).log(), p, reduction="sum")
            total = total + (divergence if self.reduction == "sum" else divergence / n**2)
        return total

    def extra_repr(self) -> str:
        """Show the option."""
        return f"reduction={self.reduction!r}"


def _neighbours(rows: Tensor) -> Tensor:
    """Return the probabilities of neighbours, shape (n, n), each row of sum one."""
    unit = functional.normalize(rows, dim=1)
    kernel = 0.5 * (inner_products(unit, unit) + 1.0)
    return kernel / kernel.sum(1, keepdim=True)
