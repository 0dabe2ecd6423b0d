"""A run: everything that changes while it trains, to be saved after every epoch and put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.phases import Phases
from pidkit.distill.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, remove_leftovers, save_checkpoint
from pidkit.distill.training.history import EpochRecord, History
from pidkit.distill.training.processes import barrier, gathered, rank_and_size
from pidkit.errors import InputError
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
    scheduler : LRScheduler
    scaler : GradScaler
    phases : Phases
    history : History
    best : dict or None
        The epoch of the highest validation accuracy, and the student then.
    """

    networks: Networks
    objective: Objective
    optimiser: Optimizer
    scheduler: LRScheduler
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
        kept = self.history.epochs[-1].epoch
        if keep == "best-validation":
            assert self.best is not None
            eager_model(self.networks.student).load_state_dict(self.best["student"])
            kept = self.best["epoch"]
        self.history = replace(self.history, kept_epoch=kept)

    def state_dict(self) -> dict[str, Any]:
        """Return plain containers, numbers and tensors; the random state of every process is gathered."""
        return {
            "phases": self.phases.state_dict(),
            "student": eager_model(self.networks.student).state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scheduler": self.scheduler.state_dict(),
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
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state["scaler"])
        self.history, self.best = replace(History.from_dict(state["history"]), kept_epoch=None), state["best"]


class Folder:
    """Where a run is kept: checkpoint.pt and history.json in a folder of its own, or nowhere.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.
    settings : mapping
        What a resumed run must share.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        """Keep the arguments; `open` looks at the disk."""
        self.path, self._settings = path, settings

    def open(self, *, resume: bool) -> dict[str, Any] | None:
        """Make the folder ready and return the state to go on from, if any.

        Raises
        ------
        InputError
            If there is a run that is not to be resumed, or one with other settings, or no path to resume from.
        """
        if self.path is None:
            if resume:
                raise InputError("resume=True needs a path: the folder of the run to continue")
            return None
        if not resume and (self.path / CHECKPOINT_FILE).exists():
            raise InputError(f"path {self.path} holds a run already; pass resume=True to continue it, or another path")
        if rank_and_size()[0] == 0:
            self.path.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.path)
        return self.load()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state; None if there is none.

        Raises
        ------
        InputError
            If the file cannot be read, or is of a run with other settings.
        """
        return None if self.path is None else load_checkpoint(self.path, self._settings)

    def save(self, run: Run) -> None:
        """Write the state of a run: the first process writes, the others wait for it."""
        if self.path is None:
            return
        state = run.state_dict()
        if rank_and_size()[0] == 0:
            save_checkpoint(self.path, {"settings": self._settings, **state})
            if not run.history.epochs:
                self.load()  # a state that cannot be read is better refused now than after hours
        self.save_history(run.history)
        barrier()

    def save_history(self, history: History) -> None:
        """Write the history as JSON."""
        if self.path is not None and rank_and_size()[0] == 0:
            history.save(self.path / "history.json")


def random_state() -> dict[str, Any]:
    """Return the states of torch's global generators in every process, the CPU's and, where in use, CUDA's."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    states = gathered((torch.get_rng_state(), cuda))
    return {"cpu": [cpu for cpu, _ in states], "cuda": [list(devices) for _, devices in states]}


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put torch's global generators of this process where they were."""
    rank, _ = rank_and_size()
    torch.set_rng_state(state["cpu"][rank])
    if state["cuda"][rank]:
        torch.cuda.set_rng_state_all(state["cuda"][rank])


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy on the CPU, which the next steps do not change."""
    return {key: value.detach().cpu().clone() if isinstance(value, Tensor) else value for key, value in state.items()}
