"""The folder of a run: its checkpoint and its history, written by the first process and read by all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pidkit.arrays.locks import held_alone, state_of
from pidkit.arrays.saving import remove_leftovers
from pidkit.distill.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from pidkit.distill.training.history import History
from pidkit.distill.training.processes import barrier, gathered, rank_and_size
from pidkit.distill.training.run import Run
from pidkit.errors import InputError

HISTORY_FILE, LOCK_FILE = "history.json", "trainer.lock"
"""The other files of the folder; the lock is there while a Trainer is at work."""


class RunFolder:
    """The folder that holds checkpoint.pt and history.json of one run; without a path nothing is kept.

    One Trainer at a time: while it trains, a lock names its process.

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
        self._seen: tuple[int, ...] | None = None

    def open(self, *, resume: bool) -> dict[str, Any] | None:
        """Make the folder ready and return the state to go on from, if any.

        Raises
        ------
        InputError
            If there is a run that is not to be resumed, one with other settings, or one at which another Trainer is at
            work (its process is named), or no path to resume from.
        """
        if self.path is None:
            if resume:
                raise InputError("resume=True needs a path: the folder of the run to continue")
            return None
        if not resume and (self.path / CHECKPOINT_FILE).exists():
            raise InputError(f"path {self.path} holds a run already; pass resume=True to continue it, or another path")
        if rank_and_size()[0] == 0:
            self.path.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if rank_and_size()[0] == 0:
                for name in (CHECKPOINT_FILE, HISTORY_FILE):
                    remove_leftovers(self.path.resolve() / name)
            return self.load()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Run a block in which no other Trainer, of this process or another, writes to the folder.

        Raises
        ------
        InputError
            If another is at work, or has written since this one read or wrote: in every process.
        """
        with self._alone():
            path = self.path
            if path is not None and any(gathered(rank_and_size()[0] == 0 and self._checkpoint() != self._seen)):
                raise InputError(
                    f"path {path} was written to by another Trainer since this one last did; make a new Trainer, with "
                    "resume=True"
                )
            yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            refusal = None
            if self.path is not None and rank_and_size()[0] == 0:
                try:
                    stack.enter_context(held_alone(self.path / LOCK_FILE, f"the run in {self.path}"))
                except InputError as error:
                    refusal = str(error)  # for the other processes, which would wait for this one
            for message in gathered(refusal):
                if message is not None:
                    raise InputError(message)
            yield

    def _checkpoint(self) -> tuple[int, ...] | None:
        """Return what tells the checkpoint on the disk from one that was written later; None without one."""
        return None if self.path is None else state_of(self.path / CHECKPOINT_FILE)

    def load(self) -> dict[str, Any] | None:
        """Return the saved state; None if there is none.

        Raises
        ------
        InputError
            If the file cannot be read, or is of a run with other settings.
        """
        self._seen = self._checkpoint()
        return None if self.path is None else load_checkpoint(self.path, self._settings)

    def save(self, run: Run) -> None:
        """Write the state of a run: the first process writes, the others wait for it."""
        if self.path is None:
            return
        state = run.state_dict()
        if rank_and_size()[0] == 0:
            try:
                save_checkpoint(self.path, {"settings": self._settings, **state})
            finally:
                self._seen = self._checkpoint()
            if not run.history.epochs:
                self.load()  # a state that cannot be read is better refused now than after hours
        self.save_history(run.history)
        barrier()

    def save_history(self, history: History) -> None:
        """Write the history as JSON."""
        if self.path is not None and rank_and_size()[0] == 0:
            history.save(self.path / HISTORY_FILE)
