"""Published settings by name: an objective with its architecture and weight as printed, phases and the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor

from pidkit.arguments import one_of, whole_number
from pidkit.distill.objective import Objective
from pidkit.distill.objectives.attention import AttentionTransfer
from pidkit.distill.objectives.catkd import CATKD
from pidkit.distill.objectives.crd import CRD
from pidkit.distill.objectives.cross_entropy import CrossEntropy
from pidkit.distill.objectives.dkd import DKD
from pidkit.distill.objectives.fitnet import FitNet
from pidkit.distill.objectives.logits import KD
from pidkit.distill.objectives.masking import SalientMask
from pidkit.distill.objectives.mimkd import MIMKD
from pidkit.distill.objectives.pkt import PKT
from pidkit.distill.objectives.reviewkd import ReviewKD
from pidkit.distill.objectives.rid import RID
from pidkit.distill.objectives.rkd import RKD
from pidkit.distill.objectives.semckd import SemCKD
from pidkit.distill.objectives.sp import SP
from pidkit.distill.objectives.standardised import StandardisedLogits
from pidkit.distill.objectives.sums import WeightedSum
from pidkit.distill.objectives.ted import TED
from pidkit.distill.objectives.vid import VID
from pidkit.distill.pairing import LossReduction, checked_pairs
from pidkit.distill.phases import Phases
from pidkit.distill.places import LayerPair
from pidkit.distill.training.options import TrainerOptions
from pidkit.distill.training.schedules import Milestones
from pidkit.errors import InputError

Experiment = Literal["rid-cifar-10", "rid-cifar-100", "rid-cub", "crd-cifar-100"]
"""The experiments whose settings are known: three of the RID paper, and the benchmark of CRD's code that most share."""


@dataclass(frozen=True)
class Preset:
    """What a paper trained with.

    Attributes
    ----------
    objective : WeightedSum
        "labels", the cross-entropy, and the method by its name, with the published weights.
    phases : Phases
    options : TrainerOptions
        Epochs, batch size, learning rate and its drops, weight decay and clipping.
    """

    objective: WeightedSum
    phases: Phases
    options: TrainerOptions


@dataclass(frozen=True)
class _Schedule:
    """Epochs, batch size, learning rate, the epochs at whose start it falls, and the factor; RID's phases."""

    epochs: int
    batch_size: int
    learning_rate: float
    drops: tuple[int, ...]
    by: float
    phases: dict[str, Any]
    clip_norm: float | None = None


SCHEDULES: dict[str, _Schedule] = {
    "rid-cifar-10": _Schedule(
        300, 128, 0.05, (150, 200), 0.2, {"warm_up": 30, "cycle": 30, "teacher_share": 0.25}, 100.0
    ),
    "rid-cifar-100": _Schedule(
        250, 128, 0.1, (60, 120, 160), 0.2, {"warm_up": 5, "cycle": 5, "teacher_share": 0.2}, 100.0
    ),
    "rid-cub": _Schedule(250, 128, 0.1, (150, 200), 0.2, {"warm_up": 20, "cycle": 20, "teacher_share": 0.2}, 100.0),
    "crd-cifar-100": _Schedule(240, 64, 0.05, (150, 180, 210), 0.1, {}),
}
"""Dissanayake et al., AISTATS 2025, appendix D.2 and published code; Tian et al., ICLR 2020, published code."""

WEIGHTS: dict[tuple[str, str], dict[str, float]] = {
    ("rid", "rid-cifar-10"): {"labels": 1.0, "rid": 10.0},
    ("vid", "rid-cifar-10"): {"labels": 1.0, "vid": 100.0},
    ("ted", "rid-cifar-10"): {"labels": 1.0, "ted": 10.0},
    ("vid", "rid-cifar-100"): {"labels": 1.0, "vid": 100.0},
    ("vid", "rid-cub"): {"labels": 1.0, "vid": 100.0},
    ("kd", "crd-cifar-100"): {"labels": 0.1, "kd": 0.9},
    ("fitnet", "crd-cifar-100"): {"labels": 1.0, "fitnet": 100.0},
    ("at", "crd-cifar-100"): {"labels": 1.0, "at": 1000.0},
    ("sp", "crd-cifar-100"): {"labels": 1.0, "sp": 3000.0},
    ("vid", "crd-cifar-100"): {"labels": 1.0, "vid": 1.0},
    ("rkd", "crd-cifar-100"): {"labels": 1.0, "rkd": 1.0},
    ("pkt", "crd-cifar-100"): {"labels": 1.0, "pkt": 30000.0},
    ("crd", "crd-cifar-100"): {"labels": 1.0, "crd": 0.8},
    ("dkd", "crd-cifar-100"): {"labels": 1.0, "dkd": 1.0},
    ("reviewkd", "crd-cifar-100"): {"labels": 1.0, "reviewkd": 5.0},
    ("catkd", "crd-cifar-100"): {"labels": 1.0, "catkd": 15.0},
    ("semckd", "crd-cifar-100"): {"labels": 1.0, "kd": 1.0, "semckd": 400.0},
    ("ls", "crd-cifar-100"): {"labels": 0.1, "ls": 9.0},
    ("mimkd", "crd-cifar-100"): {"labels": 1.0, "mimkd": 1.0},
    ("sfkd", "crd-cifar-100"): {"labels": 0.1, "sfkd": 0.9},
}
"""The weights of the terms by method and experiment, from the papers and their published codes."""

Method = Literal[
    "rid", "vid", "ted", "kd", "fitnet", "at", "sp", "rkd", "pkt", "crd", "dkd", "reviewkd", "catkd", "semckd", "ls",
    "mimkd", "sfkd",
]  # fmt: skip
"""The methods with a preset, by name."""


