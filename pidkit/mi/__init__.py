"""Mutual information from samples: `estimate_mi`, estimators that say what kind of number they give, and known tasks.

The neural estimators live in `pidkit.mi.neural`, which loads torch; nothing here does until one of them is asked for.
Names are loaded on first use, so that `import pidkit.mi` costs next to nothing.
"""

from typing import TYPE_CHECKING

from pidkit._lazy import attach

if TYPE_CHECKING:
    from pidkit.mi.beyond_normal import BEYOND_NORMAL as BEYOND_NORMAL
    from pidkit.mi.calibrated import Calibrated as Calibrated
    from pidkit.mi.check import SampleCheck as SampleCheck
    from pidkit.mi.check import check_samples as check_samples
    from pidkit.mi.conditional import ConditionalCalibrated as ConditionalCalibrated
    from pidkit.mi.conditional import ConditionalKSG as ConditionalKSG
    from pidkit.mi.conditional import ConditionalMixed as ConditionalMixed
    from pidkit.mi.conditional_models import ConditionalGaussian as ConditionalGaussian
    from pidkit.mi.conditional_models import ConditionalLabelDecoder as ConditionalLabelDecoder
    from pidkit.mi.conditional_models import ConditionalPlugIn as ConditionalPlugIn
    from pidkit.mi.decoder import DECODER_BUDGET as DECODER_BUDGET
    from pidkit.mi.decoder import FittedLabelDecoder as FittedLabelDecoder
    from pidkit.mi.decoder import LabelDecoder as LabelDecoder
    from pidkit.mi.decoder import ReconstructionDecoder as ReconstructionDecoder
    from pidkit.mi.estimate import ESTIMATORS as ESTIMATORS
    from pidkit.mi.estimate import Estimator as Estimator
    from pidkit.mi.estimate import estimate_mi as estimate_mi
    from pidkit.mi.estimate_conditional import CONDITIONAL_ESTIMATORS as CONDITIONAL_ESTIMATORS
    from pidkit.mi.estimate_conditional import estimate_conditional_mi as estimate_conditional_mi
    from pidkit.mi.gaussian import GaussianCopulaMI as GaussianCopulaMI
    from pidkit.mi.gaussian import GaussianMI as GaussianMI
    from pidkit.mi.knn import KSG as KSG
    from pidkit.mi.mixed import Gao as Gao
    from pidkit.mi.mixed import Ross as Ross
    from pidkit.mi.plugin import PlugIn as PlugIn
    from pidkit.mi.result import MIEstimate as MIEstimate
    from pidkit.mi.tasks import TASKS as TASKS
    from pidkit.mi.tasks import Task as Task
    from pidkit.mi.tasks import gaussian_task as gaussian_task
    from pidkit.nn import TrainingBudget as TrainingBudget

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "estimate_mi": "pidkit.mi.estimate",
        "estimate_conditional_mi": "pidkit.mi.estimate_conditional",
        "check_samples": "pidkit.mi.check",
        "SampleCheck": "pidkit.mi.check",
        "Estimator": "pidkit.mi.estimate",
        "CONDITIONAL_ESTIMATORS": "pidkit.mi.estimate_conditional",
        "ESTIMATORS": "pidkit.mi.estimate",
        "MIEstimate": "pidkit.mi.result",
        "KSG": "pidkit.mi.knn",
        "Calibrated": "pidkit.mi.calibrated",
        "Ross": "pidkit.mi.mixed",
        "Gao": "pidkit.mi.mixed",
        "PlugIn": "pidkit.mi.plugin",
        "GaussianMI": "pidkit.mi.gaussian",
        "GaussianCopulaMI": "pidkit.mi.gaussian",
        "ConditionalCalibrated": "pidkit.mi.conditional",
        "ConditionalKSG": "pidkit.mi.conditional",
        "ConditionalMixed": "pidkit.mi.conditional",
        "ConditionalPlugIn": "pidkit.mi.conditional_models",
        "ConditionalGaussian": "pidkit.mi.conditional_models",
        "ConditionalLabelDecoder": "pidkit.mi.conditional_models",
        "LabelDecoder": "pidkit.mi.decoder",
        "FittedLabelDecoder": "pidkit.mi.decoder",
        "ReconstructionDecoder": "pidkit.mi.decoder",
        "DECODER_BUDGET": "pidkit.mi.decoder",
        "TrainingBudget": "pidkit.nn",
        "Task": "pidkit.mi.tasks",
        "gaussian_task": "pidkit.mi.tasks",
        "TASKS": "pidkit.mi.tasks",
        "BEYOND_NORMAL": "pidkit.mi.beyond_normal",
    },
)
