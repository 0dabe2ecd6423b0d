"""A regulariser of the student: how correlated the channels of its layers are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.padding import counted_places, only_counted
from pidkit.distill.pairing import checked_pairs, inner_products
from pidkit.distill.places import LayerPair, as_places
from pidkit.errors import InputError


class FeatureCovariance(Objective):
    """How correlated the student's channels are: sum_layers mean_(c != d) C_cd^2, C the covariance over the batch.

    Places count as further samples. Channels that repeat each other hold less than they could.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Of which the student's layers are meant.

    Raises
    ------
    InputError
        If there are no pairs, or a student's layer has a single channel.

    Source: Cogswell et al., "Reducing overfitting in deep networks by decorrelating representations", ICLR 2016, eq. 1
    (there 1/2 of the sum over c != d); Goswami, "Notes on distillation", 2025 (R_cov).

    Examples
    --------
    >>> list(FeatureCovariance([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))]).parameters())
    []
    """

    def __init__(self, pairs: Sequence[LayerPair]) -> None:
        """Check the pairs."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            if pair.student_channels < 2:
                raise InputError(f"pairs holds {pair}; a single channel of the student has nothing to correlate with")

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squared covariances of different channels."""
        total = batch.zero()
        for pair in self.pairs:
            channels = _counted(batch, pair).transpose(0, 1).flatten(1)
            centred = channels - channels.mean(1, keepdim=True)
            covariance = inner_products(centred, centred) / channels.shape[1]
            apart = ~torch.eye(len(channels), dtype=torch.bool, device=channels.device)
            total = total + covariance[apart].square().mean()
        return total


def _counted(batch: Batch, pair: LayerPair) -> Tensor:
    """Return the student's places that count, (n, channels, places)."""
    layer = batch.student.layer(pair.student_layer)
    return only_counted(as_places(layer), counted_places(batch.mask, layer))
