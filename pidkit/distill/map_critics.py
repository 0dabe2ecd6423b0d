"""Critics that keep the places of maps apart, and the two objectives of mutual information that MIMKD takes of them."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

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


def jsd_of_places(critic: Any, a: Tensor, b: Tensor, shift: int) -> Tensor:
    """Return the Jensen-Shannon objective of pairs (a_i, b_i) against (a_i, b_(i + shift)), the mean over places."""
    positives, negatives = widened(critic.diagonals(a, b, (0, shift)))
    return jsd_of_pairs(positives, negatives).mean()
