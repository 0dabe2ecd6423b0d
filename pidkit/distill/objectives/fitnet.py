"""FitNet: the student's layer predicts the teacher's through a learned linear regressor."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pidkit.arguments import flag
from pidkit.distill.batch import Batch
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, mean_square, paired_places
from pidkit.distill.places import LayerPair


class FitNet(Objective):
    """FitNet's hint: sum_pairs mean (T - r(S))^2, r a learned linear map of the channels, the same at every place.

    r is a 1x1 convolution for maps and a linear layer for vectors and tokens. Means over samples, channels and places:
    resolution does not change what a weight means (the literature's 100 goes with means).

    Parameters
    ----------
    pairs : sequence of LayerPair
        Such as `networks.pairs`. Both layers of a pair need the same places.
    bias : bool
        Whether the regressors add a constant a channel.

    Attributes
    ----------
    regressors : nn.ModuleList
        One for each pair, in the group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, or a pair cannot be compared place by place.

    Source: Romero et al., "FitNets: hints for thin deep nets", ICLR 2015, eq. 3.

    Examples
    --------
    >>> hint = FitNet([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))])
    >>> hint.regressors[0].weight.shape
    torch.Size([8, 3, 1])
    """

    def __init__(self, pairs: Sequence[LayerPair], *, bias: bool = True) -> None:
        """Build a regressor for each pair."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        for pair in self.pairs:
            _ = pair.n_places  # refuses pairs without common places
        self.regressors = nn.ModuleList(
            nn.Conv1d(pair.student_channels, pair.teacher_channels, 1, bias=flag("bias", bias)) for pair in self.pairs
        )

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the squared errors of the regressors."""
        total = batch.zero()
        for pair, regressor in zip(self.pairs, self.regressors, strict=True):
            teacher, student = paired_places(batch, pair)
            total = total + mean_square(teacher, regressor(student))
        return total
