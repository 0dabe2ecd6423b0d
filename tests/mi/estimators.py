"""Every estimator by name with a sampler whose information is known, for test_every_estimator.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pidkit.mi import TASKS
from pidkit.mi.estimate import EstimatorName

Pair = tuple[np.ndarray, np.ndarray]


def normal(n: int, seed: int) -> Pair:
    """Draw two correlated normals."""
    return TASKS["normal 1x1"].sample(n, rng=seed)


def bits_with_noise(n: int, seed: int) -> Pair:
    """Draw fair bits and rows that tell them all but exactly."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    return y[:, None] + 0.1 * rng.normal(size=(n, 3)), y


def channel(n: int, seed: int) -> Pair:
    """Draw symbols of eight and what a noisy channel makes of them."""
    return TASKS["channel"].sample(n, rng=seed)


def critic() -> dict[str, Any]:
    """Return options that let a critic train for two seconds."""
    pytest.importorskip("torch")
    from pidkit.nn import TrainingBudget

    return {"budget": TrainingBudget(max_steps=300, learning_rate=3e-3), "folds": 1, "n_surrogates": 0}


@dataclass(frozen=True)
class Case:
    """A sampler, its information in nats, and how far an estimate from 600 pairs may be below and above it."""

    sample: Callable[[int, int], Pair]
    mi: float
    below: float = 0.1
    above: float = 0.1
    options: Callable[[], dict[str, Any]] = field(default=dict)


NORMAL, CHANNEL, BIT = TASKS["normal 1x1"].mi, TASKS["channel"].mi, float(np.log(2.0))

CASES: dict[EstimatorName, Case] = {
    "ksg": Case(normal, NORMAL),
    "calibrated": Case(normal, NORMAL),
    "ross": Case(bits_with_noise, BIT),
    "gao": Case(normal, NORMAL),
    "plugin": Case(channel, CHANNEL),
    "miller-madow": Case(channel, CHANNEL),
    "gaussian": Case(normal, NORMAL),
    "gaussian-copula": Case(normal, NORMAL),
    "label-decoder": Case(bits_with_noise, BIT, above=1e-9),
    "reconstruction-decoder": Case(normal, NORMAL, options=lambda: {"loss": "gaussian"}),
    "infonce": Case(normal, NORMAL, options=critic),
    "jsd": Case(normal, NORMAL, options=critic),
    "smile": Case(normal, NORMAL, options=critic),
    "mine": Case(normal, NORMAL, options=critic),
    "nwj": Case(normal, NORMAL, options=critic),
}
