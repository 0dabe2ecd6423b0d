"""RID: redundant information distillation. Filters keep what layers tell about the labels; the student matches them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from pidkit.distill.batch import Batch
from pidkit.distill.channel_weights import SigmaRule
from pidkit.distill.objective import frozen
from pidkit.distill.objectives.filtered import FilteredObjective
from pidkit.distill.pairing import LossReduction, n_counted
from pidkit.distill.places import LayerPair


class RID(FilteredObjective):
    """Redundant information distillation, with V = f_t(T) - f_s(S) for every pair of layers.

    Warm-up: sum_k CE(Y, g_t(f_t(T))). Teacher filter: the same + mean(V^2 / sigma_c), f_s and sigma frozen (eq. 11).
    Student: sum_k mean_c sigma_c^2 + mean(V^2 / sigma_c), f_t and g_t frozen (eq. 12 and 13). The student's own
    cross-entropy, the first term of eq. 12, is a `CrossEntropy` beside this one in a `WeightedSum`.

    Parameters
    ----------
    pairs : iterable of LayerPair
        Each of layers with the same places.
    n_classes : int
    sigma : "learned" or "closed-form"
        Learned: softplus plus a floor, from 1. Closed form: the minimiser for the batch, sigma_c = (v_c / 2)^(1/3) with
        v_c the mean of V_c^2 (and no less than the floor), the value mean_c 3 (v_c / 2)^(2/3), and one thing less to
        learn.
    head_pool : bool
        Average over the places before the linear layer of g_t; False flattens them.
    momentum : float
        Weight of the past in the running mean of v, closed form only: 0 <= momentum < 1.
    initial_sigma : float
        Where a learned sigma starts; 5 in the published code.
    widening : int
        Hidden channels of f_s, as a multiple of the student's channels; 2 in the published code.
    reduction : "mean" or "sum"
        Over channels and places: the means above, as in the published code, or the sums that are printed,
        sum_c sigma_c^2 + sum V^2 / sigma_c, always the mean over samples.

    Attributes
    ----------
    running_v : list of Tensor, shape (channels,)
        Closed form: the running mean of v in the student's phase, a buffer, from which the teacher's filter takes its
        frozen sigma. It starts at 2, sigma = 1; the first batch replaces that.

    Raises
    ------
    InputError
        If there are no pairs, a pair's layers do not have the same places (both are named), or an option is not one of
        its values.

    Notes
    -----
    The paper prints sums over channels and places; its published code takes means, and its weights, 10 for this loss,
    go with the means as they are. Neither width nor resolution then changes what a weight stands for. At the best sigma
    the sums over C channels and P places come to C P^(2/3) times the means, and their sigma is P^(1/3) times as large:
    that is what reduction="sum" multiplies, and no factor to convert a published weight by.

    The loss is not scale invariant: a filter f_t can shrink to zero. Watch `FilteredPair.teacher_std`. A learned sigma
    is fragile at a high learning rate; clip gradients, or use the closed form.

    In several processes the closed form is that of each process's share of the batch. DistributedDataParallel sends
    the running mean of the first process to all.

    Source: Dissanayake et al., Quantifying knowledge distillation using partial information decomposition, AISTATS
    2025, Algorithm 1, eq. 11 to 13.

    Examples
    --------
    >>> import torch
    >>> from pidkit.distill import LayerPair, Outputs, Phase
    >>> rid = RID([LayerPair("conv", "conv", (4, 3, 3), (2, 3, 3))], n_classes=10)
    >>> {group: len(parameters) for group, parameters in rid.groups().items()}
    {'teacher_filters': 7, 'student_filters': 5, 'sigma': 1}
    >>> student = Outputs(torch.ones(5, 10), {"conv": torch.ones(5, 2, 3, 3)})
    >>> batch = Batch(student, {"teacher": Outputs(torch.ones(5, 10), {"conv": torch.ones(5, 4, 3, 3)})})
    >>> rid(batch, torch.arange(5), Phase.STUDENT).shape
    torch.Size([])
    """

    def __init__(
        self,
        pairs: Iterable[LayerPair],
        *,
        n_classes: int,
        sigma: SigmaRule = "learned",
        head_pool: bool = True,
        momentum: float = 0.9,
        initial_sigma: float = 1.0,
        widening: int = 1,
        reduction: LossReduction = "mean",
    ) -> None:
        """Build filters, heads and weights for every pair."""
        super().__init__(
            pairs,
            n_classes=n_classes,
            sigma=sigma,
            head_pool=head_pool,
            momentum=momentum,
            initial_sigma=initial_sigma,
            widening=widening,
            reduction=reduction,
        )

    def warm_up_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return sum_k CE(Y, g_t(f_t(T)))."""
        total = batch.zero()
        for k in range(len(self.pairs)):
            total = total + self._head_loss(k, self._filtered_teacher(k, batch), batch, labels)
        return total

    def teacher_filter_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return sum_k CE(Y, g_t(f_t(T))) + mean(V^2 / sigma_c), the student's side frozen (eq. 11)."""
        total = batch.zero()
        for k in range(len(self.pairs)):
            teacher = self._filtered_teacher(k, batch)
            places = n_counted(batch, teacher)
            with frozen(self.student_filters[k]):
                student, sigma = self._filtered_student(k, batch), self.sigmas.sigma(k, places)
            v = (teacher - student).square().mean((0, 2))
            total = total + self._head_loss(k, teacher, batch, labels)
            total = total + self._distance(v / sigma, places)
        return total

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return sum_k mean_c sigma_c^2 + mean(V^2 / sigma_c), the teacher's side frozen (eq. 13)."""
        total = batch.zero()
        seen = []
        for k in range(len(self.pairs)):
            with frozen(self.teacher_filters[k]):
                teacher = self._filtered_teacher(k, batch)
            v = (teacher - self._filtered_student(k, batch)).square().mean((0, 2))
            seen.append(v.detach())
            places = n_counted(batch, teacher)
            sigma = self.sigmas.sigma_for(v, k=k, places=places)
            sizes = sigma.square().mean() if self.reduction == "mean" else sigma.square().sum()
            total = total + sizes + self._distance(v / sigma, places)
        if self.training:
            self.sigmas.remember(seen)
        return total

    def _distance(self, ratios: Tensor, places: float) -> Tensor:
        """Return the mean of v_c / sigma_c over the channels, or the sum over channels and places."""
        return ratios.mean() if self.reduction == "mean" else places * ratios.sum()
