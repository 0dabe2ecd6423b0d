"""A valid call of every schedule, metric and mixture of samples that a training takes."""

from __future__ import annotations

import numpy as np

from pidkit import distill
from tests.arguments.doors import Door

TRAINING_DOORS: dict[str, Door] = {
    "linear_schedule": Door(distill.linear_schedule, start=8.0, stop=2.0, n_epochs=5),
    "Constant": Door(distill.Constant),
    "Constant.factor": Door(distill.Constant().factor, epoch=3),
    "Cosine": Door(distill.Cosine, length=5, final=0.5),
    "Cosine.factor": Door(distill.Cosine(length=5).factor, epoch=3),
    "Linear": Door(distill.Linear, length=5, final=0.5),
    "Linear.factor": Door(distill.Linear(length=5).factor, epoch=3),
    "Mixup": Door(distill.Mixup, n_classes=3, alpha=0.5, probability=0.5),
    "CutMix": Door(distill.CutMix, n_classes=3, alpha=0.5, probability=0.5),
    "TopAccuracy": Door(distill.TopAccuracy, k=2),
    "MeanIoU": Door(distill.MeanIoU, n_classes=3),
    "Milestones": Door(lambda **c: distill.Milestones(epochs=(2, np.int64(5)), **c), by=0.5),  # type: ignore[arg-type]
    "Milestones.factor": Door(distill.Milestones(epochs=(2, 5)).factor, epoch=3),
}
