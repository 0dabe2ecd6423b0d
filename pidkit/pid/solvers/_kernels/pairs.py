"""Arithmetic over all pairs (x1, x2): conditionals, marginals, and the Hessian as an operator. Arrays have y last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be reordered; NaN and infinities keep their meaning."""

Array = Any
"""Inside compiled code numba, not mypy, knows the types."""

Index = Any
"""An integer, signed or unsigned."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fill(x: Array, value: float) -> None:
    """Set every entry of a matrix. (Loops compile in a tenth of the time that numba needs for slices.)"""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def copy(x: Array, out: Array) -> None:
    """Copy a matrix."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            out[i, k] = x[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def evaluate(
    lam: Array, mu: Array, active: Array, w: Array, pi: Array, h: Array, sum1: Array, sum2: Array,
    room1: Array, room2: Array,
) -> None:  # fmt: skip
    """Fill pi (softmax of lam + mu over y), h (log-sum-exp; 0 off the active pairs) and the pair marginals of w pi.

    room1 and room2, shaped as lam and mu, are overwritten.
    """
    n_1, n_y = lam.shape
    n_2 = mu.shape[0]
    for i in range(n_1):
        for y in range(n_y):
            room1[i, y] = np.exp(lam[i, y])
            sum1[i, y] = 0.0
    for j in range(n_2):
        for y in range(n_y):
            room2[j, y] = np.exp(mu[j, y])
            sum2[j, y] = 0.0
    for i in range(n_1):
        for j in range(n_2):
            h[i, j] = 0.0
            if not active[i, j]:
                continue
            total = 0.0
            for y in range(n_y):
                pi[i, j, y] = room1[i, y] * room2[j, y]
                total += pi[i, j, y]
            if 1e-200 < total < 1e200:
                h[i, j] = np.log(total)
            else:  # the exponentials left the range of a double: take the largest exponent out first
                top = -np.inf
                for y in range(n_y):
                    top = max(top, lam[i, y] + mu[j, y])
                total = 0.0
                for y in range(n_y):
                    pi[i, j, y] = np.exp(lam[i, y] + mu[j, y] - top)
                    total += pi[i, j, y]
                h[i, j] = np.log(total) + top
            scale = 1.0 / total
            weight = w[i, j]
            for y in range(n_y):
                part = pi[i, j, y] * scale
                pi[i, j, y] = part
                sum1[i, y] += weight * part
                sum2[j, y] += weight * part


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def hessian_times(
    pi: Array, w: Array, kappa: Array, d1: Array, d2: Array, out1: Array, out2: Array, mean: Array
) -> None:
    """Compute H (d1, d2) without the matrix, and what `pair_means` does on the way."""
    n_1, n_2, n_y = pi.shape
    fill(out1, 0.0)
    fill(out2, 0.0)
    for i in range(n_1):
        for j in range(n_2):
            mean[i, j] = 0.0
            if w[i, j] == 0.0:
                continue
            total = 0.0
            for y in range(n_y):
                total += pi[i, j, y] * (d1[i, y] + d2[j, y])
            mean[i, j] = total
            total *= kappa[i, j]
            for y in range(n_y):
                term = pi[i, j, y] * (w[i, j] * (d1[i, y] + d2[j, y]) + total)
                out1[i, y] += term
                out2[j, y] += term


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pair_means(pi: Array, d1: Array, d2: Array, mean: Array) -> None:
    """Compute sum_y pi (d1 + d2) for every pair: the change of h to first order."""
    n_1, n_2, n_y = pi.shape
    for i in range(n_1):
        for j in range(n_2):
            total = 0.0
            for y in range(n_y):
                total += pi[i, j, y] * (d1[i, y] + d2[j, y])
            mean[i, j] = total
