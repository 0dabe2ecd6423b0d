"""Variational information distillation: a Gaussian model of the teacher's layer given the student's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from torch import Tensor, nn

from pidkit.arguments import one_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.filters import SIGMA_FLOOR, Filter, PositiveScale
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import LossReduction, checked_pairs, counted_pair, n_counted
from pidkit.distill.places import LayerPair, widened


class VID(Objective):
    """Variational information distillation: sum_pairs mean_c ( log sigma_c + mean (T_c - mu(S)_c)^2 / (2 sigma_c^2) ).

    Up to the constant log(2 pi) / 2 the negative log likelihood, a channel and place, of the teacher's layer under a
    Gaussian whose mean mu is a small network of the student's layer: minimised, it raises a lower bound on I(T;S),
    whatever of T the labels need or not. Means over samples, channels and places: resolution does not change what a
    weight means. For given mu the best sigma_c^2 is the mean square error of channel c, where the loss is
    mean_c log sigma_c + 1/2.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Both layers of a pair need the same places.
    width : int, optional
        Hidden channels of mu; None takes the student's.
    depth : int
        Convolutions of mu; the RID paper has three.
    initial_sigma : float
        Where every sigma_c starts.
    reduction : "mean" or "sum"
        The mean over channels and places, as published codes, or their sum, as printed: channels x places times as
        much.

    Attributes
    ----------
    means : nn.ModuleList of Filter
        mu of each pair, group "student_filters".
    scales : nn.ModuleList of PositiveScale
        sigma of each pair, group "sigma": it has to reach the optimiser.

    Raises
    ------
    InputError
        If there are no pairs, a pair cannot be compared place by place, or an option is out of its range.

    Source: Ahn et al., "Variational information distillation", CVPR 2019; Dissanayake et al., AISTATS 2025, eq. 44.

    Examples
    --------
    >>> vid = VID([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))])
    >>> [tuple(parameter.shape) for parameter in vid.groups()["sigma"]]
    [(8,)]
    """

    def __init__(
        self,
        pairs: Sequence[LayerPair],
        *,
        width: int | None = None,
        depth: int = 2,
        initial_sigma: float = 1.0,
        reduction: LossReduction = "mean",
    ) -> None:
        """Build mu and sigma of each pair."""
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.pairs = checked_pairs(pairs)
        initial_sigma = real_number("initial_sigma", initial_sigma, above=SIGMA_FLOOR)
        for pair in self.pairs:
            _ = pair.n_places  # refuses pairs without common places
        self.means = nn.ModuleList(
            Filter(pair.student_channels, pair.teacher_channels, width=width, depth=depth) for pair in self.pairs
        )
        self.scales = nn.ModuleList(PositiveScale(pair.teacher_channels, initial=initial_sigma) for pair in self.pairs)

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the negative log likelihood of the teacher's layers, in nats a channel and place."""
        total = batch.zero()
        for pair, mean, scale in zip(self.pairs, self.means, self.scales, strict=True):
            teacher, student = counted_pair(batch, pair)
            size = 1 if self.reduction == "mean" else pair.teacher_channels * n_counted(batch, teacher)
            total = total + size * gaussian_nll(teacher - widened(mean(student)), scale())
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return mu's parameters as student_filters and sigma's as sigma."""
        return {"student_filters": list(self.means.parameters()), "sigma": list(self.scales.parameters())}


def gaussian_nll(error: Tensor, sigma: Tensor) -> Tensor:
    """Return mean_c ( log sigma_c + mean error_c^2 / (2 sigma_c^2) ) of errors (n, channels, places).

    Examples
    --------
    >>> import torch
    >>> gaussian_nll(torch.full((5, 1, 2), 3.0), torch.tensor([1.0]))
    tensor(4.5000)
    """
    return (sigma.log() + error.square().mean((0, 2)) / (2.0 * sigma.square())).mean()
