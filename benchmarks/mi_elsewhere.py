"""The calibrated estimator on dependence that its surrogates do not have, KSG and the copula beside it.

    python benchmarks/mi_elsewhere.py [--samples 2000] [--seed 0]

Every truth is the mean of log p(a, b) / p(a) p(b) over 100 000 draws, with densities known in closed form or as a
sum over a hidden variable.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from pidkit import PidkitWarning, estimate_mi

Rows = np.ndarray[Any, np.dtype[np.float64]]
Sampler = Callable[[int, np.random.Generator], tuple[Rows, Rows]]
LogRatio = Callable[[Rows, Rows], Rows]


def through_hidden(log_a: Rows, log_b: Rows, log_weight: Rows) -> Rows:
    """Return log p(a, b) / p(a) p(b) of sides that depend by a hidden variable alone; shapes (n, states)."""
    joint = logsumexp(log_a + log_b + log_weight, axis=1)
    return np.asarray(joint - logsumexp(log_a + log_weight, axis=1) - logsumexp(log_b + log_weight, axis=1))


def hermite() -> tuple[Rows, Rows]:
    """Return nodes of a standard normal and the logarithms of their weights."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    return nodes, np.log(weights / weights.sum())


def centred(centres_a: Rows, centres_b: Rows, spread: float) -> tuple[Sampler, LogRatio]:
    """Two noisy views of a centre drawn from many."""
    m = len(centres_a)

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        state = rng.integers(m, size=n)
        a, b = (centres[state] + spread * rng.normal(size=(n, centres.shape[1])) for centres in (centres_a, centres_b))
        return a, b

    def ratio(a: Rows, b: Rows) -> Rows:
        log_a, log_b = (
            -((side[:, None] - centres) ** 2).sum(axis=2) / (2.0 * spread**2)
            for side, centres in ((a, centres_a), (b, centres_b))
        )
        return through_hidden(log_a, log_b, np.full(m, -math.log(m)))

    return sample, ratio


def squares(d: int) -> tuple[Sampler, LogRatio]:
    """b = a² + noise, column by column."""
    nodes, weights = hermite()

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        a = rng.normal(size=(n, d))
        return a, a**2 + 0.5 * rng.normal(size=(n, d))

    def ratio(a: Rows, b: Rows) -> Rows:
        marginal = logsumexp(norm.logpdf(b[:, :, None], nodes**2, 0.5) + weights, axis=2)
        return np.asarray((norm.logpdf(b, a**2, 0.5) - marginal).sum(axis=1))

    return sample, ratio


def sign_of_product() -> tuple[Sampler, LogRatio]:
    """b is the sign of the product of two columns of a, with noise."""

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        a = rng.normal(size=(n, 2))
        return a, np.sign(a[:, :1] * a[:, 1:]) + 0.5 * rng.normal(size=(n, 1))

    def ratio(a: Rows, b: Rows) -> Rows:
        either = np.logaddexp(norm.logpdf(b[:, 0], 1.0, 0.5), norm.logpdf(b[:, 0], -1.0, 0.5)) - math.log(2.0)
        return np.asarray(norm.logpdf(b[:, 0], np.sign(a[:, 0] * a[:, 1]), 0.5) - either)

    return sample, ratio


def volatility(d: int) -> tuple[Sampler, LogRatio]:
    """a is a level with noise, b has the variance that the level sets."""
    nodes, weights = hermite()

    def sample(n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        level = rng.normal(size=(n, 1))
        return level + 0.5 * rng.normal(size=(n, d)), np.exp(level) * rng.normal(size=(n, d))

    def ratio(a: Rows, b: Rows) -> Rows:
        log_a = np.asarray(norm.logpdf(a[:, :, None], nodes, 0.5)).sum(axis=1)
        log_b = np.asarray(norm.logpdf(b[:, :, None], 0.0, np.exp(nodes))).sum(axis=1)
        return through_hidden(log_a, log_b, weights)

    return sample, ratio


def classes(d: int) -> tuple[Sampler, LogRatio]:
    """Two views of one of four classes."""
    centres = 1.5 * np.random.default_rng(5).normal(size=(4, 2 * d))
    return centred(centres[:, :d], centres[:, d:], 1.0)


ANGLES = np.linspace(0.0, 2.0 * np.pi, 128, endpoint=False)
RING = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])

TASKS = {
    "noisy rings, 2 + 2": centred(RING, RING, 0.2),
    **{f"four classes, {d} + {d}": classes(d) for d in (1, 3, 8)},
    **{f"noisy squares, {d} + {d}": squares(d) for d in (1, 3)},
    "sign of a product, 2 + 1": sign_of_product(),
    **{f"level and variance, {d} + {d}": volatility(d) for d in (1, 3, 8)},
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", PidkitWarning)
    for name, (sample, ratio) in TASKS.items():
        many = np.random.default_rng(99)
        truth = float(np.mean([ratio(*sample(5000, many)).mean() for _ in range(20)]))
        a, b = sample(chosen.samples, np.random.default_rng(chosen.seed))
        line = f"{name:<26}{truth:7.3f}"
        for estimator in ("ksg", "gaussian-copula", "calibrated"):
            found = estimate_mi(a, b, estimator=estimator, unit="nats", rng=chosen.seed)
            flags = ",".join(text.split(":")[0] for text in found.warnings)
            line += f"  {estimator} {found.value - truth:+.3f} {flags}"
        print(line, flush=True)
