"""The history of a run: losses, accuracies, learning rates and times, epoch by epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pidkit.arrays.saving import write_atomic
from pidkit.records.schema import restored
from pidkit.results import Result, Row, cell


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch.

    Attributes
    ----------
    epoch : int
        From 0.
    phase : str
        "warm-up", "teacher-filter" or "student".
    loss : float
        The mean over the samples.
    terms : dict of str to float
        The unweighted mean of every term of a `WeightedSum`; else empty.
    gradient_norm : float
        The largest of the epoch, before clipping (of float16's overflowed steps, which are skipped, none).
    train_accuracy : float or None
        Of the student while it trained, on augmented and mixed samples: a running value, and lower than that of
        `evaluate`. None without labels.
    validation_accuracy : float or None
        At the end of the epoch; None without validation data.
    learning_rates : dict of str to float
        By group, at the start of the epoch.
    seconds : float
        Training and validation.
    validation_metrics : dict of str to float
        The values of `TrainerOptions.metrics` on the validation data, by name.
    """

    epoch: int
    phase: str
    loss: float
    terms: dict[str, float]
    gradient_norm: float
    train_accuracy: float | None
    validation_accuracy: float | None
    learning_rates: dict[str, float]
    seconds: float
    validation_metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class History(Result):
    """The epochs of a run: losses and accuracies, no information in a unit.

    Attributes
    ----------
    epochs : tuple of EpochRecord
    kept_epoch : int or None
        The epoch whose student `fit` left; None before it ended.

    Examples
    --------
    >>> record = EpochRecord(0, "student", 2.3, {}, 1.0, 0.1, None, {"student": 0.05}, 0.5)
    >>> history = History((record,))
    >>> History.from_dict(history.to_dict()) == history
    True
    """

    epochs: tuple[EpochRecord, ...] = field(default=())
    kept_epoch: int | None = None

    def best(self) -> EpochRecord | None:
        """Return the epoch of the highest validation accuracy, the earliest of several; None without one."""
        scored = [record for record in self.epochs if record.validation_accuracy is not None]
        return max(scored, key=lambda record: record.validation_accuracy or 0.0, default=None)

    def extended(self, record: EpochRecord) -> History:
        """Return the history with one more epoch."""
        return History((*self.epochs, record), self.kept_epoch)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the history that `to_dict` described; an InputError names an entry of another type."""
        return restored(cls, plain, "history")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the history as JSON, whole or not at all."""
        write_atomic(path, json.dumps(self.to_dict(), indent=1, allow_nan=False))

    def _rows(self) -> Sequence[Row]:
        """Return one row an epoch, the last first."""
        names = ("epoch", "phase", "loss", "train_accuracy", "validation_accuracy", "seconds")
        return [
            {name: "" if (value := getattr(record, name)) is None else cell(value) for name in names}
            for record in reversed(self.epochs)
        ]

    def _caption(self) -> str:
        """Return how far the run came."""
        return repr(self)

    def __repr__(self) -> str:
        """Show how far the run came."""
        if not self.epochs:
            return "History(no epochs yet)"
        last, best = self.epochs[-1], self.best()
        shown = f"History({len(self.epochs)} epochs, loss {last.loss:.4g}"
        if last.train_accuracy is not None:
            shown += f", train accuracy {last.train_accuracy:.4f}"
        if best is not None:
            shown += f", best validation accuracy {best.validation_accuracy:.4f} in epoch {best.epoch}"
        return shown + ")"
