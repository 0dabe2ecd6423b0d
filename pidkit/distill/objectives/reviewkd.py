"""ReviewKD: each layer of the student, joined with all deeper ones, follows the teacher's layer at several scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import check_count, items_of
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, mean_square
from pidkit.distill.places import LayerPair, widened
from pidkit.errors import InputError


class Fusion(nn.Module):
    """Attention based fusion: a layer and what came from the deeper ones, weighted place by place, then the output.

    Parameters
    ----------
    channels_in, width, channels_out : int
        Of the student's layer, of what is passed on, and of the teacher's layer.
    fuses : bool
        Whether something comes from a deeper layer; not for the deepest.

    Source: Chen et al., "Distilling knowledge via knowledge review", CVPR 2021, figure 3.
    """

    def __init__(self, channels_in: int, width: int, channels_out: int, *, fuses: bool) -> None:
        """Build the convolutions."""
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels_in, width, 1, bias=False), nn.BatchNorm2d(width))
        self.attention = nn.Conv2d(2 * width, 2, 1) if fuses else None
        self.last = nn.Sequential(
            nn.Conv2d(width, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)
        )

    def forward(self, layer: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what is compared with the teacher, and what is passed on to the shallower layer."""
        mixed: Tensor = self.first(layer)
        if self.attention is not None and deeper is not None:
            above = functional.interpolate(deeper, mixed.shape[2:], mode="nearest")
            weights = torch.sigmoid(self.attention(torch.cat([mixed, above], 1)))
            mixed = mixed * weights[:, :1] + above * weights[:, 1:]
        return self.last(mixed), mixed


class ReviewKD(Objective):
    """Knowledge review: sum_pairs of the hierarchical context loss of the teacher's map and the fused student's.

    The student's maps are fused from the deepest to the shallowest (`Fusion`), each then compared with its teacher's:
    ``( d(full) + sum_l 2^-l d(pooled to level l) ) / ( 1 + sum_l 2^-l )``, d the mean squared difference, at the levels
    4, 2 and 1 that are smaller than the map, l = 1, 2, ... in this order.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Maps, from the shallowest to the deepest; both layers of a pair need the same height and width.
    width : int
        Channels of what is passed on.
    levels : sequence of int
        Sizes that the maps are pooled to.

    Raises
    ------
    InputError
        If there are no pairs, the layers of one are no maps of one size, or a size is not a whole number from 1 on.

    Source: Chen et al., "Distilling knowledge via knowledge review", CVPR 2021, eq. 4 to 7; the weights of the levels
    are those of the published code. The weight of the whole is 1 to 8 with the authors, 5 for ResNet-32x4 to
    ResNet-8x4.

    Examples
    --------
    >>> pairs = [LayerPair("a", "a", (8, 8, 8), (3, 8, 8)), LayerPair("b", "b", (16, 4, 4), (6, 4, 4))]
    >>> review = ReviewKD(pairs, width=4)
    >>> [fusion.attention is None for fusion in review.fusions]  # nothing is deeper than the last
    [False, True]
    """

    def __init__(self, pairs: Sequence[LayerPair], *, width: int = 64, levels: Sequence[int] = (4, 2, 1)) -> None:
        """Build a fusion for each pair."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        width = check_count("width", width)
        self.levels = tuple(check_count("every level in levels", level) for level in items_of("levels", levels))
        for pair in self.pairs:
            if len(pair.teacher_shape) != 3 or pair.teacher_shape[1:] != pair.student_shape[1:]:
                raise InputError(f"pairs holds {pair}, which are not maps of one height and width; tap such layers")
        last = len(self.pairs) - 1
        self.fusions = nn.ModuleList(
            Fusion(pair.student_channels, width, pair.teacher_channels, fuses=k < last)
            for k, pair in enumerate(self.pairs)
        )

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the hierarchical context losses, from the deepest pair to the shallowest."""
        total, deeper = batch.zero(), None
        for pair, fusion in zip(reversed(self.pairs), reversed(self.fusions), strict=True):
            teacher = widened(batch.teacher.layer(pair.teacher_layer).detach())
            student, deeper = fusion(widened(batch.student.layer(pair.student_layer)), deeper)
            total = total + context_loss(teacher, widened(student), self.levels)
        return total


def context_loss(teacher: Tensor, student: Tensor, levels: Sequence[int]) -> Tensor:
    """Return the mean squared difference of maps at full size and pooled to those levels that are smaller.

    Examples
    --------
    >>> differ = torch.tensor([[[[1.0, -1.0], [0.0, 0.0]]]])  # (mean square 1/2 + 1/2 of the squared mean 0) / (3/2)
    >>> round(float(context_loss(torch.zeros(1, 1, 2, 2), differ, (4, 2, 1))), 4)
    0.3333
    """
    total, weight, sum_of_weights = mean_square(teacher, student), 1.0, 1.0
    for level in levels:
        if level >= teacher.shape[2]:
            continue
        pooled = (functional.adaptive_avg_pool2d(maps, level) for maps in (teacher, student))
        weight /= 2.0
        total, sum_of_weights = total + weight * mean_square(*pooled), sum_of_weights + weight
    return total / sum_of_weights
