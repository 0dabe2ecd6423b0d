"""Small networks, data and an objective with everything that a run must keep, shared by the tests of training."""

import torch
from torch import nn

from pidkit.distill import Batch, CrossEntropy, LayerPair, Networks, Objective, WeightedSum, tap
from pidkit.distill.filters import PositiveScale
from pidkit.distill.objective import frozen
from pidkit.distill.places import as_places


def network(
    width: int, *, norm: bool = True, dropout: float = 0.0, seed: int = 0, dtype: torch.dtype = torch.float32
) -> nn.Sequential:
    """4 inputs, one hidden layer, 3 classes; the hidden layer is "1"."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        middle = [nn.BatchNorm1d(width)] if norm else [nn.Identity()]
        return nn.Sequential(nn.Linear(4, width), *middle, nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 3)).to(
            dtype
        )


def blobs(n: int, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes that a line can all but tell apart."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    x = torch.randn(n, 4, generator=generator, dtype=dtype)
    return x + 3 * nn.functional.one_hot(y, 4), y


def tapped(*, norm: bool = True, dropout: float = 0.0, dtype: torch.dtype = torch.float32, seed: int = 1) -> Networks:
    return tap(
        teacher=network(8, dtype=dtype),
        student=network(5, norm=norm, dropout=dropout, seed=seed, dtype=dtype),
        layers=["1"],
        example=torch.zeros(2, 4, dtype=dtype),
    )


class Followed(Objective):
    """Linear filters, a head, sigma and a running mean, in the phases of RID and without batch normalisation.

    With `heeds` the loss depends on the running mean, so that a run which forgets it is another one.
    """

    def __init__(self, pairs: tuple[LayerPair, ...], *, n_classes: int = 3, seed: int = 2, heeds: float = 0.1) -> None:
        super().__init__()
        self.heeds = heeds
        (self.pair,) = pairs
        theirs, ours = self.pair.teacher_channels, self.pair.student_channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.f_t, self.f_s, self.head = nn.Linear(theirs, ours), nn.Linear(ours, ours), nn.Linear(ours, n_classes)
        self.scale = PositiveScale(ours)
        self.mean_v: torch.Tensor
        self.register_buffer("mean_v", torch.zeros(()))

    def _teacher(self, batch: Batch) -> torch.Tensor:
        return self.f_t(as_places(batch.teacher.layer(self.pair.teacher_layer))[:, :, 0])

    def _student(self, batch: Batch) -> torch.Tensor:
        return self.f_s(as_places(batch.student.layer(self.pair.student_layer))[:, :, 0])

    def warm_up_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.head(self._teacher(batch)), labels)

    def teacher_filter_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        with frozen(self.f_s):
            student, sigma = self._student(batch), self.scale().detach()
        teacher = self._teacher(batch)
        return nn.functional.cross_entropy(self.head(teacher), labels) + ((teacher - student) ** 2 / sigma).mean()

    def student_loss(self, batch: Batch, labels: torch.Tensor) -> torch.Tensor:
        with frozen(self.f_t):
            teacher = self._teacher(batch)
        v = (teacher - self._student(batch)) ** 2
        with torch.no_grad():
            self.mean_v.lerp_(v.detach().mean().to(self.mean_v), 0.1)
        sigma = self.scale()
        return (sigma**2).mean() + (v / sigma).mean() * (1.0 + self.heeds * self.mean_v)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        return {
            "teacher_filters": [*self.f_t.parameters(), *self.head.parameters()],
            "student_filters": list(self.f_s.parameters()),
            "sigma": list(self.scale.parameters()),
        }


def composed(
    networks: Networks, *, weight: float = 0.5, dtype: torch.dtype = torch.float32, heeds: float = 0.1
) -> WeightedSum:
    followed = Followed(networks.pairs, heeds=heeds).to(dtype)
    return WeightedSum({"labels": CrossEntropy(), "followed": followed}, {"followed": weight})


def weights(*modules: nn.Module) -> list[torch.Tensor]:
    """A copy of all parameters and buffers."""
    return [value.clone() for module in modules for value in module.state_dict().values()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
