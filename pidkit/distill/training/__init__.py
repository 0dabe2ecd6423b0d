"""A ready-made training loop: `Trainer` with its options, data, optimisers, checkpoints, history and evaluation."""

from pidkit.distill.training.augmentation import CropAndFlip
from pidkit.distill.training.callbacks import EpochEnd
from pidkit.distill.training.evaluation import Evaluation, evaluate
from pidkit.distill.training.history import EpochRecord, History
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.schedules import Constant, Cosine, Milestones
from pidkit.distill.training.trainer import Trainer

__all__ = [
    "Constant",
    "Cosine",
    "CropAndFlip",
    "EpochEnd",
    "EpochRecord",
    "Evaluation",
    "History",
    "Milestones",
    "Trainer",
    "TrainerOptions",
    "evaluate",
]
