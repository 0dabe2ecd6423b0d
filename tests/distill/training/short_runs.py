"""A trainer of a small network over a few epochs."""

from collections.abc import Callable
from typing import Any

from pidkit.distill import (
    CrossEntropy,
    Networks,
    Phases,
    Trainer,
    TrainerOptions,
)
from tests.distill.toys import blobs, composed, tapped

OPTIONS = {"epochs": 4, "batch_size": 12, "progress": False}

PHASES: dict[str, Any] = {"warm_up": 1, "cycle": 3, "teacher_share": 1 / 3}


def trainer(
    objective: Callable[..., Any] | None = None,
    *,
    phases: Phases | None = None,
    networks: Networks | None = None,
    **given: Any,
) -> Trainer:
    networks = networks or tapped()
    options = TrainerOptions(**{**OPTIONS, **given.pop("options", {})})
    given = {"train": blobs(36), "validation": blobs(30, seed=1), "test": blobs(30, seed=2), **given}
    return Trainer(networks, (objective or composed)(networks), phases or Phases(**PHASES), options, **given)


def cross_entropy(networks: Networks) -> CrossEntropy:
    return CrossEntropy()
