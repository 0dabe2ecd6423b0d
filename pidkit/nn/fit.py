"""Fit a torch module: AdamW steps on batches in the loop of `early_stopping`, with the best parameters kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from pidkit.errors import SolverError
from pidkit.nn.budget import TrainingBudget
from pidkit.nn.early_stopping import FitReport, n_batches, train_with_early_stopping


def fit(
    module: nn.Module,
    *,
    loss: Callable[[Tensor], Tensor],
    score: Callable[[], float],
    n_rows: int,
    generator: torch.Generator,
    budget: TrainingBudget | None = None,
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
    budget : TrainingBudget, optional

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
    ...     generator=torch.Generator().manual_seed(0), budget=TrainingBudget(learning_rate=0.05, max_steps=500),
    ... )
    >>> report.best_score > -1e-3
    True
    """
    settings = budget or TrainingBudget()
    with torch.inference_mode(mode=False), torch.enable_grad():
        learner = _Module(module, loss, score, settings)
        module.train()
        report = train_with_early_stopping(learner, _batches(n_rows, settings, generator), settings)
        if report.best_score == -math.inf:
            raise SolverError(
                f"the fit {report.stopped} after {report.steps} steps without a finite score; lower learning_rate or "
                "rescale the data"
            )
        module.load_state_dict(learner.best)
        module.eval()
    return report


class _Module:
    """A torch module as the loop trains it."""

    def __init__(
        self, module: nn.Module, loss: Callable[[Tensor], Tensor], score: Callable[[], float], budget: TrainingBudget
    ) -> None:
        """Make the optimiser."""
        self.module, self.loss, self.score_of = module, loss, score
        self.optimiser = torch.optim.AdamW(
            module.parameters(), lr=budget.learning_rate, weight_decay=budget.weight_decay, foreach=True
        )
        self.keep()

    def step(self, rows: Tensor) -> bool:
        """Take a step of AdamW unless the loss is not finite."""
        value = self.loss(rows)
        if not torch.isfinite(value):
            return False
        self.optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return True

    def score(self) -> float:
        """Return the validation score, with the module in eval mode and without gradients."""
        self.module.eval()
        with torch.no_grad():
            value = self.score_of()
        self.module.train()
        return value

    def keep(self) -> None:
        """Copy the module's parameters and buffers."""
        self.best = {name: value.detach().clone() for name, value in self.module.state_dict().items()}


def _batches(n_rows: int, budget: TrainingBudget, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield shuffled batches of indices for ever, pass after pass."""
    while True:
        yield from torch.randperm(n_rows, generator=generator).tensor_split(n_batches(n_rows, budget))
