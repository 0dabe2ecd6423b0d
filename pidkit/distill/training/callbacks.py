"""Callbacks at the end of an epoch, which cannot change the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phase
from pidkit.distill.training.history import EpochRecord
from pidkit.distill.training.processes import rank_and_size
from pidkit.nn.features import left_as_found


@dataclass(frozen=True)
class EpochEnd:
    """The argument of a callback at the end of an epoch.

    Attributes
    ----------
    epoch : int
    phase : Phase
    networks : Networks
    objective : Objective
    record : EpochRecord
    """

    epoch: int
    phase: Phase
    networks: Networks
    objective: Objective
    record: EpochRecord


Callback = Callable[[EpochEnd], object]
"""A function called at the end of an epoch; its return value is ignored."""


def call_back(callbacks: Iterable[Callback], end: EpochEnd) -> None:
    """Call all callbacks in the first process, the networks in eval mode and without gradients; then restore them."""
    if rank_and_size()[0] == 0:
        with left_as_found(end.networks, end.objective):
            for callback in callbacks:
                callback(end)
