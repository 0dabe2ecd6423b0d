"""Pairs without information that estimators are known to stumble over, for the tests of every estimator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
Sampler = Callable[[np.random.Generator, int], Pair]


def rare(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw labels of which 1 % are in the second class, at least six."""
    return rng.permutation(np.arange(n) < max(6, n // 100)).astype(int)


def fair(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw fair bits."""
    return rng.permutation(np.arange(n) % 2)


def relu(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw five columns, half of whose values are zero."""
    return np.maximum(rng.normal(size=(n, 5)), 0.0)


LABELLED: dict[str, Sampler] = {
    "normal, fair label": lambda g, n: (g.normal(size=(n, 2)), fair(g, n)),
    "normal, rare label": lambda g, n: (g.normal(size=(n, 2)), rare(g, n)),
    "grid, fair label": lambda g, n: (np.round(g.normal(size=n), 1)[:, None], fair(g, n)),
    "grid, rare label": lambda g, n: (np.round(g.normal(size=(n, 2)), 1), rare(g, n)),
    "ReLU, label": lambda g, n: (relu(g, n), fair(g, n)),
    "counts, rare label": lambda g, n: (g.poisson(3, size=(n, 1)).astype(float), rare(g, n)),
    "copies, label": lambda g, n: (np.repeat(g.normal(size=(n // 4, 3)), 4, axis=0), np.repeat(fair(g, n // 4), 4)),
    "Cauchy, label": lambda g, n: (g.standard_cauchy(size=(n, 2)), fair(g, n)),
}
"""Rows and labels."""

CONTINUOUS: dict[str, Sampler] = {
    "normal": lambda g, n: (g.normal(size=(n, 2)), g.normal(size=(n, 2))),
    "two grids": lambda g, n: (np.round(g.normal(size=(n, 1)), 1), np.round(g.normal(size=(n, 1)), 1)),
    "ReLU": lambda g, n: (relu(g, n), relu(g, n)),
    "rare class": lambda g, n: (g.normal(size=(n, 2)), rare(g, n)[:, None].astype(float)),
    "copies": lambda g, n: tuple(np.repeat(g.normal(size=(2, n // 4, 3)), 4, axis=1)),
    "Cauchy": lambda g, n: tuple(g.standard_cauchy(size=(2, n, 2))),
    "uniform against Cauchy": lambda g, n: (g.uniform(size=(n, 3)), g.standard_cauchy(size=(n, 1))),
    "one huge value": lambda g, n: (np.vstack([[[1e9]], g.normal(size=(n - 1, 1))]), g.normal(size=(n, 1))),
}
"""Rows on both sides."""

SYMBOLS: dict[str, Sampler] = {
    "fair bits": lambda g, n: (fair(g, n), fair(g, n)),
    "a rare class": lambda g, n: (rare(g, n), g.integers(10, size=n)),
    "many symbols": lambda g, n: (g.integers(n // 10, size=n), g.integers(n // 10, size=n)),
    "nearly unique": lambda g, n: (g.integers(5 * n, size=n), fair(g, n)),
    "counts": lambda g, n: (g.poisson(3, size=n), g.poisson(3, size=n)),
    "copies of symbols": lambda g, n: (
        np.repeat(g.integers(40, size=n // 4), 4),
        np.repeat(g.integers(40, size=n // 4), 4),
    ),
}
"""Symbols on both sides."""
