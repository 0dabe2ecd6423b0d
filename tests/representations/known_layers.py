"""Layers whose atoms are known: Gaussian classes with exact posteriors, beside loud features that say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import log_softmax, softmax

from pidkit.types import FloatArray, IntArray

CASE_A = {"n_classes": 10, "apart": 3.018, "blur": 1.3355}
"""Ten classes with I(Y;T) = 2.917 and I(Y;S) = 2.252 bits."""

FOUR_CLASSES = {"n_classes": 4, "apart": 1.6, "blur": 1.6}
"""Four classes that overlap."""


@dataclass(frozen=True)
class KnownLayers:
    """Rows of two layers, the first of which knows all that the second knows.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
    x1, x2 : ndarray, shape (n, n_classes + nuisance)
    posteriors_1, posteriors_2 : ndarray, shape (n, n_classes)
        The exact P(y | x1) and P(y | x2).
    mi_1, mi_2 : float
        I(Y;X1) and I(Y;X2) in nats. Red = mi_2, Uni_1 = mi_1 - mi_2, Uni_2 = Syn = 0, since x2 is x1 with noise added.
    """

    labels: IntArray
    x1: FloatArray
    x2: FloatArray
    posteriors_1: FloatArray
    posteriors_2: FloatArray
    mi_1: float
    mi_2: float


def gaussian_classes(
    n: int,
    seed: int,
    *,
    n_classes: int,
    apart: float,
    blur: float,
    loud: float = 5.0,
    nuisance: tuple[int, int] = (20, 20),
) -> KnownLayers:
    """Return x1 = (z, loud N(0, I)) with z = apart e_y + N(0, I), and x2 the same of z + N(0, (blur² - 1) I).

    The task features of x2 are apart e_y + N(0, blur² I), so that P(y | x) is the softmax of
    apart / variance times them.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    z = apart * np.eye(n_classes)[labels] + rng.normal(size=(n, n_classes))
    blurred = z + np.sqrt(blur**2 - 1.0) * rng.normal(size=z.shape)
    first, second = (
        np.hstack([task, loud * rng.normal(size=(n, idle))]) for task, idle in zip((z, blurred), nuisance, strict=True)
    )
    return KnownLayers(
        labels,
        first,
        second,
        softmax(apart * z, axis=1),
        softmax(apart / blur**2 * blurred, axis=1),
        information(n_classes, apart),
        information(n_classes, apart / blur),
    )


@cache
def information(n_classes: int, apart: float, draws: int = 200_000) -> float:
    """Return I(Y; apart e_y + N(0, I)) in nats by Monte Carlo of the exact posteriors; standard error below .002."""
    z = np.random.default_rng(0).normal(size=(draws, n_classes))
    z[:, 0] += apart  # all classes are alike
    return float(np.log(n_classes) + log_softmax(apart * z, axis=1)[:, 0].mean())


def separable(n: int, n_classes: int, seed: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return labels and two layers that tell all classes apart without a mistake: Red = log n_classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    first, second = (np.eye(n_classes)[labels] + 0.1 * rng.normal(size=(n, n_classes)) for _ in range(2))
    return labels, first, second
