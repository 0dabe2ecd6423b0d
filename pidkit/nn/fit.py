"""A fit loop: AdamW steps on batches, early stopping by a validation score, and the best parameters kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, keep_checked, real_number
from pidkit.errors import SolverError


@dataclass(frozen=True)
class FitOptions:
    """How long and how fast to fit.

    Attributes
    ----------
    learning_rate, weight_decay : float
        Of AdamW.
    batch_size : int
        Rows of a step; batches of a pass are as equal as can be, so the last is not a small one.
    max_steps : int
        Optimiser steps at most.
    check_every : int
        Steps between two validation scores.
    patience : int
        Scores without a new best after which to stop.

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 256
    max_steps: int = 5000
    check_every: int = 10
    patience: int = 20

    def __post_init__(self) -> None:
        """Check the numbers."""
        keep_checked(
            self,
            learning_rate=real_number("learning_rate", self.learning_rate, above=0.0),
            weight_decay=real_number("weight_decay", self.weight_decay, least=0.0),
            batch_size=check_count("batch_size", self.batch_size),
            max_steps=check_count("max_steps", self.max_steps),
            check_every=check_count("check_every", self.check_every),
            patience=check_count("patience", self.patience),
        )


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


def fit(
    module: nn.Module,
    *,
    loss: Callable[[Tensor], Tensor],
    score: Callable[[], float],
    n_rows: int,
    generator: torch.Generator,
    options: FitOptions | None = None,
) -> FitReport:
    """Minimise `loss` over the module's parameters and keep those with the highest validation `score`.

    Parameters
    ----------
    module : nn.Module
        Left in eval mode, with the best parameters.
    loss : callable
        From the indices of a batch (CPU, int64) to a scalar.
    score : callable
        The validation score, higher is better; called without gradients, the module in eval mode.
    n_rows : int
        Training rows, of which `loss` gets indices.
    generator : torch.Generator
        Of the CPU; shuffles the rows.
    options : FitOptions, optional

    Returns
    -------
    FitReport

    Raises
    ------
    SolverError
        If not one finite score was reached.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> model = torch.nn.Linear(1, 1)
    >>> error = lambda rows: (model(x[rows]) - 3 * x[rows]).square().mean()
    >>> report = fit(
    ...     model, loss=error, score=lambda: -float(error(torch.arange(64))), n_rows=64,
    ...     generator=torch.Generator().manual_seed(0), options=FitOptions(learning_rate=0.05, max_steps=500),
    ... )
    >>> report.best_score > -1e-3
    True
    """
    settings = options or FitOptions()
    with torch.inference_mode(mode=False), torch.enable_grad():
        optimiser = torch.optim.AdamW(
            module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True
        )
        best_step, best_score, best_state = 0, -math.inf, _copy(module)
        stopped, step = "max_steps", 0
        module.train()
        for rows in _batches(n_rows, settings.batch_size, generator):
            value = loss(rows)
            if not torch.isfinite(value):
                stopped = "diverged"
                break
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            step += 1
            if step % settings.check_every == 0 or step == settings.max_steps:
                reached = _scored(module, score)
                if not math.isfinite(reached) and reached != -math.inf:
                    stopped = "diverged"
                    break
                if reached > best_score:
                    best_step, best_score, best_state = step, reached, _copy(module)
                elif step - best_step >= settings.patience * settings.check_every:
                    stopped = "patience"
                    break
            if step == settings.max_steps:
                break
        if best_score == -math.inf:
            raise SolverError(
                f"the fit {stopped} after {step} steps without a finite score; lower learning_rate or rescale the data"
            )
        module.load_state_dict(best_state)
        module.eval()
    return FitReport(step, best_step, best_score, stopped)


def _batches(n_rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield shuffled batches of indices for ever, pass after pass."""
    n_batches = max(1, round(n_rows / batch_size))
    while True:
        yield from torch.randperm(n_rows, generator=generator).tensor_split(n_batches)


def _scored(module: nn.Module, score: Callable[[], float]) -> float:
    """Return the validation score, with the module in eval mode and without gradients."""
    module.eval()
    with torch.no_grad():
        value = score()
    module.train()
    return value


def _copy(module: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the module's parameters and buffers."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
