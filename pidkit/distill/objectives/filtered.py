"""The parts of RID: a filter a layer, a head for the teacher's, weights of the channels, and what a log shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from torch import Tensor, nn

from pidkit.arguments import check_count, flag, one_of
from pidkit.distill.batch import Batch
from pidkit.distill.channel_weights import ChannelWeights, SigmaRule
from pidkit.distill.filters import ClassHead, Filter, FilteredPair
from pidkit.distill.labels import cross_entropy
from pidkit.distill.objective import Objective, frozen
from pidkit.distill.padding import only_counted, put_back
from pidkit.distill.pairing import LossReduction, checked_pairs, counted_of, n_counted
from pidkit.distill.places import LayerPair, as_places, widened


class FilteredObjective(Objective):
    """The base of objectives that compare f_t(T) with f_s(S), g_t(f_t(T)) being fitted to the labels; see `RID`."""

    def __init__(
        self,
        pairs: Iterable[LayerPair],
        *,
        n_classes: int,
        sigma: SigmaRule,
        head_pool: bool,
        momentum: float,
        initial_sigma: float,
        widening: int,
        reduction: LossReduction,
    ) -> None:
        """Build filters, heads and weights for every pair."""
        super().__init__()
        widening = check_count("widening", widening)
        self.reduction = one_of("reduction", reduction, get_args(LossReduction))
        self.pairs = checked_pairs(pairs)
        flag("head_pool", head_pool)
        widths = [(pair.teacher_channels, pair.student_channels) for pair in self.pairs]
        self.teacher_filters = nn.ModuleList(Filter(theirs, ours, width=theirs) for theirs, ours in widths)
        self.student_filters = nn.ModuleList(Filter(ours, ours, width=widening * ours) for _, ours in widths)
        self.heads = nn.ModuleList(
            ClassHead(pair.student_channels, pair.n_places, n_classes, pool=head_pool) for pair in self.pairs
        )
        self.sigmas = ChannelWeights(
            self.pairs, sigma, initial_sigma=initial_sigma, momentum=momentum, reduction=self.reduction
        )

    def filtered(self, batch: Batch) -> list[FilteredPair]:
        """Return f_t(T), f_s(S) and sigma of every pair, in eval mode and without gradients; nothing changes."""
        found = []
        with frozen(self):
            for k, pair in enumerate(self.pairs):
                counted = counted_of(batch, pair)
                teacher, student = self._filtered_teacher(k, batch), self._filtered_student(k, batch)
                sides = put_back(teacher, counted), put_back(student, counted)
                sigma = self.sigmas.sigma(k, n_counted(batch, teacher))
                found.append(FilteredPair(pair, *sides, sigma, counted))
        return found

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
        return groups if self.scales is None else {**groups, "sigma": list(self.sigmas.parameters())}

    @property
    def scales(self) -> nn.ModuleList | None:
        """Return the learned weights, one module for each pair; None where they are not learned."""
        return self.sigmas.scales

    @property
    def running_v(self) -> list[Tensor]:
        """Return the running means of v, one for each pair; none where sigma is learned."""
        return self.sigmas.running_v

    def _filtered_teacher(self, k: int, batch: Batch) -> Tensor:
        """Return f_t of the places that count: `only_counted`."""
        layer = batch.teacher.layer(self.pairs[k].teacher_layer).detach()
        return widened(self.teacher_filters[k](only_counted(as_places(layer), counted_of(batch, self.pairs[k]))))

    def _filtered_student(self, k: int, batch: Batch) -> Tensor:
        """Return f_s of the places that count."""
        layer = batch.student.layer(self.pairs[k].student_layer)
        return widened(self.student_filters[k](only_counted(as_places(layer), counted_of(batch, self.pairs[k]))))

    def _head_loss(self, k: int, teacher: Tensor, batch: Batch, labels: Tensor) -> Tensor:
        counted = counted_of(batch, self.pairs[k])
        return cross_entropy(self.heads[k](put_back(teacher, counted), counted), labels)
