"""The fit loop: stops, keeps the best, repeats, and leaves no trace."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pidkit import SolverError
from pidkit.nn import FitReport, TrainingBudget
from pidkit.nn.fit import fit


def a_line() -> tuple[torch.nn.Linear, torch.Tensor, torch.Tensor]:
    """A model at zero, and data on a line."""
    model = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    x = torch.linspace(-1, 1, 40)[:, None]
    return model, x, 3 * x + 1


def run(
    model: torch.nn.Linear,
    x: torch.Tensor,
    y: torch.Tensor,
    score: Callable[..., Any] | None = None,
    seed: int = 0,
    **options: Any,
) -> FitReport:
    error = lambda rows: (model(x[rows]) - y[rows]).square().mean()  # noqa: E731
    scored = score or (lambda: -error(torch.arange(len(x))).item())
    generator = torch.Generator().manual_seed(seed)
    settings = TrainingBudget(**{"learning_rate": 0.05, "batch_size": 10, **options})
    return fit(model, loss=error, score=scored, n_rows=len(x), generator=generator, budget=settings)


def test_it_fits() -> None:
    model, x, y = a_line()
    report = run(model, x, y, max_steps=800)
    assert model.weight.item() == pytest.approx(3, abs=0.02)
    assert report.best_score > -1e-3
    assert not model.training


def test_patience_stops_and_the_best_state_is_kept() -> None:
    model, x, y = a_line()
    scores = iter([1.0, 5.0, 4.0, 3.0, 2.0])
    kept = []

    def score() -> float:
        kept.append(model.weight.item())
        assert not model.training
        assert not torch.is_grad_enabled()
        return next(scores)

    report = run(model, x, y, score=score, check_every=5, patience=3)
    assert (report.stopped, report.steps, report.best_step, report.best_score) == ("patience", 25, 10, 5.0)
    assert model.weight.item() == kept[1]


def test_the_last_step_is_scored() -> None:
    model, x, y = a_line()
    report = run(model, x, y, max_steps=13, check_every=10)
    assert (report.stopped, report.steps, report.best_step) == ("max_steps", 13, 13)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_not_finite_stops_and_keeps_the_best(bad: float) -> None:
    model, x, y = a_line()
    scores = iter([1.0, bad])
    report = run(model, x, y, score=lambda: next(scores), check_every=1)
    assert (report.stopped, report.best_step) == ("diverged", 1)


def test_no_finite_score_is_an_error() -> None:
    model, x, y = a_line()
    with pytest.raises(
        SolverError, match=r"^the fit diverged after 1 steps without a finite score; lower learning_rate"
    ):
        run(model, x, y, score=lambda: math.nan, check_every=1)
    with pytest.raises(SolverError, match=r"^the fit diverged after 0 steps without a finite score"):
        run(model, x, y * math.nan)


def test_batches_are_even_and_cover_every_row() -> None:
    model, x, _ = a_line()
    seen = []

    def loss(rows: torch.Tensor) -> torch.Tensor:
        seen.append(rows)
        return model(x[rows]).square().mean()

    fit(
        model,
        loss=loss,
        score=lambda: 0.0,
        n_rows=40,
        generator=torch.Generator().manual_seed(0),
        budget=TrainingBudget(batch_size=17, max_steps=4, check_every=1),
    )
    assert [rows.numel() for rows in seen] == [20, 20, 20, 20]
    assert sorted(torch.cat(seen[:2]).tolist()) == list(range(40))


def test_the_generator_decides_and_nothing_is_left_behind() -> None:
    before = torch.get_rng_state()
    torch_model = a_line
    weights = []
    for seed in (0, 0, 1):
        model, x, y = torch_model()
        torch.set_rng_state(before)
        with torch.no_grad():
            run(model, x, y, seed=seed, max_steps=7)
        weights.append(model.weight.item())
        assert (torch.get_rng_state() == before).all()
    assert weights[0] == weights[1] != weights[2]
