"""Layers whose atoms are known, for bench_layers.py: how they are drawn, and their atoms by exact posteriors.

Layers, of ten classes unless said otherwise; z is Gaussian about the mean of its class, and every layer has 24 columns
of noise of five times its scale beside, which tells nothing:

degraded    x1 = z, x2 = z and more noise: x2 is a garbled x1, so that redundancy = I(Y;X2) and unique_2 = synergy = 0.
loud        the same, the noise beside a hundred times the scale.
rare        the same, class k having a chance in proportion to 1 / (1 + k).
heavy       x1 = x2 = z with Student noise of two degrees of freedom in place of Gaussian: all redundant.
looks       two looks at the class of equal quality, independent given it: unique_1 = unique_2 = 0.
bits        the class is three bits; x1 tells of the first two and x2 of the last two, through noise of their own.
rings       two classes, two rings in a plane, and x2 is noise: no linear decoder tells them apart.
exclusive   the class is the exclusive or of two bits; each layer knows one: all synergy.
corners     fifty classes, each a corner of its own in both layers: redundancy = H(Y).
hundred     the same with a hundred classes.
nothing     neither layer tells anything.
copies      `degraded`, every row four times, once with groups and once without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.special
import scipy.stats

TRUTH_ROWS = 200_000
"""Rows whose exact posteriors give the truth; its standard error is below .003 bits."""

LOUD = 5.0


@dataclass
class Layers:
    """A sample of labels and two layers, and the groups of its rows where it has any."""

    labels: np.ndarray
    x1: np.ndarray
    x2: np.ndarray
    groups: np.ndarray | None = None


def beside(x: np.ndarray, rng: np.random.Generator, loud: float = LOUD) -> np.ndarray:
    """Return a layer with 24 columns of noise beside."""
    return np.hstack([x, loud * rng.normal(size=(len(x), 24))])


def means(n_classes: int = 10) -> np.ndarray:
    """Return the means of the classes, drawn once: eight coordinates, three standard deviations from the origin."""
    drawn = np.random.default_rng(7).normal(size=(n_classes, 8))
    return 3.0 * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def told(log_likelihood: np.ndarray, prior: np.ndarray) -> float:
    """Return I(Y;X) in bits from log p(x|y) of rows of x, shape (n, C), with x drawn from the mixture."""
    log_q = scipy.special.log_softmax(log_likelihood + np.log(prior), axis=1)
    return float(((np.exp(log_q) * log_q).sum(1).mean() - (prior * np.log(prior)).sum()) / np.log(2.0))


def gaussian(x: np.ndarray, variance: float) -> np.ndarray:
    """Return log p(x|y) of the classes of `means`, up to a constant."""
    return -((x[:, None] - means()) ** 2).sum(2) / (2.0 * variance)


def degraded(n: int, rng: np.random.Generator, *, loud: float = LOUD, prior: np.ndarray | None = None) -> Layers:
    """Draw z, and z with noise of standard deviation 1."""
    labels = rng.choice(10, size=n, p=prior)
    z = means()[labels] + rng.normal(size=(n, 8))
    return Layers(labels, beside(z, rng, loud), beside(z + rng.normal(size=z.shape), rng, loud))


def true_degraded(prior: np.ndarray | None = None) -> np.ndarray:
    """Return the atoms of `degraded`: x2 is a garbled x1."""
    prior = np.full(10, 0.1) if prior is None else prior
    rng = np.random.default_rng(99)
    z = means()[rng.choice(10, size=TRUTH_ROWS, p=prior)] + rng.normal(size=(TRUTH_ROWS, 8))
    first, second = told(gaussian(z, 1.0), prior), told(gaussian(z + rng.normal(size=z.shape), 2.0), prior)
    return np.array([second, first - second, 0.0, 0.0])


RARE = 1.0 / np.arange(1.0, 11.0)
RARE /= RARE.sum()


def heavy(n: int, rng: np.random.Generator) -> Layers:
    """Draw z with Student noise, the same in both layers."""
    labels = rng.integers(10, size=n)
    z = means()[labels] + rng.standard_t(2, size=(n, 8))
    return Layers(labels, beside(z, rng), beside(z, rng))


def true_heavy() -> np.ndarray:
    """Return the atoms of `heavy`: both layers know the same."""
    rng = np.random.default_rng(99)
    z = means()[rng.integers(10, size=TRUTH_ROWS)] + rng.standard_t(2, size=(TRUTH_ROWS, 8))
    return np.array([told(scipy.stats.t.logpdf(z[:, None] - means(), 2).sum(2), np.full(10, 0.1)), 0.0, 0.0, 0.0])


def looks(n: int, rng: np.random.Generator) -> Layers:
    """Draw two looks with noise of standard deviation 1.5."""
    labels = rng.integers(10, size=n)
    first, second = means()[labels] + 1.5 * rng.normal(size=(2, n, 8))
    return Layers(labels, beside(first, rng), beside(second, rng))


def true_looks() -> np.ndarray:
    """Return the atoms of `looks`: two channels alike have no unique information; both together are their mean."""
    rng = np.random.default_rng(99)
    first, second = means()[rng.integers(10, size=TRUTH_ROWS)] + 1.5 * rng.normal(size=(2, TRUTH_ROWS, 8))
    prior = np.full(10, 0.1)
    single = told(gaussian(first, 2.25), prior)
    both = told(gaussian(first, 2.25) + gaussian(second, 2.25), prior)
    return np.array([single, 0.0, 0.0, both - single])


def bits(n: int, rng: np.random.Generator) -> Layers:
    """Draw three bits, the first two seen in x1 and the last two in x2, as ±1 with noise of standard deviation .7."""
    three = rng.integers(2, size=(n, 3))
    signs = 2.0 * three - 1.0
    first, second = (signs[:, columns] + 0.7 * rng.normal(size=(n, 2)) for columns in ([0, 1], [1, 2]))
    return Layers(three @ np.array([4, 2, 1]), beside(first, rng), beside(second, rng))


def true_bits() -> np.ndarray:
    """Return the atoms of `bits`: those of independent parts add up, and the middle bit is seen twice, equally well."""
    rng = np.random.default_rng(99)
    signs = 2.0 * rng.integers(2, size=TRUTH_ROWS) - 1.0
    first, second = signs + 0.7 * rng.normal(size=(2, TRUTH_ROWS))
    log_odds = 2.0 / 0.49 * np.stack([first, first + second])
    prior = np.full(2, 0.5)
    one, two = (told(np.column_stack([np.zeros(TRUTH_ROWS), odds]), prior) for odds in log_odds)
    return np.array([one, one, one, two - one])


def rings(n: int, rng: np.random.Generator) -> Layers:
    """Draw two rings of radius 1 and 2 with noise of standard deviation .4, and a layer of noise."""
    labels = rng.integers(2, size=n)
    angle = rng.uniform(0.0, 2.0 * np.pi, size=n)
    plane = (1.0 + labels)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.4 * rng.normal(size=(n, 2))
    return Layers(labels, plane, rng.normal(size=(n, 4)))


def true_rings() -> np.ndarray:
    """Return the atoms of `rings`: the distance from the origin has a Rice distribution."""
    rng = np.random.default_rng(99)
    plane = rings(TRUTH_ROWS, rng).x1
    radius, centre, variance = np.linalg.norm(plane, axis=1)[:, None], np.array([1.0, 2.0]), 0.16
    log_likelihood = -((radius - centre) ** 2) / (2.0 * variance) + np.log(
        scipy.special.i0e(radius * centre / variance)
    )
    return np.array([0.0, told(log_likelihood, np.full(2, 0.5)), 0.0, 0.0])


def exclusive(n: int, rng: np.random.Generator) -> Layers:
    """Draw two bits seen through noise that hardly ever turns one over."""
    first, second = rng.integers(2, size=(2, n))
    x1, x2 = (bit[:, None] + 0.15 * rng.normal(size=(n, 4)) for bit in (first, second))
    return Layers(first ^ second, x1, x2)


def corners(n: int, rng: np.random.Generator, n_classes: int = 50) -> Layers:
    """Draw corners of a simplex with little noise."""
    labels = rng.permutation(np.arange(n) % n_classes)
    x1, x2 = np.eye(n_classes)[labels] + 0.05 * rng.normal(size=(2, n, n_classes))
    return Layers(labels, x1, x2)


def nothing(n: int, rng: np.random.Generator) -> Layers:
    """Draw layers that tell nothing."""
    return Layers(rng.integers(10, size=n), rng.normal(size=(n, 32)), rng.normal(size=(n, 32)))


def copies(n: int, rng: np.random.Generator, *, grouped: bool) -> Layers:
    """Draw a quarter of the rows of `degraded`, each four times."""
    once = degraded(n // 4, rng)
    rows = np.repeat(np.arange(n // 4), 4)
    return Layers(once.labels[rows], once.x1[rows], once.x2[rows], rows if grouped else None)


@dataclass(frozen=True)
class Case:
    """How layers are drawn, their atoms in bits, and the decoders to read them with."""

    draw: Callable[[int, np.random.Generator], Layers]
    truth: Callable[[], np.ndarray]
    decoders: tuple[str, ...] = ("linear",)


CASES = {
    "degraded": Case(degraded, true_degraded, ("linear", "mlp", "knn")),
    "loud": Case(lambda n, rng: degraded(n, rng, loud=100.0), true_degraded),
    "rare": Case(lambda n, rng: degraded(n, rng, prior=RARE), lambda: true_degraded(RARE)),
    "heavy": Case(heavy, true_heavy),
    "looks": Case(looks, true_looks),
    "bits": Case(bits, true_bits),
    "rings": Case(rings, true_rings, ("linear", "mlp", "knn")),
    "exclusive": Case(exclusive, lambda: np.array([0.0, 0.0, 0.0, 1.0]), ("linear", "mlp")),
    "corners": Case(corners, lambda: np.array([np.log2(50), 0.0, 0.0, 0.0])),
    "hundred": Case(lambda n, rng: corners(n, rng, 100), lambda: np.array([np.log2(100), 0.0, 0.0, 0.0])),
    "nothing": Case(nothing, lambda: np.zeros(4)),
    "copies": Case(lambda n, rng: copies(n, rng, grouped=False), true_degraded),
    "copies, groups": Case(lambda n, rng: copies(n, rng, grouped=True), true_degraded),
}
