"""Task-aware layer-wise distillation: filter both networks for the labels, then match the filtered layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from torch import Tensor, nn

from pidkit.arguments import flag, one_of
from pidkit.distill.batch import Batch
from pidkit.distill.filters import ClassHead, Filter
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.padding import put_back
from pidkit.distill.pairing import LossReduction, checked_pairs, counted_of, counted_pair, mean_square, n_counted
from pidkit.distill.places import LayerPair


class TED(Objective):
    """Task-aware layer-wise distillation: filters learn the labels first, then sum_pairs mean (f_t(T) - f_s(S))^2.

    - Warm-up (stage 1), both networks frozen: sum_pairs CE(labels, g_t(f_t(T))) + CE(labels, g_s(f_s(S))).
    - Student (stage 2), f_t frozen, the heads g unused: sum_pairs mean (f_t(T) - f_s(S))^2; f_s goes on learning.
    - No part in the teacher-filter phase: use `Phases(warm_up=n)` with no teacher_share.

    Means over samples, channels and places: resolution does not change what a weight means.

    Parameters
    ----------
    pairs : sequence of LayerPair
        Both layers of a pair need the same places.
    n_classes : int
    pool : bool
        Whether the heads average over the places, or see them flattened.
    reduction : "mean" or "sum"
        Of the student's loss over channels and places: the mean, as the published code, or the sum, as printed.

    Attributes
    ----------
    teacher_filters, teacher_heads : nn.ModuleList
        f_t, from the teacher's channels to the student's, and g_t; group "teacher_filters".
    student_filters, student_heads : nn.ModuleList
        f_s, from the student's channels to the student's, and g_s; group "student_filters".

    Raises
    ------
    InputError
        If there are no pairs, a pair cannot be compared place by place, `n_classes` is below 2, or `reduction` is
        unknown.

    Notes
    -----
    The student to begin with is one that was trained without distillation: an untrained one gives its filters random
    features to learn from in stage 1.

    Source: Liang et al., "Less is more: task-aware layer-wise distillation", ICML 2023; Dissanayake et al.,
    AISTATS 2025, eq. 45 and 46.

    Examples
    --------
    >>> ted = TED([LayerPair("conv", "conv", (8, 4, 4), (3, 4, 4))], n_classes=10)
    >>> {group: len(parameters) for group, parameters in ted.groups().items()}
    {'teacher_filters': 7, 'student_filters': 7}
    """

    def __init__(
        self, pairs: Sequence[LayerPair], *, n_classes: int, pool: bool = True, reduction: LossReduction = "mean"
    ) -> None:
        """Build a filter and a head for both layers of each pair."""
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.pairs = checked_pairs(pairs)
        places = [pair.n_places for pair in self.pairs]
        ours = [pair.student_channels for pair in self.pairs]
        theirs = [pair.teacher_channels for pair in self.pairs]
        self.teacher_filters = nn.ModuleList(Filter(c_t, c_s) for c_t, c_s in zip(theirs, ours, strict=True))
        self.student_filters = nn.ModuleList(Filter(c_s, c_s) for c_s in ours)
        self.teacher_heads, self.student_heads = (
            nn.ModuleList(
                ClassHead(c, n, n_classes, pool=flag("pool", pool)) for c, n in zip(ours, places, strict=True)
            )
            for _ in range(2)
        )

    def warm_up_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the cross-entropies of the heads on both filtered layers, neither network getting a gradient."""
        total = batch.zero()
        for k, pair in enumerate(self.pairs):
            teacher, student = counted_pair(batch, pair)
            counted = counted_of(batch, pair)
            of_teacher = put_back(self.teacher_filters[k](teacher), counted)
            of_student = put_back(self.student_filters[k](student.detach()), counted)
            from_teacher = self.teacher_heads[k](of_teacher, counted)
            from_student = self.student_heads[k](of_student, counted)
            total = total + cross_entropy(from_teacher, labels)
            total = total + cross_entropy(from_student, labels)
        return total

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return the mean squares between the filtered layers, the teacher's filters frozen."""
        total = batch.zero()
        for k, pair in enumerate(self.pairs):
            teacher, student = counted_pair(batch, pair)
            with frozen(self.teacher_filters[k]):
                target = self.teacher_filters[k](teacher)
            size = 1 if self.reduction == "mean" else pair.student_channels * n_counted(batch, teacher)
            total = total + size * mean_square(target, self.student_filters[k](student))
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the filters with their heads, the teacher's and the student's."""
        return {
            "teacher_filters": [*self.teacher_filters.parameters(), *self.teacher_heads.parameters()],
            "student_filters": [*self.student_filters.parameters(), *self.student_heads.parameters()],
        }
