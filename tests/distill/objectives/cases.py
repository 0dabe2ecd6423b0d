"""A registry of objectives with small networks to run them on: `test_every_objective` checks each for the protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.distill import (
    KD,
    MIMKD,
    RID,
    TED,
    VID,
    AttentionMaps,
    AttentionTransfer,
    Batch,
    CrossEntropy,
    ExactRedundancy,
    FitNet,
    HiddenStates,
    LogitCodes,
    Networks,
    Objective,
    Outputs,
    Phase,
    SalientMask,
    SeveralTeachers,
    WeightedSum,
    linear_schedule,
    tap,
)

N_CLASSES = 3


class ConvNet(nn.Module):
    """Images (n, 1, 4, 4): maps of 4x4 and of 2x2, and their mean."""

    sample_shape = (1, 4, 4)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.pooled = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classes = nn.Linear(2 * width, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.pooled(self.second(torch.relu(self.first(x)))))


class TokenNet(nn.Module):
    """Sequences (n, 5, 3): tokens, attention of two heads, and the mean token."""

    sample_shape = (5, 3)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.classes = nn.Linear(width, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x)
        found, _ = self.attend(tokens, tokens, tokens, average_attn_weights=False)
        return self.classes(found.mean(1))


def conv_networks() -> Networks:
    """Two layers of maps and one of vectors."""
    student, teacher = ConvNet(2), ConvNet(3)
    return tap(teacher=teacher, student=student, layers=["first", "second"], example=torch.zeros(2, 1, 4, 4))


def vector_networks() -> Networks:
    return tap(teacher=ConvNet(3), student=ConvNet(2), layers="pooled", example=torch.zeros(2, 1, 4, 4))


def token_networks() -> Networks:
    return tap(teacher=TokenNet(6), student=TokenNet(4), layers="embed", example=torch.zeros(2, 5, 3))


def attention_networks() -> Networks:
    return tap(
        teacher=TokenNet(6),
        student=TokenNet(4),
        layers="attend",
        example=torch.zeros(2, 5, 3),
        reduce={"attend": lambda out: out[1]},
    )


@dataclass(frozen=True)
class Case:
    """An objective, what it runs on, and the phases in which it has a part."""

    make: Callable[[Networks], Objective]
    networks: Callable[[], Networks] = conv_networks
    phases: tuple[Phase, ...] = (Phase.STUDENT,)

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
    "KD scheduled": Case(lambda networks: KD(temperature=linear_schedule(8.0, 2.0, 5))),
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
    return Batch(ours, {"teacher": Outputs(torch.randn(n, N_CLASSES, dtype=dtype), teacher)})
