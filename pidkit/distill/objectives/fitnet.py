"""FitNet: one network's layer predicts the other's through a learned linear regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn

from pidkit.arguments import flag, one_of
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import LossReduction, checked_pairs, counted_pair, mean_square, n_counted
from pidkit.distill.places import LayerPair

Side = Literal["student", "teacher"]
"""The network whose layer is mapped into the other's space."""


class FitNet(Objective):
    """FitNet's hint: sum_pairs mean (T - r(S))^2, r a learned linear map of the channels, the same at every place.

    r is a 1x1 convolution for maps and a linear layer for vectors and tokens. Means over samples, channels and places:
    resolution does not change what a weight means (the literature's 100 goes with means). With projects="teacher" it is
    mean (r(T) - S)^2, into the student's space: then a student whose layer shrinks to what r predicts easily, zero at
    last, lowers the loss as well, and only the other terms of the loss hold against it.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Such as `networks.pairs`. Both layers of a pair need the same places.
    bias : bool
        Whether the regressors add a constant a channel.
    projects : "student" or "teacher"
        Whose layer the regressor maps.
    reduction : "mean" or "sum"
        The mean, or as printed, 1/2 of the sum over channels and places of the squares, the mean over samples:
        channels x places / 2 times as much.

    Attributes
    ----------
    regressors : nn.ModuleList
        One for each pair, in the group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, a pair cannot be compared place by place, or an option is not one of its values.

    Source: Romero et al., "FitNets: hints for thin deep nets", ICLR 2015, eq. 3; Goswami, "Notes on distillation",
    2025, eq. 5, for the projection of the teacher.

    Examples
    --------
    >>> hint = FitNet([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))])
    >>> hint.regressors[0].weight.shape
    torch.Size([8, 3, 1])
    """

    def __init__(
        self,
        pairs: Sequence[LayerPair],
        *,
        bias: bool = True,
        projects: Side = "student",
        reduction: LossReduction = "mean",
    ) -> None:
        """Build a regressor for each pair."""
        super().__init__()
        self.projects = one_of("projects", projects, get_args(Side))
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            _ = pair.n_places  # refuses pairs without common places
        self.regressors = nn.ModuleList(
            nn.Conv1d(*self._widths(pair), 1, bias=flag("bias", bias)) for pair in self.pairs
        )

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the squared errors of the regressors."""
        total = batch.zero()
        for pair, regressor in zip(self.pairs, self.regressors, strict=True):
            teacher, student = counted_pair(batch, pair)
            if self.projects == "student":
                error = mean_square(teacher, regressor(student))
            else:
                error = mean_square(regressor(teacher), student)
            size = 1.0 if self.reduction == "mean" else 0.5 * self._widths(pair)[1] * n_counted(batch, student)
            total = total + size * error
        return total

    def _widths(self, pair: LayerPair) -> tuple[int, int]:
        """Return the channels that a regressor maps from and to."""
        theirs, ours = pair.teacher_channels, pair.student_channels
        return (ours, theirs) if self.projects == "student" else (theirs, ours)
