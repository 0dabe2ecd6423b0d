"""Correlation congruence: the kernel matrix of the samples is the same for the student as for the teacher."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from pidkit.arguments import check_count, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, inner_products, mean_square, paired_rows
from pidkit.distill.places import LayerPair


class CC(Objective):
    """Correlation congruence: sum_pairs || K_T - K_S ||_F^2 / n^2 of the Gaussian kernels K between n samples.

    K_ij = exp(-gamma ||f_i - f_j||^2) of rows f of length one, as its Taylor series of the given order,
    exp(-2 gamma) sum_p (2 gamma)^p / p! (f_i . f_j)^p. Only samples are compared with each other, so that the two
    layers may have any shapes.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Flattened; the paper takes the features before the classifier.
    gamma : float
    order : int
        Highest power p of the series.

    Raises
    ------
    InputError
        If there are no pairs, `gamma` is not positive, or `order` below 1.

    Notes
    -----
    The benchmark of CRD has another loss under this name, ``mean_i sum_d |s_id - t_id| |s_(i+1)d - t_(i+1)d|`` of
    embedded rows, with the weight .02; that weight is not for this one.

    Source: Peng et al., "Correlation congruence for knowledge distillation", ICCV 2019, eq. 6, 7 and 12 (gamma .4,
    order 2).

    Examples
    --------
    >>> cc = CC([LayerPair("pool", "pool", (64,), (16,))])
    >>> list(cc.parameters())
    []
    """

    def __init__(self, pairs: Sequence[LayerPair], *, gamma: float = 0.4, order: int = 2) -> None:
        """Check the pairs and the options."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        self.gamma, self.order = real_number("gamma", gamma, above=0.0), check_count("order", order)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squared differences of the kernels."""
        total = batch.zero()
        for pair in self.pairs:
            theirs, ours = (self._kernel(rows) for rows in paired_rows(batch, pair))
            total = total + mean_square(theirs, ours)
        return total

    def _kernel(self, rows: Tensor) -> Tensor:
        """Return K, shape (n, n)."""
        unit = functional.normalize(rows, dim=1)
        cosines = inner_products(unit, unit)
        kernel = cosines.new_zeros(cosines.shape)
        for p in range(self.order + 1):
            factor = math.exp(-2.0 * self.gamma) * (2.0 * self.gamma) ** p / math.factorial(p)
            kernel = kernel + factor * cosines.pow(p)
        return kernel

    def extra_repr(self) -> str:
        """Show the options."""
        return f"gamma={self.gamma:g}, order={self.order}"
