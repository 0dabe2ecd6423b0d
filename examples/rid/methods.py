"""The methods by name: what each adds to the student's cross-entropy, and its phases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pidkit.distill import (
    CRD,
    DKD,
    KD,
    MIMKD,
    RID,
    SP,
    TED,
    VID,
    AdaptiveWeight,
    AttentionTransfer,
    CrossEntropy,
    DecodedKD,
    ExactRedundancy,
    FitNet,
    LayerDecoder,
    LayerPair,
    NearestCentres,
    Networks,
    Objective,
    Phase,
    Phases,
    PosteriorCodes,
    SalientMask,
    SoftCodes,
    UniqueWeight,
    WeightedSum,
)
from pidkit.info import entropy


@dataclass(frozen=True, kw_only=True)
class MethodSettings:
    """What the methods can be told."""

    n_classes: int = 10
    temperature: float = 4.0  # of KD
    measure_every: int = 10  # epochs between two measurements of the weight of AdaptiveKD
    layers_every: int = 8  # the same for those of UniqueFitNet and UniqueVID
    measured_on: int = 7  # it is measured on every seventh held-out image
    kept_logits: float = 0.5  # SFKD's K, of logits or of layers
    warm_up: int = 4  # n_w, epochs in which the filters of RID and TED learn alone
    cycle: int = 4  # RID's q
    teacher_share: float = 0.25  # RID's r
    sigma: str = "learned"  # RID's weights; or "closed-form"
    critic_width: int = 32  # of MIMKD
    local_weight: float = 0.75  # its l_l
    feature_weight: float = 1.0  # its l_f
    bank_size: int = 512  # teacher's features that it keeps
    n_negatives: int = 1024  # of CRD, a sample
    embedding: int = 64  # length of its vectors
    n_codes: int = 10  # of the exact redundancy, for the teacher and for the student
    n_pca: int = 10
    pool_decoded: bool = False  # whether decoders read channels averaged over the places
    code_temperature: float = 0.1  # nats; of the student's codes of posteriors
    joint_momentum: float = 0.9  # of its joint of labels and codes over the steps


@dataclass(frozen=True)
class Sample:
    """Inputs and labels to fit codes and decoders of the teacher to before training, and others to calibrate them on.

    The teacher may have been trained on the former, and the student will be; neither has seen the latter.
    """

    inputs: Tensor
    labels: Tensor
    held_out: tuple[Tensor, Tensor]

    def shuffled(self, seed: int) -> Sample:
        """Return the same in random order."""
        draws = torch.Generator().manual_seed(seed)
        rows, others = (torch.randperm(len(x), generator=draws) for x in (self.inputs, self.held_out[0]))
        images, labels = self.held_out
        return Sample(self.inputs[rows], self.labels[rows], held_out=(images[others], labels[others]))


Make = Callable[[Networks, MethodSettings, Sample], Objective]

METHODS: dict[str, Make | None] = {
    "BAS": None,
    "KD": lambda networks, settings, sample: KD(settings.temperature),
    "FitNet": lambda networks, settings, sample: FitNet(networks.pairs),
    "AT": lambda networks, settings, sample: AttentionTransfer(networks.pairs),
    "SP": lambda networks, settings, sample: SP(networks.pairs[-1:]),
    "CRD": lambda networks, settings, sample: CRD(
        networks.pairs[-1], sample.labels, n_negatives=settings.n_negatives, embedding=settings.embedding
    ),
    "DKD": lambda networks, settings, sample: DKD(temperature=settings.temperature),
    "VID": lambda networks, settings, sample: VID(networks.pairs),
    "TED": lambda networks, settings, sample: TED(networks.pairs, n_classes=settings.n_classes),
    "RID": lambda networks, settings, sample: RID(networks.pairs, n_classes=settings.n_classes, sigma=settings.sigma),
    "MIMKD": lambda networks, settings, sample: MIMKD(
        networks.pairs,
        width=settings.critic_width,
        bank_size=settings.bank_size,
        weight_local=settings.local_weight,
        weight_feature=settings.feature_weight,
    ),
    "SFKD+KD": lambda networks, settings, sample: SalientMask(
        KD(settings.temperature), keep=settings.kept_logits, layers=()
    ),
    "ExactRedundancy": lambda networks, settings, sample: _exact_redundancy(networks, settings, sample),
    "DecodedRedundancy": lambda networks, settings, sample: _decoded_redundancy(networks, settings, sample),
    "AdaptiveKD": lambda networks, settings, sample: _adaptive_kd(networks, settings, sample),
    "DecodedKD": lambda networks, settings, sample: _decoded_kd(networks, settings, sample),
    "ShareDecodedKD": lambda networks, settings, sample: _share_decoded_kd(networks, settings, sample),
    "AdaptiveKD+Red": lambda networks, settings, sample: WeightedSum(
        {
            "AdaptiveKD": _adaptive_kd(networks, settings, sample),
            "Red": _decoded_redundancy(networks, settings, sample),
        }
    ),
    "WarmRID": lambda networks, settings, sample: RID(
        networks.pairs, n_classes=settings.n_classes, sigma=settings.sigma
    ),
    "UniqueFitNet": lambda networks, settings, sample: _gated(FitNet, networks, settings, sample),
    "UniqueVID": lambda networks, settings, sample: _gated(VID, networks, settings, sample),
    "SFKD+FitNet": lambda networks, settings, sample: SalientMask(
        FitNet(networks.pairs), keep=settings.kept_logits, logits="none"
    ),
}

LATE = ("TED", "WarmRID")
"""The methods whose student learns alone at first."""


PUBLISHED_WEIGHTS: dict[str, float] = {
    "KD": 1.0,
    "FitNet": 100.0,
    "AT": 1000.0,
    "SP": 3000.0,
    "CRD": 0.8,
    "DKD": 1.0,
    "AdaptiveKD": 1.0,
    "VID": 100.0,
    "TED": 10.0,
    "RID": 10.0,
    "MIMKD": 1.0,
    "SFKD+KD": 1.0,
    "ExactRedundancy": 1.0,
    "DecodedRedundancy": 1.0,
    "DecodedKD": 1.0,
    "ShareDecodedKD": 1.0,
    "AdaptiveKD+Red": 1.0,
    "WarmRID": 10.0,
    "UniqueFitNet": 100.0,
    "UniqueVID": 100.0,
    "SFKD+FitNet": 100.0,
}
"""The lambda of each method: those of SP and CRD from CRD's benchmark; our own where the papers print none (TED) or the
method is ours: AdaptiveKD and those of decoded layers."""

TABLE_METHODS = tuple(name for name in METHODS if name != "SFKD+FitNet")
"""Those of the tables; the other one belongs to a study of what is masked."""

DIGITS_METHODS = (
    "BAS",
    "KD",
    "VID",
    "TED",
    "RID",
    "MIMKD",
    "SFKD+KD",
    "ExactRedundancy",
    "DecodedRedundancy",
    "DecodedKD",
)
"""Those of examples/rid_digits.py, whose committed tables they are."""


def _exact_redundancy(networks: Networks, settings: MethodSettings, sample: Sample) -> Objective:
    """Return the redundancy about the label of codes of the last tapped layers."""
    pair = networks.pairs[-1]
    theirs = NearestCentres.fit(
        networks, pair.teacher_layer, sample.inputs, n_codes=settings.n_codes, n_pca=settings.n_pca
    )
    return ExactRedundancy(
        theirs, SoftCodes(pair, settings.n_codes), n_classes=settings.n_classes, momentum=settings.joint_momentum
    )


def _decoded_redundancy(networks: Networks, settings: MethodSettings, sample: Sample) -> Objective:
    """Return the redundancy of what the teacher's layers and the student's answers tell about the label."""
    layers = [pair.teacher_layer for pair in networks.pairs]
    theirs = PosteriorCodes.fit(
        networks,
        layers,
        sample.inputs,
        sample.labels,
        calibrate_on=sample.held_out,
        n_codes=settings.n_codes,
        pool=settings.pool_decoded,
    )
    own = theirs.of_student(temperature=settings.code_temperature)
    return ExactRedundancy(theirs, own, n_classes=settings.n_classes, momentum=settings.joint_momentum)


def _decoded_kd(networks: Networks, settings: MethodSettings, sample: Sample) -> DecodedKD:
    """Return knowledge distillation from what a decoder reads out of all tapped layers of the teacher."""
    decoder = LayerDecoder.fit(
        networks,
        [pair.teacher_layer for pair in networks.pairs],
        sample.inputs,
        sample.labels,
        calibrate_on=sample.held_out,
        pool=settings.pool_decoded,
    )
    return DecodedKD(decoder, settings.temperature)


def _share_decoded_kd(networks: Networks, settings: MethodSettings, sample: Sample) -> Objective:
    """Return the same times the share of H(Y) that the decoder reads on the held-out images, at least none."""
    told = _decoded_kd(networks, settings, sample)
    x, labels = sample.held_out
    with torch.no_grad():
        read = [told.decoder(networks(part, Phase.WARM_UP).teacher) for part in x.split(250)]
    left = functional.nll_loss(torch.cat(read), labels)  # nats that it does not tell
    share = max(0.0, 1.0 - float(left) / entropy(np.bincount(labels.numpy()) / len(labels)))
    return WeightedSum({"DecodedKD": told}, {"DecodedKD": share})


def _gated(make: Callable[..., Objective], networks: Networks, settings: MethodSettings, sample: Sample) -> Objective:
    """Return an objective of layers, of the pairs whose teacher's layer tells what the student does not."""
    images, labels = (part[:: settings.measured_on] for part in sample.held_out)

    def gated(pair: LayerPair) -> Objective:
        return UniqueWeight(make([pair]), networks, pair, sample=(images, labels), every=settings.layers_every)

    return WeightedSum({pair.teacher_layer: gated(pair) for pair in networks.pairs})


def _adaptive_kd(networks: Networks, settings: MethodSettings, sample: Sample) -> Objective:
    """Return knowledge distillation times the measured share of what the student knows that its teacher knows too."""
    images, labels = sample.held_out
    few = slice(None, None, settings.measured_on)
    return AdaptiveWeight(
        KD(settings.temperature), networks, sample=(images[few], labels[few]), every=settings.measure_every
    )


def make_objective(
    method: str, weight: float, networks: Networks, settings: MethodSettings, sample: Sample
) -> WeightedSum:
    """Return cross-entropy + weight * what the method adds."""
    make = METHODS[method]
    if make is None:
        return WeightedSum({"labels": CrossEntropy()})
    return WeightedSum({"labels": CrossEntropy(), method: make(networks, settings, sample)}, {method: weight})


def make_phases(method: str, settings: MethodSettings) -> Phases:
    """Return the phases that the method needs."""
    if method in ("RID", "WarmRID"):
        return Phases(warm_up=settings.warm_up, cycle=settings.cycle, teacher_share=settings.teacher_share)
    return Phases(warm_up=settings.warm_up if method == "TED" else 0)
