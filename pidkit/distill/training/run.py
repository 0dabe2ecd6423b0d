"""The state of a run: everything that changes while it trains, to be saved after every epoch and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phases
from pidkit.distill.training.history import EpochRecord, History
from pidkit.distill.training.random_state import random_state
from pidkit.nn.taps import eager_model


@dataclass
class Run:
    """Everything that changes while a run trains.

    Attributes
    ----------
    networks : Networks
        The student's part of it; teachers do not change.
    objective : Objective
    optimiser : Optimizer
    scaler : GradScaler
    phases : Phases
    history : History
    best : dict or None
        The epoch of the highest validation accuracy, and the student then.
    """

    networks: Networks
    objective: Objective
    optimiser: Optimizer
    scaler: torch.amp.GradScaler
    phases: Phases
    history: History
    best: dict[str, Any] | None = None

    def record(self, record: EpochRecord) -> None:
        """Add an epoch to the history, and keep its student if it is the best on validation data so far."""
        before = self.history.best()
        self.history = self.history.extended(record)
        if self.history.best() is not before:
            self.best = {"epoch": record.epoch, "student": _copied(eager_model(self.networks.student).state_dict())}

    def choose(self, keep: str) -> None:
        """Leave the student that `keep` says, and note of which epoch it is."""
        epoch = self.history.epochs[-1].epoch
        if keep == "best-validation":
            assert self.best is not None
            eager_model(self.networks.student).load_state_dict(self.best["student"])
            epoch = self.best["epoch"]
        self.history = replace(self.history, kept_epoch=epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return plain containers, numbers and tensors; the random state of every process is gathered."""
        return {
            "phases": self.phases.state_dict(),
            "student": eager_model(self.networks.student).state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": random_state(),
            "history": self.history.to_dict(),
            "best": self.best,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put everything where a state says, but for torch's global generators: see `set_random_state`."""
        self.phases.load_state_dict(state["phases"])
        eager_model(self.networks.student).load_state_dict(state["student"])
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.history, self.best = replace(History.from_dict(state["history"]), kept_epoch=None), state["best"]


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy on the CPU, which the next steps do not change."""
    return {key: value.detach().cpu().clone() if isinstance(value, Tensor) else value for key, value in state.items()}
