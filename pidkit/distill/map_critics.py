"""Critics that keep the places of maps apart, and the two objectives of mutual information that MIMKD takes of them."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from pidkit.distill.feature_bank import FeatureBank
from pidkit.distill.places import widened
from pidkit.mi.neural.bounds import infonce, jsd_of_pairs
from pidkit.mi.neural.critics import ConcatenateAndConvolve, ProjectAndDot

MapCriticName = Literal["project-and-dot", "concatenate-and-convolve"]
"""The critics that keep places, by name."""

MAP_CRITICS: dict[str, type[ProjectAndDot] | type[ConcatenateAndConvolve]] = {
    "project-and-dot": ProjectAndDot,
    "concatenate-and-convolve": ConcatenateAndConvolve,
}
"""The critics that keep places apart, by name."""


def global_bound(critic: Any, theirs: Tensor, ours: Tensor, bank: FeatureBank, *, feed: bool) -> Tensor:
    """Return InfoNCE of a batch of vectors, the bank's being further negatives; then feed the batch to the bank."""
    # A copy of the bank, which may change before the backward pass.
    candidates = torch.cat([theirs, bank.filled().to(theirs)])
    scores = widened(critic(ours, candidates))
    if feed:
        bank.push(theirs)
    return infonce(scores).mean()


def jsd_of_places(critic: Any, a: Tensor, b: Tensor, shift: int, counted: Tensor | None = None) -> Tensor:
    """Return the Jensen-Shannon objective of pairs (a_i, b_i) against (a_i, b_(i + shift)), the mean over places.

    Of padded sequences those pairs count whose place does in both samples, `counted` (n, places); a shift at which no
    two samples share a place leaves the expectation over the negatives out.
    """
    positives, negatives = widened(critic.diagonals(a, b, (0, shift)))
    if counted is None:
        return jsd_of_pairs(positives, negatives).mean()
    here = counted.T
    both = here & (here.roll(-shift, 1) if b.ndim > 2 else here)
    joint, apart = -functional.softplus(-positives[here]), -functional.softplus(negatives[both])
    return joint.mean() + apart.sum() / max(int(both.sum()), 1)
