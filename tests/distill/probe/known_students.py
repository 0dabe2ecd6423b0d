"""Networks whose atoms are known: layers that pick bits, and a short run on images."""

from typing import Any

import torch
from torch import nn

from pidkit import RepresentationCodes
from pidkit.distill import AtomProbe, Networks, tap
from pidkit.records import AtomRecord

CODES = RepresentationCodes(n_pca=None, n_codes=4, n_init=2)


class Columns(nn.Module):
    """Pick some columns of the input, and call them a layer."""

    def __init__(self, columns: list[int]) -> None:
        super().__init__()
        self.register_buffer("columns", torch.tensor(columns))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, self.columns]


def bits_probe(n: int = 400, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two independent bits and a third of noise as inputs; the label is the two bits as a number."""
    bits = torch.randint(2, (n, 3), generator=torch.Generator().manual_seed(seed))
    return bits.float(), 2 * bits[:, 0] + bits[:, 1]


def picking(teacher: list[int], student: list[int], n: int = 400) -> tuple[Networks, tuple[torch.Tensor, torch.Tensor]]:
    """Networks whose only layer picks columns of the input."""
    x, y = bits_probe(n)
    networks = tap(
        teacher=nn.Sequential(Columns(teacher)), student=nn.Sequential(Columns(student)), layers="0", example=x[:2]
    )
    return networks, (x, y)


def image_run(
    teacher_names: tuple[str, ...] = ("teacher",), width: int = 3, **objective: Any
) -> tuple[Networks, torch.Tensor, torch.Tensor]:
    """A small CNN student with batch normalisation and dropout, its teachers, and an objective with RID."""

    def net(channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(16 * channels, 3),
        )

    torch.manual_seed(0)
    teachers = {name: net(4) for name in teacher_names}
    student = net(width)
    x = torch.randn(48, 1, 4, 4)
    y = torch.arange(48) % 3
    networks = tap(teacher=teachers, student=student, layers=["0"], example=x[:2])
    return networks, x, y


def measure(teacher: list[int], student: list[int], **options: Any) -> tuple[AtomRecord, float]:
    networks, probe = picking(teacher, student)
    with AtomProbe(networks, sample=probe, logits=False, quantiser=CODES, **options) as tracked:
        (record,) = tracked.step(0)
    return record, tracked.records.entropy_y