@dataclass(frozen=True)
class _Given:
    """What a method is built from."""

    pairs: tuple[LayerPair, ...]
    n_classes: int
    reduction: LossReduction
    labels: Tensor | None
    batch_size: int


def preset(
    name: Method,
    paper: Experiment,
    *,
    pairs: Iterable[LayerPair],
    n_classes: int,
    labels: Tensor | None = None,
    reduction: LossReduction = "mean",
) -> Preset:
    """Return a method as a paper trained with it: objective, weights, phases, schedule.

    Parameters
    ----------
    name : str
        The method, such as "rid", "vid", "ted", "crd", "mimkd", "sfkd" (salient masks around KD) or "ls" (KD of
        standardised logits).
    paper : "rid-cifar-10", "rid-cifar-100", "rid-cub" or "crd-cifar-100"
        Whose experiment: the weights of one method differ between papers, VID's from 1 to 100.
    pairs : iterable of LayerPair
        Such as `networks.pairs`; of the last one alone where a method takes a single layer before the classifier.
    n_classes : int
    labels : Tensor of int64, optional
        Of all training samples, for "crd".
    reduction : "mean" or "sum"
        For "rid", "vid", "ted" and "fitnet": the means of the published codes, which the weights are for, or the sums
        that the papers print. Of sums with these weights the student learns nothing: the sums of RID on CIFAR-10
        come to C P^(2/3), some 500, times the means.

    Raises
    ------
    InputError
        If there are no such settings (those there are get named), `labels` are missing, or `reduction="sum"` is asked
        of a method that has no other form.

    Notes
    -----
    The benchmark trains by plain momentum; `TrainerOptions` has Nesterov's, which RID's paper names. MIMKD gets the
    schedule of the benchmark and its own weights of terms; SFKD the benchmark's weights of KD, and K = .5, the lower
    end of where the paper finds the information level off. TED begins from a student that was trained without
    distillation. The published code of RID trains its CIFAR-10 run called TED by RID's own class; here TED is TED.

    Source: the papers and codes named in `SCHEDULES` and `WEIGHTS`, and in each objective.

    Examples
    --------
    >>> pairs = [LayerPair("block4", "block4", (128, 8, 8), (64, 8, 8))]
    >>> rid = preset("rid", "rid-cifar-10", pairs=pairs, n_classes=10)
    >>> rid.objective.weights, rid.phases.warm_up, rid.options.epochs
    ({'labels': 1.0, 'rid': 10.0}, 30, 300)
    """
    one_of("name", name, get_args(Method))
    one_of("paper", paper, get_args(Experiment))
    one_of("reduction", reduction, get_args(LossReduction))
    if (name, paper) not in WEIGHTS:
        there = ", ".join(f"{method!r} of {whose!r}" for method, whose in WEIGHTS if method == name)
        raise InputError(f"paper {paper!r} has no settings of name {name!r}; there are {there}")
    if reduction == "sum" and name not in ("rid", "vid", "ted", "fitnet"):
        raise InputError(f"reduction='sum' is printed for rid, vid, ted and fitnet, not for {name!r}; leave it out")
    schedule = SCHEDULES[paper]
    given = _Given(
        checked_pairs(pairs), whole_number("n_classes", n_classes, least=2), reduction, labels, schedule.batch_size
    )
    weights = WEIGHTS[name, paper]
    phases = schedule.phases if name in ("rid", "ted") else {}
    if name == "ted":
        phases = {"warm_up": schedule.phases["warm_up"]}
    options = TrainerOptions(
        epochs=schedule.epochs,
        batch_size=schedule.batch_size,
        learning_rate=schedule.learning_rate,
        schedule=Milestones(epochs=schedule.drops, by=schedule.by),
        momentum=0.9,
        weight_decay=5e-4,
        clip_norm=schedule.clip_norm,
    )
    terms = {term: _METHODS[term](given) for term in weights}
    return Preset(WeightedSum(terms, weights), Phases(**phases), options)


def _crd(given: _Given) -> CRD:
    """Return CRD of the last pair, with a memory of all samples."""
    if given.labels is None:
        raise InputError("labels are missing: 'crd' remembers every training sample; pass those of all of them")
    return CRD(given.pairs[-1], given.labels)


_METHODS: dict[str, Callable[[_Given], Objective]] = {
    "labels": lambda given: CrossEntropy(),
    "rid": lambda given: RID(
        given.pairs,
        n_classes=given.n_classes,
        initial_sigma=5.0,
        widening=2,
        head_pool=False,
        reduction=given.reduction,
    ),
    "vid": lambda given: VID(given.pairs, depth=3, initial_sigma=5.0**0.5, reduction=given.reduction),
    "ted": lambda given: TED(given.pairs, n_classes=given.n_classes, reduction=given.reduction),
    "kd": lambda given: KD(4.0),
    "fitnet": lambda given: FitNet(given.pairs, reduction=given.reduction),
    "at": lambda given: AttentionTransfer(given.pairs),
    "sp": lambda given: SP(given.pairs[-1:]),
    "rkd": lambda given: RKD(given.pairs[-1:]),
    "pkt": lambda given: PKT(given.pairs[-1:]),
    "crd": _crd,
    "dkd": lambda given: DKD(1.0, 8.0, temperature=4.0, warm_up=20),
    "reviewkd": lambda given: ReviewKD(given.pairs),
    "semckd": lambda given: SemCKD(given.pairs, batch_size=given.batch_size),
    "ls": lambda given: StandardisedLogits(KD(2.0)),
    "catkd": lambda given: CATKD(given.pairs),
    "mimkd": lambda given: MIMKD(given.pairs, critic="concatenate-and-convolve"),
    "sfkd": lambda given: SalientMask(KD(4.0), keep=0.5, logits="magnitude", fill="zero", layers=()),
}
