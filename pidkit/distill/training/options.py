"""The options of a training run, checked when they are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from pidkit.distill.objective import GROUPS
from pidkit.distill.phases import Phase
from pidkit.distill.training.schedules import Constant
from pidkit.errors import InputError

PARAMETER_GROUPS = ("student", *GROUPS)
"""The groups of parameters that learn: the student, and the groups of the objective's own parameters."""

OPTIMISERS = ("sgd", "adamw")
"""The optimisers by name: SGD with Nesterov's momentum, and AdamW."""

TRAINING_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The dtypes that a training pass can compute in, by name."""

KEEP = ("last", "best-validation")
"""Which student `Trainer.fit` leaves: that of the last epoch, or of the epoch with the best validation accuracy."""

RESUMABLE_WITH_OTHER = ("epochs", "workers", "progress")
"""Options that may differ when a run is resumed, because they do not change what earlier epochs have done."""


@dataclass(frozen=True, kw_only=True)
class TrainerOptions:
    """How a `Trainer` trains.

    Attributes
    ----------
    epochs : int
        Of the whole run, all phases together.
    batch_size : int
        Samples of a batch, over all processes together.
    accumulate : int
        Batches whose gradients make one step of the optimiser: as one batch of that many times the size, for losses
        that are means, apart from batch normalisation.
    optimiser : "sgd" or "adamw"
        SGD with Nesterov's momentum, or AdamW (which leaves `momentum` aside).
    learning_rate : float
    learning_rates : mapping of str to float
        Of those groups that have one of their own: student, teacher_filters, student_filters, sigma, critics.
    schedule : Constant, Milestones or Cosine, or mapping of Phase to these
        What multiplies the learning rates over the epochs, in all phases or in each.
    momentum, weight_decay : float
    weight_decays : mapping of str to float
        Of those groups that have one of their own.
    clip_norm : float, optional
        The norm, over all gradients together, to which longer gradients are shortened; None leaves them.
    precision : "float32", "bfloat16" or "float16"
        The two latter by autocast; "float32" computes in the dtype of the networks. float16 needs CUDA, for the scaled
        loss without which small gradients vanish.
    drop_last : bool
        True leaves the last batch of an epoch out where it is smaller: batch normalisation over a few samples is noise
        (and fails for one). The order is new in every epoch, so that these are never the same samples. False keeps it
        if every process gets two samples at least.
    keep : "last" or "best-validation"
        The student that `fit` leaves: of the last epoch, or of the epoch with the highest validation accuracy, the
        earliest of several.
    seed : int
        Of the order of the samples and of what augments them. Dropout and its like draw from torch's global generator.
    workers : int
        Processes that load samples of a Dataset; tensors need none.
    progress : bool, optional
        Show a bar on stderr; None shows it in a terminal only.

    Raises
    ------
    InputError
        If a value cannot be used; the message names it.

    Examples
    --------
    >>> TrainerOptions(learning_rates={"sigmas": 0.001})
    Traceback (most recent call last):
    pidkit.errors.InputError: learning_rates holds 'sigmas', which is no group; the groups are 'student', ...
    """

    epochs: int = 30
    batch_size: int = 128
    accumulate: int = 1
    optimiser: str = "sgd"
    learning_rate: float = 0.05
    learning_rates: Mapping[str, float] = field(default_factory=dict)
    schedule: Constant | Mapping[Phase, Constant] = field(default_factory=Constant)
    momentum: float = 0.9
    weight_decay: float = 5e-4
    weight_decays: Mapping[str, float] = field(default_factory=dict)
    clip_norm: float | None = 100.0
    precision: str = "float32"
    drop_last: bool = True
    keep: str = "last"
    seed: int = 0
    workers: int = 0
    progress: bool | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        for name, least in (("epochs", 1), ("batch_size", 1), ("accumulate", 1), ("seed", 0), ("workers", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number >= {least}, not {value!r}")
        for name, known in (("optimiser", OPTIMISERS), ("precision", tuple(TRAINING_DTYPES)), ("keep", KEEP)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(map(repr, known))}; not {getattr(self, name)!r}")
        _check_number("learning_rate", self.learning_rate)
        _check_number("weight_decay", self.weight_decay)
        for name in ("learning_rates", "weight_decays"):
            for group, value in getattr(self, name).items():
                if group not in PARAMETER_GROUPS:
                    groups = ", ".join(map(repr, PARAMETER_GROUPS))
                    raise InputError(f"{name} holds {group!r}, which is no group; the groups are {groups}")
                _check_number(f"{name}[{group!r}]", value)
        if not 0.0 <= self.momentum < 1.0:
            raise InputError(f"momentum must lie in [0, 1), not {self.momentum!r}")
        if self.clip_norm is not None and not self.clip_norm > 0.0:
            raise InputError(f"clip_norm must be positive, or None for no clipping, not {self.clip_norm!r}")
        self.schedules  # noqa: B018  (it checks)

    @property
    def schedules(self) -> dict[Phase, Constant]:
        """Return the schedule of every phase; phases that the mapping leaves out are constant."""
        schedule = self.schedule
        by_phase = {
            phase: schedule.get(phase, Constant()) if isinstance(schedule, Mapping) else schedule for phase in Phase
        }
        strange = [key for key in schedule if key not in by_phase] if isinstance(schedule, Mapping) else []
        if strange or not all(isinstance(schedule, Constant) for schedule in by_phase.values()):
            raise InputError(
                f"schedule must be Constant, Milestones or Cosine, or map a Phase to one; it is {schedule!r}"
            )
        return by_phase

    def learning_rate_of(self, group: str) -> float:
        """Return the learning rate of a group, before any schedule."""
        return float(self.learning_rates.get(group, self.learning_rate))

    def weight_decay_of(self, group: str) -> float:
        """Return the weight decay of a group."""
        return float(self.weight_decays.get(group, self.weight_decay))

    def settings(self) -> dict[str, Any]:
        """Return what a resumed run must share, as plain values."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in RESUMABLE_WITH_OTHER}
        plain["schedule"] = {phase.value: repr(schedule) for phase, schedule in self.schedules.items()}
        for name in ("learning_rates", "weight_decays"):
            plain[name] = {group: float(value) for group, value in sorted(plain[name].items())}
        return plain


def _check_number(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0.0:  # type: ignore[arg-type,operator]
        raise InputError(f"{name} must be a finite number >= 0, not {value!r}")
