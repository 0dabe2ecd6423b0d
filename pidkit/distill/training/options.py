"""The options of a training run, checked when they are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch

from pidkit.arguments import (
    Rng,
    check_count,
    flag,
    integer_seed,
    items_of,
    keep_checked,
    mapping_of,
    one_of,
    real_number,
    whole_number,
)
from pidkit.distill.objective import GROUPS
from pidkit.distill.phases import Phase
from pidkit.distill.training.metrics import Metric, check_metrics
from pidkit.distill.training.schedules import Constant
from pidkit.errors import InputError

PARAMETER_GROUPS = ("student", *GROUPS)
"""The groups of parameters that learn: the student, and the groups of the objective's own parameters."""

Optimiser = Literal["sgd", "adam", "adamw"]
"""The optimisers by name: SGD with momentum, Adam (whose decay is a penalty in the gradient), and AdamW."""

Decayed = Literal["all", "matrices"]
"""Which parameters decay: all, or those of two axes and more, so that norms and biases do not."""

Precision = Literal["float32", "bfloat16", "float16"]
"""The dtypes that a training pass can compute in, by name."""

TRAINING_DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""The same as dtypes of torch."""

Kept = Literal["last", "best-validation"]
"""Which student `Trainer.fit` leaves: that of the last epoch, or of the epoch with the best validation accuracy."""

RESUMABLE_WITH_OTHER = ("epochs", "workers", "progress", "metrics")
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
    optimiser : "sgd", "adam" or "adamw"
        SGD with momentum, Adam or AdamW (which leave `momentum` and `nesterov` aside).
    nesterov : bool
        Nesterov's momentum; False is the plain one.
    betas : (float, float)
        Of Adam and AdamW: the weight of the past in the means of gradients and of their squares.
    decayed : "all" or "matrices"
        What weight decay applies to: all parameters, or all but those of a single axis, norms and biases.
    learning_rate : float
    learning_rates : mapping of str to float
        Of those groups that have one of their own: student, teacher_filters, student_filters, sigma, critics.
    schedule : Constant, Milestones, Linear or Cosine, or mapping of Phase to these
        What multiplies the learning rates over the epochs or steps, in all phases or in each.
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
    rng : int or numpy.random.Generator
        Seeds the order of the samples and what augments them. Of a Generator one integer is drawn, which `rng` then is,
        so that a run can be resumed. Dropout and its like draw from torch's global generator.
    workers : int
        Processes that load samples of a Dataset; tensors need none.
    metrics : iterable of Metric
        What `evaluate` and `test` tell beside accuracy and cross-entropy, and the history of the validation data: such
        as `TopAccuracy(5)`, `Perplexity()` and `MeanIoU(n_classes)`.
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
    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.05
    learning_rates: Mapping[str, float] = field(default_factory=dict)
    schedule: Constant | Mapping[Phase, Constant] = field(default_factory=Constant)
    momentum: float = 0.9
    nesterov: bool = True
    betas: tuple[float, float] = (0.9, 0.999)
    decayed: Decayed = "all"
    weight_decay: float = 5e-4
    weight_decays: Mapping[str, float] = field(default_factory=dict)
    clip_norm: float | None = 100.0
    precision: Precision = "float32"
    drop_last: bool = True
    keep: Kept = "last"
    rng: Rng = 0
    workers: int = 0
    metrics: Iterable[Metric] = ()
    progress: bool | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        counts = {name: check_count(name, getattr(self, name)) for name in ("epochs", "batch_size", "accumulate")}
        clip_norm = self.clip_norm
        if clip_norm is not None:
            clip_norm = real_number("clip_norm", clip_norm, above=0.0, finite=False, remedy="None does not clip")
        keep_checked(
            self,
            **counts,
            optimiser=one_of("optimiser", self.optimiser, get_args(Optimiser)),
            learning_rate=real_number("learning_rate", self.learning_rate, least=0.0),
            learning_rates=_by_group("learning_rates", self.learning_rates),
            momentum=real_number("momentum", self.momentum, least=0.0, below=1.0),
            nesterov=flag("nesterov", self.nesterov),
            betas=_betas(self.betas),
            decayed=one_of("decayed", self.decayed, get_args(Decayed)),
            weight_decay=real_number("weight_decay", self.weight_decay, least=0.0),
            weight_decays=_by_group("weight_decays", self.weight_decays),
            clip_norm=clip_norm,
            precision=one_of("precision", self.precision, get_args(Precision)),
            drop_last=flag("drop_last", self.drop_last),
            keep=one_of("keep", self.keep, get_args(Kept)),
            rng=integer_seed(self.rng),
            workers=whole_number("workers", self.workers),
            metrics=check_metrics(self.metrics),
            progress=None if self.progress is None else flag("progress", self.progress),
        )
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
                f"schedule must be Constant, Milestones, Linear or Cosine, or map a Phase to one; it is {schedule!r}"
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
        plain["betas"] = list(self.betas)
        for name in ("learning_rates", "weight_decays"):
            plain[name] = {group: float(value) for group, value in sorted(plain[name].items())}
        return plain


def _betas(betas: object) -> tuple[float, float]:
    """Return two numbers in [0, 1)."""
    found = items_of("betas", betas)
    if len(found) != 2:
        raise InputError(f"betas must be two numbers, such as (0.9, 0.999), not {len(found)}")
    first, second = (real_number("betas", beta, least=0.0, below=1.0) for beta in found)
    return first, second


def _by_group(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return numbers of at least 0 by parameter group."""
    values = mapping_of(name, values)
    for group in values:
        if group not in PARAMETER_GROUPS:
            groups = ", ".join(map(repr, PARAMETER_GROUPS))
            raise InputError(f"{name} holds {group!r}, which is no group; the groups are {groups}")
    return {group: real_number(f"{name}[{group!r}]", value, least=0.0) for group, value in values.items()}
