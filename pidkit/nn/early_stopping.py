"""The loop that trains decoders and critics: steps on batches, looks at held-out rows, and the best that was kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pidkit.nn.budget import TrainingBudget

Rows = TypeVar("Rows", contravariant=True)


class Learner(Protocol[Rows]):
    """What the loop trains: a network of torch or of numpy, with its optimiser and its held-out rows."""

    def step(self, rows: Rows) -> bool:
        """Take a step of the optimiser on these training rows, or return False where their loss is not finite."""
        ...

    def score(self) -> float:
        """Return the score of the held-out rows, higher is better; minus infinity is worse than any."""
        ...

    def keep(self) -> None:
        """Remember the parameters as they are: they are the best so far."""
        ...


@dataclass(frozen=True)
class FitReport:
    """How a fit went.

    Attributes
    ----------
    steps : int
        Steps taken.
    best_step : int
        The step whose parameters were kept.
    best_score : float
        Their validation score.
    stopped : str
        "patience", "max_steps" or "diverged" (the loss or the score was no longer finite).
    """

    steps: int
    best_step: int
    best_score: float
    stopped: str


def n_batches(n_rows: int, budget: TrainingBudget) -> int:
    """Return how many batches a pass over the rows has."""
    return max(1, round(n_rows / budget.batch_size))


def train_with_early_stopping(
    learner: Learner[Rows], batches: Iterable[Rows], budget: TrainingBudget, *, start: float = -math.inf
) -> FitReport:
    """Train until the budget is spent, the held-out score no longer rises, or something is no longer finite.

    Parameters
    ----------
    learner : Learner
    batches : iterable
        The training rows of every step, without end.
    budget : TrainingBudget
    start : float
        Score of what the learner keeps from before the first step, if anything.
    """
    step, best_step, best_score = 0, 0, start
    for rows in batches:
        if not learner.step(rows):
            return FitReport(step, best_step, best_score, "diverged")
        step += 1
        if step % budget.check_every == 0 or step == budget.max_steps:
            reached = learner.score()
            if not math.isfinite(reached) and reached != -math.inf:
                return FitReport(step, best_step, best_score, "diverged")
            if reached > best_score:
                best_step, best_score = step, reached
                learner.keep()
            elif step - best_step >= budget.patience * budget.check_every:
                return FitReport(step, best_step, best_score, "patience")
        if step == budget.max_steps:
            break
    return FitReport(step, best_step, best_score, "max_steps")
