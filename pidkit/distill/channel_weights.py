"""The weights sigma of the channels by which RID divides squared differences: learned, or the best in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from pidkit.arguments import one_of, real_number
from pidkit.distill.filters import SIGMA_FLOOR, PositiveScale
from pidkit.distill.pairing import LossReduction
from pidkit.distill.places import LayerPair

SigmaRule = Literal["learned", "closed-form"]
"""How the weights sigma of the channels are found: by gradients, as in the paper, or as the minimiser for the batch."""


class ChannelWeights(nn.Module):
    """One positive weight for each of the student's channels of every pair, with or without parameters.

    Parameters
    ----------
    pairs : sequence of LayerPair
    rule : "learned" or "closed-form"
        Learned: `PositiveScale`. Closed form: the minimiser of sigma^2 + v / sigma, (v / 2)^(1/3), no less than the
        floor, with v the mean square of a channel; of P v for losses that are sums over P places.
    initial_sigma : float
        Where learned weights start.
    momentum : float
        Weight of the past in the running mean of v, which is what a phase without a batch of its own takes.
    reduction : "mean" or "sum"

    Source: Dissanayake et al., AISTATS 2025, eq. 12 and 13; the closed form is pidkit's.
    """

    def __init__(
        self,
        pairs: Sequence[LayerPair],
        rule: SigmaRule,
        *,
        initial_sigma: float,
        momentum: float,
        reduction: LossReduction,
    ) -> None:
        """Build the scales, or start the running means at 2, where sigma is 1."""
        super().__init__()
        initial_sigma = real_number("initial_sigma", initial_sigma, above=SIGMA_FLOOR)
        one_of("sigma", rule, get_args(SigmaRule))
        self.momentum = real_number("momentum", momentum, least=0.0, below=1.0)
        for pair in pairs:
            _ = pair.n_places  # refuses pairs without common places
        self._of_sums = reduction == "sum"
        widths = [pair.student_channels for pair in pairs]
        self._n_pairs = len(widths)
        self.scales: nn.ModuleList | None = None
        if rule == "learned":
            self.scales = nn.ModuleList(PositiveScale(width, initial=initial_sigma) for width in widths)
        else:
            for k, width in enumerate(widths):
                self.register_buffer(f"_running_v_{k}", torch.full((width,), 2.0))
            self.register_buffer("_n_seen", torch.zeros((), dtype=torch.int64))

    @property
    def running_v(self) -> list[Tensor]:
        """Return the running means of v, one for each pair; none where sigma is learned."""
        return [] if self.scales is not None else [self.get_buffer(f"_running_v_{k}") for k in range(self._n_pairs)]

    def sigma(self, k: int, places: float) -> Tensor:
        """Return the learned weights of a pair, or those of its running mean for so many places a sample."""
        if self.scales is None:
            return self._best(self.running_v[k], places)
        learned: Tensor = self.scales[k]()
        return learned

    def sigma_for(self, v: Tensor, *, k: int, places: float) -> Tensor:
        """Return the learned weights of a pair, or the best for mean squares v of shape (channels,) of so many places.

        Where places are padding, `places` is the number of the others, the mean over the samples.
        """
        # By the envelope theorem, the gradient through a closed-form sigma is zero where it is the minimiser; left out,
        # it does no harm at v = 0 and at the floor.
        return self._best(v.detach(), places) if self.scales is None else self.sigma(k, places)

    @torch.no_grad()
    def remember(self, seen: Sequence[Tensor]) -> None:
        """Take the mean squares of a step into the running means, where there are any."""
        if self.scales is not None:
            return
        n_seen = self.get_buffer("_n_seen")
        for running, v in zip(self.running_v, seen, strict=True):
            # No branch on the buffer, which would make a GPU wait.
            mean = running.lerp(v.to(running), 1.0 - self.momentum)
            running.copy_(torch.where(n_seen > 0, mean, v.to(running)))
        n_seen.add_(1)

    def _best(self, v: Tensor, places: float) -> Tensor:
        return (0.5 * (places if self._of_sums else 1.0) * v).pow(1.0 / 3.0).clamp_min(SIGMA_FLOOR)
