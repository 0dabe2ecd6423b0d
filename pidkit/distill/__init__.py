"""Information in training: a student and its teachers, objectives, phases, and the atoms of both while one learns.

Needs the torch extra.
"""

from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.centres import NearestCentres
from pidkit.distill.codes import Codes, LogitCodes, SoftCodes
from pidkit.distill.feature_bank import FeatureBank
from pidkit.distill.initialise import norm_projection, project_layer, singular_projection
from pidkit.distill.layer_decoder import LayerDecoder
from pidkit.distill.networks import Distillation, FrozenTeacher, Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.attention import AttentionTransfer
from pidkit.distill.objectives.cross_entropy import CrossEntropy
from pidkit.distill.objectives.decoded import DecodedKD
from pidkit.distill.objectives.fitnet import FitNet
from pidkit.distill.objectives.logits import KD, linear_schedule
from pidkit.distill.objectives.masking import SalientMask, keep_top, top_fraction_mask
from pidkit.distill.objectives.mimkd import MIMKD
from pidkit.distill.objectives.redundancy import ExactRedundancy
from pidkit.distill.objectives.rid import RID, FilteredPair
from pidkit.distill.objectives.several import SeveralTeachers, redundancy_weights
from pidkit.distill.objectives.sums import WeightedSum
from pidkit.distill.objectives.ted import TED
from pidkit.distill.objectives.transformer import AttentionMaps, HiddenStates
from pidkit.distill.objectives.vid import VID
from pidkit.distill.phases import Phase, Phases
from pidkit.distill.places import LayerPair
from pidkit.distill.posterior_codes import PosteriorCodes
from pidkit.distill.probe import AtomProbe, measure_assumption
from pidkit.distill.soft_pid import SoftPID, soft_pair_atoms, soft_pid
from pidkit.distill.tapping import tap
from pidkit.distill.training import (
    Constant,
    Cosine,
    EpochEnd,
    EpochRecord,
    Evaluation,
    History,
    Milestones,
    Trainer,
    TrainerOptions,
    evaluate,
)

__all__ = [
    "KD",
    "MIMKD",
    "RID",
    "TED",
    "VID",
    "AtomProbe",
    "AttentionMaps",
    "AttentionTransfer",
    "Batch",
    "Codes",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "DecodedKD",
    "Distillation",
    "EpochEnd",
    "EpochRecord",
    "Evaluation",
    "ExactRedundancy",
    "FeatureBank",
    "FilteredPair",
    "FitNet",
    "FrozenTeacher",
    "HiddenStates",
    "History",
    "LayerDecoder",
    "LayerPair",
    "LogitCodes",
    "Milestones",
    "NearestCentres",
    "Networks",
    "Objective",
    "Outputs",
    "Phase",
    "Phases",
    "PosteriorCodes",
    "SalientMask",
    "SeveralTeachers",
    "SoftCodes",
    "SoftPID",
    "Trainer",
    "TrainerOptions",
    "WeightedSum",
    "evaluate",
    "keep_top",
    "linear_schedule",
    "measure_assumption",
    "norm_projection",
    "project_layer",
    "redundancy_weights",
    "singular_projection",
    "soft_pair_atoms",
    "soft_pid",
    "tap",
    "top_fraction_mask",
]
