"""A registry of objectives with small networks to run them on: `test_every_objective` checks each for the protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pidkit.distill import (
    AEKD,
    CATKD,
    CC,
    CRD,
    DIST,
    DKD,
    KD,
    MIMKD,
    MLKD,
    PKT,
    RID,
    RKD,
    SP,
    TED,
    VID,
    AdaptiveWeight,
    AttentionMaps,
    AttentionTransfer,
    Batch,
    CrossEntropy,
    CrossModalAlignment,
    Curriculum,
    DecodedKD,
    ExactRedundancy,
    FeatureCovariance,
    FeaturePyramid,
    FitNet,
    GradientNorm,
    HiddenStates,
    LabelInformation,
    LayerDecoder,
    LogitCodes,
    MeanOfTeachers,
    Networks,
    Objective,
    Outputs,
    Phase,
    ProgressiveFreezing,
    QuantisationError,
    ReviewKD,
    SalientMask,
    SemCKD,
    SeveralTeachers,
    SimKD,
    StandardisedLogits,
    TopKD,
    TopLogits,
    UniqueWeight,
    WeightedSum,
    fake_quantise,
    linear_schedule,
)
from tests.distill.objectives.case_networks import (
    N_CLASSES,
    attention_networks,
    borrowing_networks,
    class_map_networks,
    conv_networks,
    token_networks,
    vector_networks,
)

__all__ = ["CASES", "N_CLASSES", "Case", "conv_networks", "random_batch"]


def decoder_of(networks: Networks) -> LayerDecoder:
    """Return a decoder of the teacher's layers, fitted to noise."""
    x = torch.randn(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    layers = [pair.teacher_layer for pair in networks.pairs]
    return LayerDecoder.fit(networks, layers, x, torch.arange(60) % N_CLASSES)


def crd_of(networks: Networks) -> CRD:
    """Return a CRD whose normaliser is known, as after its first batch."""
    crd = CRD(networks.pairs[-1], torch.arange(9) % N_CLASSES, n_negatives=5, embedding=4, temperature=0.5)
    crd.get_buffer("log_normaliser").fill_(9.0)
    return crd


def adaptive_of(networks: Networks) -> AdaptiveWeight:
    """Return a weight that was measured once, and is not again."""
    x = torch.randn(9, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    adaptive = AdaptiveWeight(KD(temperature=2.0), networks, sample=(x, torch.arange(9) % N_CLASSES), every=100)
    adaptive.share.fill_(0.5)
    return adaptive


def unique_of(networks: Networks) -> UniqueWeight:
    """Return a weight that was measured once, and is not again."""
    x = torch.randn(9, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    pair = networks.pairs[-1]
    unique = UniqueWeight(FitNet([pair]), networks, pair, sample=(x, torch.arange(9) % N_CLASSES), every=100)
    unique.share.fill_(0.5)
    return unique


def rounded_networks() -> Networks:
    """Networks whose student has weights of four bits."""
    networks = conv_networks()
    fake_quantise(networks.student, bits=4, activation_bits=None)
    return networks


@dataclass(frozen=True)
class Case:
    """An objective, what it runs on, and the phases in which it has a part."""

    make: Callable[[Networks], Objective]
    networks: Callable[[], Networks] = conv_networks
    phases: tuple[Phase, ...] = (Phase.STUDENT,)
    is_derivative: bool = True
    """Whether the gradient is the derivative of the loss; not where weights are found from gradients and then fixed."""
    needs_graph: bool = False
    """Whether the loss is itself made of gradients in the student's graph."""
    of_weights: bool = False
    """Whether the loss is one of the student's weights, which the objective refers to and does not save."""

    def inputs(self, networks: Networks, n: int) -> Tensor:
        """Random inputs for the student."""
        student: Any = networks.student
        return torch.randn(n, *student.sample_shape)


TWO_STAGES = (Phase.WARM_UP, Phase.STUDENT)
ALL_PHASES = tuple(Phase)

CASES: dict[str, Case] = {
    "CrossEntropy": Case(lambda networks: CrossEntropy()),
    "WeightedSum": Case(
        lambda networks: WeightedSum(
            {"labels": CrossEntropy(), "rid": RID(networks.pairs[1:], n_classes=N_CLASSES)}, {"rid": 0.5}
        ),
        phases=ALL_PHASES,
    ),
    "ExactRedundancy": Case(
        lambda networks: ExactRedundancy(
            LogitCodes(N_CLASSES, temperature=1.0),
            LogitCodes(N_CLASSES, temperature=1.0),
            n_classes=N_CLASSES,
            momentum=0.5,
            tol=1e-10,
        )
    ),
    "KD": Case(lambda networks: KD(temperature=2.0)),
    "TopKD bucket": Case(lambda networks: TopKD(1, temperature=2.0, rest="bucket")),
    "TopKD saved": Case(lambda networks: TopKD(TopLogits.of(torch.arange(27.0).sin().reshape(9, N_CLASSES), 2))),
    "KD scheduled": Case(lambda networks: KD(temperature=linear_schedule(8.0, 2.0, 5))),
    "DecodedKD": Case(lambda networks: DecodedKD(decoder_of(networks), temperature=2.0)),
    "FitNet maps": Case(lambda networks: FitNet(networks.pairs)),
    "FitNet vectors": Case(lambda networks: FitNet(networks.pairs), vector_networks),
    "AttentionTransfer code": Case(lambda networks: AttentionTransfer(networks.pairs)),
    "AttentionTransfer paper": Case(lambda networks: AttentionTransfer(networks.pairs, norm="paper")),
    "AttentionTransfer tokens": Case(lambda networks: AttentionTransfer(networks.pairs, p=1.0), token_networks),
    "AttentionMaps": Case(lambda networks: AttentionMaps(networks.pairs), attention_networks),
    "HiddenStates": Case(lambda networks: HiddenStates(networks.pairs), token_networks),
    "VID maps": Case(lambda networks: VID(networks.pairs)),
    "VID vectors": Case(lambda networks: VID(networks.pairs), vector_networks),
    "VID tokens": Case(lambda networks: VID(networks.pairs), token_networks),
    "TED maps": Case(lambda networks: TED(networks.pairs, n_classes=N_CLASSES), phases=TWO_STAGES),
    "TED flat": Case(lambda networks: TED(networks.pairs[1:], n_classes=N_CLASSES, pool=False), phases=TWO_STAGES),
    "TED tokens": Case(lambda networks: TED(networks.pairs, n_classes=N_CLASSES), token_networks, TWO_STAGES),
    "RID learned": Case(lambda networks: RID(networks.pairs, n_classes=N_CLASSES), phases=ALL_PHASES),
    "RID closed form": Case(
        lambda networks: RID(networks.pairs, n_classes=N_CLASSES, sigma="closed-form"), phases=ALL_PHASES
    ),
    "RID flat": Case(lambda networks: RID(networks.pairs, n_classes=N_CLASSES, head_pool=False), phases=ALL_PHASES),
    "RID vectors": Case(lambda networks: RID(networks.pairs, n_classes=N_CLASSES), vector_networks, ALL_PHASES),
    "RID tokens": Case(lambda networks: RID(networks.pairs, n_classes=N_CLASSES), token_networks, ALL_PHASES),
    "MIMKD maps": Case(lambda networks: MIMKD(networks.pairs, width=8, bank_size=16)),
    "MIMKD concatenate": Case(
        lambda networks: MIMKD(
            networks.pairs,
            critic="concatenate-and-convolve",
            global_critic="concatenate-and-convolve",
            width=8,
            bank_size=16,
        )
    ),
    "MIMKD vectors": Case(lambda networks: MIMKD(networks.pairs, width=8, bank_size=0), vector_networks),
    "MIMKD tokens": Case(lambda networks: MIMKD(networks.pairs, width=8, bank_size=16), token_networks),
    "SeveralTeachers": Case(
        lambda networks: SeveralTeachers({"teacher": RID(networks.pairs, n_classes=N_CLASSES)}, {"teacher": 0.5}),
        phases=ALL_PHASES,
    ),
    "KD standardised": Case(lambda networks: StandardisedLogits(KD(temperature=2.0))),
    "DKD": Case(lambda networks: DKD(temperature=2.0)),
    "DKD warm-up": Case(lambda networks: DKD(beta=2.0, warm_up=8)),
    "DIST": Case(lambda networks: DIST(temperature=2.0)),
    "MLKD": Case(lambda networks: MLKD((1.0, 4.0))),
    "SP": Case(lambda networks: SP(networks.pairs)),
    "CC": Case(lambda networks: CC(networks.pairs)),
    "RKD": Case(lambda networks: RKD(networks.pairs)),
    "PKT": Case(lambda networks: PKT(networks.pairs, reduction="sum")),
    "CRD": Case(lambda networks: crd_of(networks)),
    "SimKD": Case(lambda networks: SimKD(networks.pairs), borrowing_networks),
    "ReviewKD": Case(lambda networks: ReviewKD(networks.pairs, width=4)),
    "CATKD": Case(lambda networks: CATKD(networks.pairs), class_map_networks),
    "SemCKD": Case(lambda networks: SemCKD(networks.pairs, batch_size=8)),
    "AdaptiveWeight": Case(lambda networks: adaptive_of(networks)),
    "UniqueWeight": Case(lambda networks: unique_of(networks)),
    "MeanOfTeachers": Case(lambda networks: MeanOfTeachers(KD(temperature=2.0))),
    "AEKD": Case(lambda networks: AEKD({"teacher": KD(temperature=2.0)}), is_derivative=False),
    "CrossModalAlignment": Case(lambda networks: CrossModalAlignment(networks.pairs[-1], embedding=4)),
    "FeaturePyramid": Case(lambda networks: FeaturePyramid(networks.pairs, [1.0, 0.5], weight_localisation=2.0)),
    "FeaturePyramid boxes": Case(
        lambda networks: FeaturePyramid(networks.pairs, localisation=networks.pairs[0]), class_map_networks
    ),
    "Curriculum": Case(lambda networks: Curriculum(KD(), torch.arange(9.0), n_epochs=4, start=0.5)),
    "ProgressiveFreezing": Case(lambda networks: ProgressiveFreezing(KD(), networks.student, {2: "first"})),
    "QuantisationError": Case(
        lambda networks: QuantisationError(networks.student), rounded_networks, is_derivative=False, of_weights=True
    ),
    "GradientNorm": Case(lambda networks: GradientNorm("first"), needs_graph=True),
    "FeatureCovariance": Case(lambda networks: FeatureCovariance(networks.pairs)),
    "LabelInformation": Case(lambda networks: LabelInformation(networks.pairs, n_classes=N_CLASSES)),
    "FitNet of the teacher": Case(lambda networks: FitNet(networks.pairs, projects="teacher", reduction="sum")),
    "AttentionMaps learned": Case(
        lambda networks: AttentionMaps(networks.pairs, heads="learned", reduction="sum"), attention_networks
    ),
    "RID sums": Case(
        lambda networks: RID(networks.pairs, n_classes=N_CLASSES, initial_sigma=5.0, widening=2, reduction="sum"),
        phases=ALL_PHASES,
    ),
    "RID closed form of sums": Case(
        lambda networks: RID(networks.pairs, n_classes=N_CLASSES, sigma="closed-form", reduction="sum"),
        phases=ALL_PHASES,
    ),
    "VID deep sums": Case(lambda networks: VID(networks.pairs, depth=3, reduction="sum")),
    "SalientMask SP": Case(lambda networks: SalientMask(SP(networks.pairs), keep=0.5)),
    "SalientMask KD": Case(lambda networks: SalientMask(KD(), keep=0.5)),
    "SalientMask TED": Case(
        lambda networks: SalientMask(TED(networks.pairs[1:], n_classes=N_CLASSES), keep=0.5), phases=TWO_STAGES
    ),
}


def random_batch(networks: Networks, n: int, dtype: torch.dtype = torch.float64) -> Batch:
    """A batch of random outputs in the shapes of the tapped layers; those of the student require gradients."""
    teacher = {pair.teacher_layer: torch.randn(n, *pair.teacher_shape, dtype=dtype) for pair in networks.pairs}
    student = {
        pair.student_layer: torch.randn(n, *pair.student_shape, dtype=dtype, requires_grad=True)
        for pair in networks.pairs
    }
    ours = Outputs(torch.randn(n, N_CLASSES, dtype=dtype, requires_grad=True), student)
    theirs = Outputs(torch.randn(n, N_CLASSES, dtype=dtype), teacher)
    return Batch(ours, {"teacher": theirs}, torch.arange(n))
