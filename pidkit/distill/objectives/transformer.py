"""An objective of transformers: attention maps, head by head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import one_of
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.padding import counted_attention
from pidkit.distill.pairing import LossReduction, checked_pairs
from pidkit.distill.places import LayerPair, widened
from pidkit.errors import InputError
from pidkit.types import Shape

HeadRule = Literal["each", "mean", "learned"]
"""Which attention maps are compared: head by head, the means over the heads, or learned mixtures of the student's."""


class AttentionMaps(Objective):
    """The teacher's attention: sum_pairs mean_samples mean_heads || A_T / ||A_T||_F - A_S / ||A_S||_F ||_F^2.

    A is the attention of one head, queries times keys. Each is divided by its Frobenius norm, so that the squared
    distance lies in [0, 2] for probabilities whatever the length of the sequence: it is therefore summed over queries
    and keys, and averaged over samples and heads. Queries and keys that the batch's mask leaves out are zero in both,
    before the norms: padding counts for nothing. Of cross-attention the mask is that of whichever side has its length.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Layers that put out attention maps, (n, heads, queries, keys) or, for one head or the mean of all, (n, queries,
        keys). For modules that return the attention beside their output, such as `nn.MultiheadAttention`, pass
        `tap(..., reduce={"*.self_attn": lambda out: out[1]})`.
    heads : "each", "mean" or "learned"
        Compare head by head, in order; or, for networks with different numbers of heads, the means over the heads, or
        each of the teacher's heads with a learned linear mixture of the student's, which starts as their mean.
    reduction : "mean" or "sum"
        Over the heads; the papers print sums.

    Attributes
    ----------
    mixtures : nn.ParameterList
        Of learned heads: W of each pair, (teacher's heads, student's heads), group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, an option is not one of its values, the layers of a pair are no attention maps of the
        same queries and keys, or have different numbers of heads; from a batch, if its mask fits neither.

    Source: Goswami, "Notes on Distillation", 2025, eq. 6 (W_m of the heads) and 17.

    Examples
    --------
    >>> AttentionMaps([LayerPair("attn", "attn", (4, 10, 10), (2, 10, 10))])
    Traceback (most recent call last):
    pidkit.errors.InputError: pairs holds teacher layer 'attn' of shape (4, 10, 10) and student layer 'attn' of shape
    (2, 10, 10), with 4 and 2 heads; pass heads="mean" or "learned"
    """

    def __init__(
        self, pairs: Sequence[LayerPair], *, heads: HeadRule = "each", reduction: LossReduction = "mean"
    ) -> None:
        """Check the pairs."""
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.mixtures = nn.ParameterList()
        self.pairs = checked_pairs(pairs)
        self.heads = one_of("heads", heads, get_args(HeadRule))
        for pair in self.pairs:
            theirs, ours = _map_shape(pair, pair.teacher_shape), _map_shape(pair, pair.student_shape)
            if theirs[1:] != ours[1:]:
                raise InputError(f"pairs holds {pair}, with different queries or keys; tap layers of one sequence")
            if heads == "each" and theirs[0] != ours[0]:
                raise InputError(
                    f'pairs holds {pair}, with {theirs[0]} and {ours[0]} heads; pass heads="mean" or "learned"'
                )
            if heads == "learned":
                self.mixtures.append(nn.Parameter(torch.full((theirs[0], ours[0]), 1.0 / ours[0])))

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the squared distance of the normalised maps."""
        total = batch.zero()
        for k, pair in enumerate(self.pairs):
            theirs, ours = batch.teacher.layer(pair.teacher_layer).detach(), batch.student.layer(pair.student_layer)
            counted = counted_attention(batch.mask, ours)
            teacher, student = self._heads(theirs, counted), self._heads(ours, counted)
            if counted is not None:  # samples that are nothing but padding have no maps
                there = counted.flatten(1).any(1)
                teacher, student = teacher[there], student[there]
            if self.heads == "learned":
                student = torch.einsum("ts,nsp->ntp", self.mixtures[k].to(student.dtype), student)
            teacher, student = (functional.normalize(maps, dim=2) for maps in (teacher, student))
            error = (teacher - student).square().sum(2)
            total = total + (error.mean() if self.reduction == "mean" else error.sum(1).mean())
        return total

    def _heads(self, maps: Tensor, counted: Tensor | None) -> Tensor:
        """Return maps of shape (n, heads, queries * keys), zero in those of padded tokens."""
        if maps.ndim == 3:
            maps = maps[:, None]
        if counted is not None:
            maps = maps.masked_fill(~counted[:, None], 0.0)
        if self.heads == "mean":
            maps = maps.mean(1, keepdim=True)
        return widened(maps).flatten(2)

    def extra_repr(self) -> str:
        """Show the options."""
        return f"heads={self.heads!r}, reduction={self.reduction!r}"


def _map_shape(pair: LayerPair, shape: Shape) -> tuple[int, int, int]:
    """Return (heads, queries, keys)."""
    if len(shape) not in (2, 3):
        advice = "tap what puts out (n, heads, queries, keys), with reduce= where it is one of several outputs"
        raise InputError(f"pairs holds {pair}, which are not both attention maps; {advice}")
    return (1, shape[0], shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])
