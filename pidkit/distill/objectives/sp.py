"""Similarity-preserving distillation: samples that are alike for the teacher are alike for the student."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, inner_products, mean_square, paired_rows
from pidkit.distill.places import LayerPair


class SP(Objective):
    """Similarity-preserving distillation: sum_pairs || G_T - G_S ||_F^2 / n^2, G the normalised similarities.

    With the flattened layer Q, one row for each of the n samples, G is Q Q^T with every row divided by its length. Only
    the samples are compared with each other, so that the two layers may have any shapes.

    Parameters
    ----------
    pairs : sequence of LayerPair

    Raises
    ------
    InputError
        If there are no pairs.

    Source: Tung and Mori, "Similarity-preserving knowledge distillation", ICCV 2019, eq. 2 to 4. The paper's weight is
    gamma = 3000.

    Examples
    --------
    >>> sp = SP([LayerPair("conv", "conv", (8, 4, 4), (3, 2, 2))])
    >>> list(sp.parameters())
    []
    """

    def __init__(self, pairs: Sequence[LayerPair]) -> None:
        """Check the pairs."""
        super().__init__()
        self.pairs = checked_pairs(pairs)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squared differences of the similarities."""
        total = batch.zero()
        for pair in self.pairs:
            theirs, ours = (
                functional.normalize(inner_products(rows, rows), dim=1) for rows in paired_rows(batch, pair)
            )
            total = total + mean_square(theirs, ours)
        return total
