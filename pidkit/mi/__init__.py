"""Mutual information from samples: `estimate_mi`, estimators that say what kind of number they give, and known tasks.

The neural estimators live in `pidkit.mi.neural`, which loads torch; nothing here does until one of them is asked for.
"""

from pidkit.mi.decoder import LabelDecoder, ReconstructionDecoder
from pidkit.mi.estimate import ESTIMATORS, estimate_mi
from pidkit.mi.gaussian import GaussianCopulaMI, GaussianMI
from pidkit.mi.knn import KSG
from pidkit.mi.mixed import Gao, Ross
from pidkit.mi.plugin import PlugIn
from pidkit.mi.result import MIEstimate
from pidkit.mi.tasks import TASKS, Task, gaussian_task

__all__ = [
    "ESTIMATORS",
    "KSG",
    "TASKS",
    "Gao",
    "GaussianCopulaMI",
    "GaussianMI",
    "LabelDecoder",
    "MIEstimate",
    "PlugIn",
    "ReconstructionDecoder",
    "Ross",
    "Task",
    "estimate_mi",
    "gaussian_task",
]
