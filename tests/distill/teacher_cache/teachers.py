"""Teachers that count, mix, draw or round, and networks that hold them, shared by the tests of the cache."""

from typing import Any

import torch
from torch import nn

from pidkit.distill import Networks, TeacherCache, tap
from tests.distill.toys import network

X = torch.randn(48, 4, generator=torch.Generator().manual_seed(0))


class Counted(nn.Module):
    """Counts the samples that pass; what it does is all in `inner`."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self._seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self._seen.append(len(x))
        return self.inner(x)

    def seen(self) -> int:
        """Return the samples since the last time."""
        total = sum(self._seen)
        self._seen.clear()
        return total


class Mixing(nn.Module):
    """Gives each sample the answer of the one before it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).roll(1, 0)


class Drawing(Mixing):
    """Drops out in eval mode too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(self.inner(x), 0.5)


class OfSize(Mixing):
    """Its last bit depends on the size of the batch, as that of some kernels does, and not on the other samples."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * (1.0 + len(x) * 2.0**-20)


def together(
    teacher: nn.Module, cache: TeacherCache | None, layers: Any = (("inner.1", "1"),), **options: Any
) -> Networks:
    return tap(teacher=teacher, student=network(5, seed=1), layers=layers, example=X[:2], cache=cache, **options)


def answers(networks: Networks, x: torch.Tensor) -> list[torch.Tensor]:
    teacher = networks(x).teacher
    return [teacher.logits, *teacher.layers.values()]
