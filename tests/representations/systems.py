"""Samples of small systems whose atoms are known, for the tests of estimates."""

from __future__ import annotations

import numpy as np

from pidkit.representations.finite_samples import CodedSamples
from pidkit.types import FloatArray


def noisy(n: int, keep: float) -> FloatArray:
    """Return the channel p(x|y) that keeps a symbol with probability `keep` and draws it anew otherwise."""
    return keep * np.eye(n) + (1.0 - keep) / n


def looks(n: int, first: float, second: float) -> FloatArray:
    """Return p[y, x1, x2] of two noisy looks at a uniform target, independent given it."""
    return noisy(n, first)[:, :, None] * noisy(n, second)[:, None, :] / n


def modular(n: int, keep: float) -> FloatArray:
    """Return p[y, x1, x2] of a noisy sum modulo n of two uniform sources: all synergy."""
    p = np.empty((n, n, n))
    for x1, x2 in np.ndindex(n, n):
        p[:, x1, x2] = noisy(n, keep)[(x1 + x2) % n] / n**2
    return p


def draw(p: FloatArray, n: int, seed: int) -> CodedSamples:
    """Draw n samples of a joint."""
    cells = np.random.default_rng(seed).choice(p.size, size=n, p=p.ravel())
    return CodedSamples(*(np.asarray(codes, dtype=np.int64) for codes in np.unravel_index(cells, p.shape)))
