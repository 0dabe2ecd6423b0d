"""Neural estimators of mutual information: pure bounds, critics, and what trains them. This part of mi loads torch."""

from pidkit.mi.neural.bounds import dv, infonce, jsd, mean_score, nwj, smile
from pidkit.mi.neural.critics import ConcatenateAndConvolve, ConcatenatedCritic, ProjectAndDot, SeparableCritic
from pidkit.mi.neural.estimators import NeuralMI
from pidkit.mi.neural.fitted import FittedCritic

__all__ = [
    "ConcatenateAndConvolve",
    "ConcatenatedCritic",
    "FittedCritic",
    "NeuralMI",
    "ProjectAndDot",
    "SeparableCritic",
    "dv",
    "infonce",
    "jsd",
    "mean_score",
    "nwj",
    "smile",
]
