"""A regulariser of the student: what linear decoders read of the label in its layers, while they learn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from pidkit.arguments import flag
from pidkit.distill.batch import Batch
from pidkit.distill.filters import ClassHead
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective
from pidkit.distill.padding import counted_places
from pidkit.distill.pairing import checked_pairs
from pidkit.distill.places import LayerPair, as_places


class LabelInformation(Objective):
    """What the student's layers tell about the label, as linear decoders read it while they learn: sum CE(Y, g(S)).

    H(Y) - CE is a lower bound on I(Y;S): lowering the cross-entropy raises what a linear decoder of each layer finds.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Of which the student's layers are meant.
    n_classes : int
    pool : bool
        Whether the decoders average over the places, or see them flattened.

    Attributes
    ----------
    heads : nn.ModuleList
        g of each layer, group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, or `n_classes` is below 2.

    Source: Goswami, "Notes on distillation", 2025 (R_MI = -I(phi_S; Y)).

    Examples
    --------
    >>> told = LabelInformation([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))], n_classes=10)
    >>> told.heads[0].linear.weight.shape
    torch.Size([10, 3])
    """

    def __init__(self, pairs: Sequence[LayerPair], *, n_classes: int, pool: bool = True) -> None:
        """Build a decoder for each student layer."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        self.heads = nn.ModuleList(
            ClassHead(
                pair.student_channels,
                math.prod(pair.student_shape) // pair.student_channels,
                n_classes,
                pool=flag("pool", pool),
            )
            for pair in self.pairs
        )

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the cross-entropies in nats."""
        total = batch.zero()
        for pair, head in zip(self.pairs, self.heads, strict=True):
            layer = batch.student.layer(pair.student_layer)
            told = head(as_places(layer), counted_places(batch.mask, layer))
            total = total + cross_entropy(told, labels)
        return total
