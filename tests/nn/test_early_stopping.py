"""The loop that trains decoders and critics, on a learner that only counts."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from pidkit.mi.decoder.network import train_perceptron
from pidkit.nn import FitReport, TrainingBudget
from pidkit.nn.early_stopping import n_batches, train_with_early_stopping
from pidkit.nn.fit import fit


class Counter:
    """A learner whose scores are given, and which remembers after which step it was kept."""

    def __init__(self, scores: list[float], fails_at: int = 10**9) -> None:
        self.scores, self.fails_at = iter(scores), fails_at
        self.steps, self.kept = 0, 0

    def step(self, rows: int) -> bool:
        if rows >= self.fails_at:
            return False
        self.steps += 1
        return True

    def score(self) -> float:
        return next(self.scores)

    def keep(self) -> None:
        self.kept = self.steps


def run(learner: Counter, start: float = -math.inf, **budget: Any) -> FitReport:
    settings = TrainingBudget(**{"check_every": 2, "patience": 2, **budget})
    return train_with_early_stopping(learner, itertools.count(), settings, start=start)


def test_it_stops_after_so_many_looks_without_a_new_best() -> None:
    learner = Counter([1.0, 3.0, 2.0, 3.0])
    assert run(learner) == FitReport(steps=8, best_step=4, best_score=3.0, stopped="patience")
    assert learner.kept == 4


def test_the_last_step_is_looked_at_wherever_it_falls() -> None:
    learner = Counter([1.0, 2.0, 5.0])
    assert run(learner, max_steps=5) == FitReport(steps=5, best_step=5, best_score=5.0, stopped="max_steps")
    assert learner.kept == 5


def test_what_was_there_before_the_first_step_stays_unless_it_is_beaten() -> None:
    learner = Counter([1.0, 2.0])
    assert run(learner, start=2.0) == FitReport(steps=4, best_step=0, best_score=2.0, stopped="patience")
    assert learner.kept == 0


@pytest.mark.parametrize(
    ("learner", "steps", "best_step"),
    [
        (Counter([1.0, math.nan]), 4, 2),
        (Counter([1.0, math.inf]), 4, 2),
        (Counter([1.0], fails_at=3), 3, 2),
        (Counter([], fails_at=0), 0, 0),
    ],
)
def test_what_is_not_finite_ends_it(learner: Counter, steps: int, best_step: int) -> None:
    found = run(learner)
    assert (found.steps, found.best_step, found.stopped) == (steps, best_step, "diverged")


def test_minus_infinity_is_a_score_that_anything_beats() -> None:
    assert run(Counter([-math.inf, 1.0]), max_steps=4).best_score == 1.0


@pytest.mark.parametrize(("rows", "batches"), [(1, 1), (100, 1), (384, 2), (1000, 4)])
def test_batches_are_about_as_large_as_asked(rows: int, batches: int) -> None:
    assert n_batches(rows, TrainingBudget(batch_size=256)) == batches


def test_a_short_budget_ends_numpy_and_torch_alike() -> None:
    """Least squares by both, from the same first weights: Adam takes the same steps on full batches."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    target = x @ rng.normal(size=(3, 1))
    budget = TrainingBudget(learning_rate=0.1, batch_size=50, max_steps=7, check_every=3)
    net = train_perceptron((x, target), (x, target), link="identity", hidden=(), rng=rng, budget=budget)
    module = torch.nn.Linear(3, 1).double()
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.constant_(module.bias, float(target.mean()))
    inputs, wanted = torch.as_tensor(x), torch.as_tensor(target)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return 0.5 * (module(inputs[rows]) - wanted[rows]).square().mean()

    report = fit(
        module,
        loss=loss,
        score=lambda: -float(loss(torch.arange(50))),
        n_rows=50,
        generator=torch.Generator().manual_seed(0),
        budget=budget,
    )
    assert report == FitReport(7, 7, report.best_score, "max_steps")
    found = np.vstack([module.weight.detach().numpy().T, module.bias.detach().numpy()])
    np.testing.assert_allclose(net.weights[0], found, atol=1e-7)
