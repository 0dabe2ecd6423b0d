"""Detect losses and gradients that are not finite, and stop the run with a message that says where."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from pidkit.distill.phases import Phase
from pidkit.distill.training.optimisers import learning_rates
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.processes import summed
from pidkit.errors import DivergenceError


class Watch:
    """Collect the values of every step, and raise DivergenceError at the first that is not finite.

    On the CPU values are checked before the step is taken; on a GPU, and with several processes, where every check
    waits for the others, only every few steps.

    Parameters
    ----------
    epoch : int
    phase : Phase
    optimiser : Optimizer
    options : TrainerOptions
        The optimiser and the options are needed for the remedies that the message names.
    every : int
        Steps between two checks.
    """

    def __init__(self, *, epoch: int, phase: Phase, optimiser: Optimizer, options: TrainerOptions, every: int) -> None:
        """Start an epoch."""
        self._epoch, self._phase, self._optimiser, self._clip_norm = epoch, phase, optimiser, options.clip_norm
        self._every = every
        self._seen: list[tuple[int, list[str], Tensor]] = []

    def see(self, step: int, values: dict[str, Tensor]) -> None:
        """Note the values of a step, and check when it is time."""
        stacked = torch.stack([value.detach().double() for value in values.values()])
        self._seen.append((step, [*values], stacked))
        if len(self._seen) >= self._every:
            self.check()

    def check(self) -> None:
        """Check the values noted since the last time.

        Raises
        ------
        DivergenceError
            If one is not finite, here or in another process.
        """
        seen, self._seen = self._seen, []
        if not seen:
            return
        here = torch.stack([(~torch.isfinite(values)).any() for _, _, values in seen]).sum()
        if int(summed(here)) == 0:
            return
        for step, names, values in seen:
            bad = [f"{name} = {value}" for name, value in zip(names, values.tolist(), strict=True) if _odd(value)]
            if bad:
                self._stop(f"not finite in step {step}: {', '.join(bad)}")
        self._stop(f"not finite in another process, in the steps {seen[0][0]} to {seen[-1][0]}")

    def _stop(self, what: str) -> None:
        # Those that have gradients are those that learn in this phase.
        learning = {
            group["name"] for group in self._optimiser.param_groups if any(p.grad is not None for p in group["params"])
        }
        now = learning_rates(self._optimiser)
        rates = ", ".join(f"{name} {rate:g}" for name, rate in now.items() if name in learning)
        clip = "set clip_norm" if self._clip_norm is None else f"clip_norm (now {self._clip_norm:g})"
        raise DivergenceError(
            f"training diverged in epoch {self._epoch} ({self._phase.value} phase), {what}; lower the learning rate "
            f"(now {rates}) or {clip}. A checkpoint, where there is one, is still that of the epoch before"
        )


def _odd(value: float) -> bool:
    return not (abs(value) < float("inf"))
