"""Information in training: a student and its teachers, objectives, phases, and the atoms of both while one learns.

Needs the torch extra. By group, as in `__all__`:

- networks: what a step runs, and in which phase
- composing: the protocol of objectives, sums of them, and what goes around one
- answers: objectives of the logits
- layers: objectives of layers that are compared place by place
- relations: objectives of samples that are compared with each other
- information: objectives that bound or measure information, and the codes and decoders they need
- teachers: several at once
- regularisers: of the student alone
- order: which samples count and which layers learn, by epoch
- starting: published settings, and a student that begins from its teacher
- smaller: layers left out, and weights of few bits
- without data: inputs made out of the teacher
- training: a loop, its options and its record
- measuring: atoms and assumptions meanwhile; transfer to other data, and time
"""

from pidkit.distill.batch import Batch, Outputs
from pidkit.distill.batch_statistics import StatisticsGap
from pidkit.distill.centres import NearestCentres
from pidkit.distill.codes import Codes, LogitCodes, SoftCodes
from pidkit.distill.copying import copy_weights
from pidkit.distill.difficulties import difficulties_by
from pidkit.distill.distillation import Distillation
from pidkit.distill.dropping import drop_layers, layer_sensitivities
from pidkit.distill.fake_quantisation import bake_weights, fake_quantise
from pidkit.distill.feature_bank import FeatureBank
from pidkit.distill.filters import FilteredPair
from pidkit.distill.frozen_teacher import FrozenTeacher
from pidkit.distill.inference import inference_seconds
from pidkit.distill.initialise import norm_projection, project_layer, singular_projection
from pidkit.distill.inversion import deep_inversion
from pidkit.distill.layer_decoder import LayerDecoder
from pidkit.distill.networks import Networks
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.adaptive import AdaptiveWeight
from pidkit.distill.objectives.aekd import AEKD
from pidkit.distill.objectives.alignment import CrossModalAlignment
from pidkit.distill.objectives.attention import AttentionTransfer
from pidkit.distill.objectives.catkd import CATKD, ClassMaps
from pidkit.distill.objectives.cc import CC
from pidkit.distill.objectives.crd import CRD
from pidkit.distill.objectives.cross_entropy import CrossEntropy
from pidkit.distill.objectives.curriculum import Curriculum
from pidkit.distill.objectives.decoded import DecodedKD
from pidkit.distill.objectives.dist import DIST
from pidkit.distill.objectives.dkd import DKD
from pidkit.distill.objectives.feature_covariance import FeatureCovariance
from pidkit.distill.objectives.fitnet import FitNet
from pidkit.distill.objectives.freezing import ProgressiveFreezing
from pidkit.distill.objectives.gradient_norm import GradientNorm
from pidkit.distill.objectives.hidden_states import HiddenStates
from pidkit.distill.objectives.label_information import LabelInformation
from pidkit.distill.objectives.logits import KD
from pidkit.distill.objectives.masking import SalientMask
from pidkit.distill.objectives.mimkd import MIMKD
from pidkit.distill.objectives.mlkd import MLKD
from pidkit.distill.objectives.pkt import PKT
from pidkit.distill.objectives.pyramid import FeaturePyramid
from pidkit.distill.objectives.quantisation import QuantisationError
from pidkit.distill.objectives.redundancy import ExactRedundancy
from pidkit.distill.objectives.reviewkd import ReviewKD
from pidkit.distill.objectives.rid import RID
from pidkit.distill.objectives.rkd import RKD
from pidkit.distill.objectives.semckd import SemCKD
from pidkit.distill.objectives.several import SeveralTeachers, redundancy_weights
from pidkit.distill.objectives.simkd import ReusedHead, SimKD
from pidkit.distill.objectives.sp import SP
from pidkit.distill.objectives.standardised import StandardisedLogits
from pidkit.distill.objectives.sums import WeightedSum
from pidkit.distill.objectives.teacher_mean import MeanOfTeachers
from pidkit.distill.objectives.ted import TED
from pidkit.distill.objectives.topkd import TopKD
from pidkit.distill.objectives.transformer import AttentionMaps
from pidkit.distill.objectives.unique import UniqueWeight
from pidkit.distill.objectives.vid import VID
from pidkit.distill.phases import Phase, Phases
from pidkit.distill.places import LayerPair
from pidkit.distill.posterior_codes import PosteriorCodes
from pidkit.distill.presets import Preset, preset
from pidkit.distill.probe import AtomProbe, measure_assumption
from pidkit.distill.prompting import Prompted
from pidkit.distill.salience import keep_top, top_fraction_mask
from pidkit.distill.soft_pid import SoftPID, soft_pair_atoms, soft_pid
from pidkit.distill.tapping import tap
from pidkit.distill.teacher_cache import TeacherCache
from pidkit.distill.temperatures import linear_schedule
from pidkit.distill.top_logits import TopLogits
from pidkit.distill.training import (
    Constant,
    Cosine,
    CropAndFlip,
    CutMix,
    EpochEnd,
    EpochRecord,
    Evaluation,
    History,
    Linear,
    MeanIoU,
    Metric,
    Milestones,
    Mixup,
    Perplexity,
    TopAccuracy,
    Trainer,
    TrainerOptions,
    evaluate,
)
from pidkit.distill.transfer import linear_transfer

# In groups and not in order of the alphabet: this is the layer's table of contents.
# fmt: off
__all__ = [  # noqa: RUF022
    # networks
    "tap", "Networks", "LayerPair", "Batch", "Outputs", "FrozenTeacher", "TeacherCache", "Distillation",
    "Phase", "Phases", "Prompted",
    # composing
    "Objective", "WeightedSum", "SalientMask", "keep_top", "top_fraction_mask", "StandardisedLogits",
    # answers
    "CrossEntropy", "KD", "TopKD", "TopLogits", "linear_schedule", "DKD", "MLKD", "DIST", "DecodedKD", "LayerDecoder",
    # layers
    "FitNet", "AttentionTransfer", "AttentionMaps", "HiddenStates", "FeaturePyramid", "ReviewKD", "SemCKD",
    "CATKD", "ClassMaps", "SimKD", "ReusedHead",
    # relations
    "SP", "CC", "RKD", "PKT",
    # information
    "VID", "TED", "RID", "FilteredPair", "MIMKD", "FeatureBank", "CRD", "CrossModalAlignment",
    "ExactRedundancy", "Codes", "NearestCentres", "LogitCodes", "SoftCodes", "PosteriorCodes",
    "soft_pid", "soft_pair_atoms", "SoftPID",
    # teachers
    "SeveralTeachers", "redundancy_weights", "MeanOfTeachers", "AEKD", "AdaptiveWeight", "UniqueWeight",
    # regularisers
    "GradientNorm", "FeatureCovariance", "LabelInformation", "QuantisationError",
    # order
    "Curriculum", "difficulties_by", "ProgressiveFreezing",
    # starting
    "preset", "Preset", "project_layer", "singular_projection", "norm_projection", "copy_weights",
    # smaller
    "layer_sensitivities", "drop_layers", "fake_quantise", "bake_weights",
    # without data
    "deep_inversion", "StatisticsGap",
    # training
    "Trainer", "TrainerOptions", "Constant", "Milestones", "Linear", "Cosine", "CropAndFlip", "Mixup", "CutMix",
    "History", "EpochRecord", "EpochEnd", "Evaluation", "evaluate", "Metric", "TopAccuracy", "Perplexity", "MeanIoU",
    # measuring
    "AtomProbe", "measure_assumption", "linear_transfer", "inference_seconds",
]
# fmt: on
