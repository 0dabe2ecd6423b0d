"""Attention transfer: match where the activations of two layers are large, whatever their numbers of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.arguments import one_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, counted_of, mean_square, paired_places
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError

Norm = Literal["code", "paper"]
"""Distances of the attention maps: the authors' published code and their paper differ."""


class AttentionTransfer(Objective):
    """Attention transfer: where the activations of two layers are large, compared as unit vectors over the places.

    With ``Q = mean_c |A_c|^p``, one number a place, and ``q = Q / ||Q||_2`` of each sample,

    - norm="code":  ``sum_pairs mean_samples mean_places (q_T - q_S)^2``,
    - norm="paper": ``sum_pairs mean_samples ||q_T - q_S||_2``, the distance itself and not its square.

    The mean or the sum of the channels in Q makes no difference after the normalisation, so that the layers may have
    different channels.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Maps or tokens; both layers of a pair need the same places, more than one.
    p : float
        Power of the activations, at least 1.
    norm : "code" or "paper"

    Raises
    ------
    InputError
        If there are no pairs, a pair cannot be compared place by place or has a single place, `p` is below 1, or
        `norm` is unknown.

    Notes
    -----
    The two differ by more than a factor. For one sample with ``d = ||q_T - q_S||_2`` <= sqrt 2, "code" is
    d^2 / n_places and "paper" is d: the gradient of "code" vanishes as the maps come close, that of "paper" keeps its
    size. "code" also falls with the resolution, as no other objective here does; with means over 8x8 places the
    authors' weight 1000 is 1000 / 64 on d^2. The paper's own weight is beta / 2, and the p in its ``||.||_p`` is 2 in
    its experiments.

    Source: Zagoruyko and Komodakis, "Paying more attention to attention", ICLR 2017, eq. 2 (F_sum^p of section 3.1),
    and the authors' published code.

    Examples
    --------
    >>> pair = LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))
    >>> sum(parameter.numel() for parameter in AttentionTransfer([pair]).parameters())
    0
    """

    def __init__(self, pairs: Sequence[LayerPair], *, p: float = 2.0, norm: Norm = "code") -> None:
        """Check the pairs and the options."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            if pair.n_places == 1:
                raise InputError(f"pairs holds {pair}, of one place, where attention has no choice; tap maps or tokens")
        self.p, self.norm = real_number("p", p, least=1.0), one_of("norm", norm, get_args(Norm))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the distance of the attention maps."""
        total = batch.zero()
        for pair in self.pairs:
            teacher, student = (_attention(layer, self.p) for layer in paired_places(batch, pair))
            counted = counted_of(batch, pair)
            if self.norm == "code":
                total = total + _mean_of(teacher, student, counted)
            else:
                total = total + _distance_of(teacher, student, counted)
        return total

    def extra_repr(self) -> str:
        """Show the options."""
        return f"p={self.p:g}, norm={self.norm!r}"


def _mean_of(teacher: Tensor, student: Tensor, counted: Tensor | None) -> Tensor:
    """Return the mean square over the samples and the places that count."""
    return mean_square(teacher, student) if counted is None else mean_square(teacher[counted], student[counted])


def _distance_of(teacher: Tensor, student: Tensor, counted: Tensor | None) -> Tensor:
    """Return the mean distance over the samples that have a place that counts."""
    if counted is not None:
        there = counted.any(1)
        teacher, student = teacher[there], student[there]
    distances: Tensor = torch.linalg.vector_norm(teacher - student, dim=1)
    return distances.mean()


def _attention(layer: Tensor, p: float) -> Tensor:
    """Return q, shape (n, places), of a layer (n, channels, places); all zeros where the layer is."""
    return functional.normalize(layer.abs().pow(p).mean(1), dim=1)
