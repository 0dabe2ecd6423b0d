"""A small network, its data, simple estimators and a plane of them, and a loop that trains with a callback."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidkit import (
    InformationPlane,
)
from pidkit.plane import PlaneEstimator


@dataclass(frozen=True)
class Answer:
    """What a simple estimator returns."""

    value: float
    unit: str = "nats"
    stderr: float | None = None
    cap: float | None = None
    warnings: tuple[str, ...] = ()


def spread_of(features: Any, target: Any, rng: np.random.Generator) -> Answer:
    """Depend on everything that an estimator is given, and on torch's random state, as neural ones do."""
    noise = float(torch.rand(1)) + float(nn.Linear(1, 1).weight.detach()) + rng.normal()
    return Answer(float(features.std()) + 0.01 * float(np.std(target)) + 0.01 * noise)


SIMPLE = PlaneEstimator("simple", mi_input=spread_of, mi_label=spread_of)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(8, 4), nn.Linear(4, 3)
    )


def data(n: int = 120, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    x = rng.normal(size=(n, 6)) + np.eye(6)[y] * 3.0
    return torch.from_numpy(x).float(), torch.from_numpy(y)


SAMPLE = data(seed=1)


def plane_of(model: Any, **options: Any) -> InformationPlane:
    given: dict[str, Any] = {"layers": ["0", "4"], "sample": SAMPLE, "estimators": SIMPLE, "n_seeds": 2, **options}
    return InformationPlane(model, **given)


def train(model: nn.Module, n_epochs: int, callback: Callable[[int], object]) -> None:
    x, y = data()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(n_epochs):
        callback(epoch)
        order = torch.randperm(len(x))
        for rows in order.split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
