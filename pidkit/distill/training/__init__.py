"""A ready-made training loop: `Trainer` with its options, data, optimisers, checkpoints, history and evaluation."""

from pidkit.distill.training.augmentation import CropAndFlip
from pidkit.distill.training.callbacks import EpochEnd
from pidkit.distill.training.evaluation import Evaluation, evaluate
from pidkit.distill.training.history import EpochRecord, History
from pidkit.distill.training.metrics import MeanIoU, Metric, Perplexity, TopAccuracy
from pidkit.distill.training.mixing import CutMix, Mixup
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.schedules import Constant, Cosine, Linear, Milestones
from pidkit.distill.training.trainer import Trainer

__all__ = [
    "Constant",
    "Cosine",
    "CropAndFlip",
    "CutMix",
    "EpochEnd",
    "EpochRecord",
    "Evaluation",
    "History",
    "Linear",
    "MeanIoU",
    "Metric",
    "Milestones",
    "Mixup",
    "Perplexity",
    "TopAccuracy",
    "Trainer",
    "TrainerOptions",
    "evaluate",
]
