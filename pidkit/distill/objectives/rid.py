"""RID: redundant information distillation. Filters keep what layers tell about the labels; the student matches them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, flag, one_of, real_number
from pidkit.distill.batch import Batch
from pidkit.distill.filters import SIGMA_FLOOR, ClassHead, Filter, PositiveScale
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.pairing import LossReduction, checked_pairs
from pidkit.distill.places import LayerPair, as_places, widened

SigmaRule = Literal["learned", "closed-form"]
"""How the weights sigma of the channels are found: by gradients, as in the paper, or as the minimiser for the batch."""


class FilteredPair(NamedTuple):
    """The filtered outputs of a pair of layers, and the weights of their difference.

    Attributes
    ----------
    pair : LayerPair
    teacher : Tensor, shape (n, channels, places)
        f_t(T).
    student : Tensor, shape (n, channels, places)
        f_s(S).
    sigma : Tensor, shape (channels,)
    """

    pair: LayerPair
    teacher: Tensor
    student: Tensor
    sigma: Tensor

    @property
    def residual(self) -> Tensor:
        """Return eps = f_t(T) - f_s(S), of which RID assumes I(eps; Y | f_s(S)) = 0."""
        return self.teacher - self.student

    @property
    def teacher_std(self) -> float:
        """Return the root mean square deviation of f_t(T) from its channels' means; near 0 the filter has collapsed."""
        return float(self.teacher.var(dim=(0, 2), correction=0).mean().sqrt())


class RID(Objective):
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
    >>> from pidkit.distill import Outputs, Phase
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
        super().__init__()
        initial_sigma = real_number("initial_sigma", initial_sigma, above=SIGMA_FLOOR)
        widening = check_count("widening", widening)
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.pairs = checked_pairs(pairs)
        one_of("sigma", sigma, get_args(SigmaRule))
        self.momentum = real_number("momentum", momentum, least=0.0, below=1.0)
        flag("head_pool", head_pool)
        widths = [(pair.teacher_channels, pair.student_channels) for pair in self.pairs]
        self.teacher_filters = nn.ModuleList(Filter(theirs, ours, width=theirs) for theirs, ours in widths)
        self.student_filters = nn.ModuleList(Filter(ours, ours, width=widening * ours) for _, ours in widths)
        self.heads = nn.ModuleList(
            ClassHead(pair.student_channels, pair.n_places, n_classes, pool=head_pool) for pair in self.pairs
        )
        self.scales: nn.ModuleList | None = None
        if sigma == "learned":
            self.scales = nn.ModuleList(PositiveScale(ours, initial=initial_sigma) for _, ours in widths)
        else:
            for k, (_, ours) in enumerate(widths):
                self.register_buffer(f"_running_v_{k}", torch.full((ours,), 2.0))
            self.register_buffer("_n_seen", torch.zeros((), dtype=torch.int64))

    def warm_up_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return sum_k CE(Y, g_t(f_t(T)))."""
        total = batch.zero()
        for k in range(len(self.pairs)):
            total = total + self._head_loss(k, self._filtered_teacher(k, batch), labels)
        return total

    def teacher_filter_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return sum_k CE(Y, g_t(f_t(T))) + mean(V^2 / sigma_c), the student's side frozen (eq. 11)."""
        total = batch.zero()
        for k in range(len(self.pairs)):
            teacher = self._filtered_teacher(k, batch)
            with frozen(self.student_filters[k]):
                student, sigma = self._filtered_student(k, batch), self._sigma(k)
            v = (teacher - student).square().mean((0, 2))
            total = total + self._head_loss(k, teacher, labels) + self._distance(k, v / sigma)
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
            # By the envelope theorem, the gradient through a closed-form sigma is zero where it is the minimiser; left
            # out, it does no harm at v = 0 and at the floor.
            sigma = self._sigma(k) if self.scales is not None else self._best_sigma(k, v.detach())
            sizes = sigma.square().mean() if self.reduction == "mean" else sigma.square().sum()
            total = total + sizes + self._distance(k, v / sigma)
        if self.scales is None and self.training:
            self._remember(seen)
        return total

    def filtered(self, batch: Batch) -> list[FilteredPair]:
        """Return f_t(T), f_s(S) and sigma of every pair, in eval mode and without gradients; nothing changes."""
        with frozen(self):
            return [
                FilteredPair(pair, self._filtered_teacher(k, batch), self._filtered_student(k, batch), self._sigma(k))
                for k, pair in enumerate(self.pairs)
            ]

    def diagnostics(self, batch: Batch) -> dict[str, float]:
        """Return what a log should show of every pair: the standard deviation of f_t(T) and the mean sigma.

        The keys are such as "std f_t conv1 > conv1" and "sigma conv1 > conv1".
        """
        shown = {}
        for filtered in self.filtered(batch):
            name = f"{filtered.pair.teacher_layer} > {filtered.pair.student_layer}"
            shown[f"std f_t {name}"], shown[f"sigma {name}"] = filtered.teacher_std, float(filtered.sigma.mean())
        return shown

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return f_t and g_t, f_s, and sigma where it is learned."""
        groups = {
            "teacher_filters": [*self.teacher_filters.parameters(), *self.heads.parameters()],
            "student_filters": list(self.student_filters.parameters()),
        }
        return groups if self.scales is None else {**groups, "sigma": list(self.scales.parameters())}

    @property
    def running_v(self) -> list[Tensor]:
        """Return the running means of v, one for each pair; none where sigma is learned."""
        return [] if self.scales is not None else [self.get_buffer(f"_running_v_{k}") for k in range(len(self.pairs))]

    def _filtered_teacher(self, k: int, batch: Batch) -> Tensor:
        layer = as_places(batch.teacher.layer(self.pairs[k].teacher_layer)).detach()
        return widened(self.teacher_filters[k](layer))

    def _filtered_student(self, k: int, batch: Batch) -> Tensor:
        layer = as_places(batch.student.layer(self.pairs[k].student_layer))
        return widened(self.student_filters[k](layer))

    def _head_loss(self, k: int, teacher: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(self.heads[k](teacher), labels)

    def _sigma(self, k: int) -> Tensor:
        """Return the learned weights, or those of the running mean."""
        if self.scales is None:
            return self._best_sigma(k, self.running_v[k])
        sigma: Tensor = self.scales[k]()
        return sigma

    def _best_sigma(self, k: int, v: Tensor) -> Tensor:
        """Return the minimiser of sigma^2 + v / sigma, (v / 2)^(1/3), no less than the floor; P v for v with sums."""
        total = v if self.reduction == "mean" else self.pairs[k].n_places * v
        return (0.5 * total).pow(1.0 / 3.0).clamp_min(SIGMA_FLOOR)

    def _distance(self, k: int, ratios: Tensor) -> Tensor:
        """Return the mean of v_c / sigma_c over the channels, or the sum over channels and places."""
        return ratios.mean() if self.reduction == "mean" else self.pairs[k].n_places * ratios.sum()

    @torch.no_grad()
    def _remember(self, seen: list[Tensor]) -> None:
        n_seen = self.get_buffer("_n_seen")
        for running, v in zip(self.running_v, seen, strict=True):
            # No branch on the buffer, which would make a GPU wait.
            mean = running.lerp(v.to(running), 1.0 - self.momentum)
            running.copy_(torch.where(n_seen > 0, mean, v.to(running)))
        n_seen.add_(1)
