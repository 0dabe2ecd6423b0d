"""One epoch of training: take its batches step by step, check for divergence, and average over its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pidkit.arguments import integer_seed
from pidkit.distill.phases import Phase
from pidkit.distill.training.data import DataSplit, training_rows
from pidkit.distill.training.divergence import Watch
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.processes import rank_and_size, summed
from pidkit.distill.training.stepping import TERM, Stepper
from pidkit.errors import PidkitError
from pidkit.nn.seeding import seed_of

ORDER, LOADING, AUGMENTING = range(3)
"""The three uses of random numbers in an epoch: the order of the samples, their loading, their augmentation. Each has
a generator of its own, seeded by the seed of the run, the epoch and this number."""


@dataclass(frozen=True)
class EpochMeans:
    """The averages of an epoch over all processes.

    Attributes
    ----------
    loss : float
        The mean over the samples, the student as it trained.
    accuracy : float or None
        The share of the labels that it had right as it trained; None where there are none.
    terms : dict of str to float
        The same of every term of a `WeightedSum`.
    gradient_norm : float
        The largest.
    """

    loss: float
    accuracy: float | None
    terms: dict[str, float]
    gradient_norm: float


def epoch_rows(split: DataSplit, options: TrainerOptions, epoch: int) -> list[Tensor]:
    """Return this process's rows of every batch of an epoch; see `training_rows`."""
    rank, n_processes = rank_and_size()
    return training_rows(
        len(split),
        batch_size=options.batch_size,
        drop_last=options.drop_last,
        seed=seed_of(integer_seed(options.rng), epoch, ORDER),
        rank=rank,
        n_processes=n_processes,
    )


def train_epoch(
    stepper: Stepper,
    split: DataSplit,
    *,
    epoch: int,
    phase: Phase,
    before_step: Callable[[float], object] | None,
    on_step: Callable[[], object],
) -> EpochMeans:
    """Take all steps of an epoch.

    Parameters
    ----------
    stepper : Stepper
    split : DataSplit
    epoch : int
    phase : Phase
    before_step : callable or None
        Called before every step with the share of the epoch that is over, for learning rates that change by step.
    on_step : callable
        Called after every step, for a progress bar.

    Raises
    ------
    DivergenceError
        If a loss or the norm of the gradients is not finite.
    InputError
        If the objective has nothing to learn in this phase.
    """
    rank, n_processes = rank_and_size()
    rows, seed = epoch_rows(split, stepper.options, epoch), integer_seed(stepper.options.rng)
    batches = split.batches(rows, seed=seed_of(seed, epoch, LOADING, rank))
    generator = torch.Generator(stepper.device).manual_seed(seed_of(seed, epoch, AUGMENTING, rank))
    watch = Watch(
        epoch=epoch, phase=phase, optimiser=stepper.optimiser, options=stepper.options, every=stepper.watch_every
    )
    totals: dict[str, Tensor] = {}
    hits = torch.zeros(2, dtype=torch.float64, device=stepper.device)
    largest = torch.zeros((), device=stepper.device)
    accumulate = stepper.options.accumulate
    for step, at in enumerate(range(0, len(rows), accumulate)):
        taken = rows[at : at + accumulate]
        if before_step is not None:
            before_step(at / len(rows))
        try:
            values, norm, right = stepper.take(batches, taken, phase, generator)
        except PidkitError:
            watch.check()  # the objective may have failed because the training diverged some steps ago
            raise
        largest = torch.maximum(largest, torch.where(torch.isfinite(norm), norm, 0.0))
        # float16 overflows now and then; the scaler skips such steps.
        watch.see(step, values if stepper.scaler.is_enabled() else {**values, "gradient norm": norm})
        stepper.apply()
        hits += right
        for name, value in values.items():
            added = value.double() * sum(map(len, taken))
            totals[name] = totals[name] + added if name in totals else added
        on_step()
    watch.check()
    stepper.check_scale()
    n = sum(len(row) for row in rows) * n_processes
    *sums, n_hit, n_labels = summed(torch.cat([torch.stack([*totals.values()]), hits])).tolist()
    means = {name: value / n for name, value in zip(totals, sums, strict=True)}
    loss, accuracy = means.pop("loss"), n_hit / n_labels if n_labels else None
    return EpochMeans(loss, accuracy, {name.removeprefix(TERM): mean for name, mean in means.items()}, float(largest))
