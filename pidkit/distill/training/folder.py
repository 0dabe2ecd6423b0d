"""The folder of a run: its checkpoint and its history, written by the first process and read by all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pidkit.distill.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, remove_leftovers, save_checkpoint
from pidkit.distill.training.history import History
from pidkit.distill.training.processes import barrier, rank_and_size
from pidkit.distill.training.run import Run
from pidkit.errors import InputError


class RunFolder:
    """The folder that holds checkpoint.pt and history.json of one run; without a path nothing is kept.

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
