"""A feature pyramid of a detector: the hint of every level with a weight, and the boxes that both networks put out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pidkit.arguments import items_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, counted_pair, mean_square
from pidkit.distill.places import LayerPair, widened
from pidkit.errors import InputError


class FeaturePyramid(Objective):
    """A pyramid's levels and boxes: sum_l w_l mean (T_l - r_l(S_l))^2 + w mean smoothL1(b_S - b_T).

    r_l is a learned 1x1 convolution where a level has other channels in the student, and nothing where it has the same.
    b_T and b_S are the outputs of the layers that predict boxes, and smoothL1(d) is d^2 / 2 up to abs(d) = 1 and
    abs(d) - 1/2 beyond, as boxes are regressed to their truth.

    Parameters
    ----------
    pairs : sequence of LayerPair
        The levels.
    weights : sequence of float, optional
        w_l; None weighs each by 1.
    localisation : LayerPair, optional
        The layers that put out boxes, of one shape. None leaves the term out.
    weight_localisation : float
        w.

    Attributes
    ----------
    regressors : nn.ModuleList
        r_l, in the group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, the levels of a pair have different places, there is not a weight a level, a weight is
        negative or not finite, or the boxes have different shapes.

    Notes
    -----
    `tap` takes networks that return logits. Of a detector that returns boxes and classes in a dictionary, return the
    classes and tap the layer that puts out the boxes.

    Source: Goswami, "Notes on distillation", 2025, eq. 20; Chen et al., "Learning efficient object detection models
    with knowledge distillation", NeurIPS 2017, for hints and boxes.

    Examples
    --------
    >>> levels = [LayerPair("p3", "p3", (8, 4, 4), (8, 4, 4)), LayerPair("p4", "p4", (8, 2, 2), (4, 2, 2))]
    >>> boxes = LayerPair("boxes", "boxes", (4, 4, 4), (4, 4, 4))
    >>> [type(r).__name__ for r in FeaturePyramid(levels, [1.0, 0.5], localisation=boxes).regressors]
    ['Identity', 'Conv1d']
    """

    def __init__(
        self,
        pairs: Iterable[LayerPair],
        weights: Sequence[float] | None = None,
        *,
        localisation: LayerPair | None = None,
        weight_localisation: float = 1.0,
    ) -> None:
        """Build a regressor for each level that needs one."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            _ = pair.n_places  # refuses levels without common places
        given = [1.0] * len(self.pairs) if weights is None else items_of("weights", weights)
        if len(given) != len(self.pairs):
            raise InputError(f"weights must have one entry a level, {len(self.pairs)}, not {len(given)}")
        self.weights = tuple(real_number("every one of weights", one, least=0.0) for one in given)
        self.weight_localisation = real_number("weight_localisation", weight_localisation, least=0.0)
        self.localisation = None if localisation is None else checked_pairs([localisation])[0]
        if self.localisation is not None and self.localisation.teacher_shape != self.localisation.student_shape:
            raise InputError(f"localisation holds {self.localisation}; boxes are compared number by number")
        channels = [(pair.student_channels, pair.teacher_channels) for pair in self.pairs]
        self.regressors = nn.ModuleList(
            nn.Identity() if ours == theirs else nn.Conv1d(ours, theirs, 1) for ours, theirs in channels
        )

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the weighted squared errors of the levels, and the distance of the boxes."""
        total = batch.zero()
        for pair, weight, regressor in zip(self.pairs, self.weights, self.regressors, strict=True):
            teacher, student = counted_pair(batch, pair)
            total = total + weight * mean_square(teacher, regressor(student))
        if self.localisation is not None:
            theirs = widened(batch.teacher.layer(self.localisation.teacher_layer).detach())
            ours = widened(batch.student.layer(self.localisation.student_layer))
            with torch.autocast(ours.device.type, enabled=False):
                total = total + self.weight_localisation * functional.smooth_l1_loss(ours, theirs)
        return total
