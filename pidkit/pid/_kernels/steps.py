"""What one Newton step needs beside its linear system: residuals, slacks, and how far it may go. Arrays have y last."""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid._kernels.pairs import FAST, Array

FAR = 0.5
"""A marginal off by more than this share of itself is corrected in its logarithm."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def largest_change(pi: Array, active: Array, g: Array, d1: Array, d2: Array, dh: Array) -> float:
    """Return the largest |change of log pi|, or of h relative to 1 + g, that a full step predicts, at least 1e-300."""
    n_1, n_2, n_y = pi.shape
    largest = 1e-300
    for i in range(n_1):
        for j in range(n_2):
            if active[i, j]:
                largest = max(largest, abs(dh[i, j]) / (1.0 + g[i, j]))
                for y in range(n_y):
                    if pi[i, j, y] > 0.0:
                        largest = max(largest, abs(d1[i, y] + d2[j, y] - dh[i, j]))
    return largest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def residual(p: Array, have: Array, out: Array) -> float:
    """Fill the right-hand side for one pair marginal; return sum |p - have|.

    p - have near the solution; far from it have log(p / have), which is the Newton step for log have = log p.
    """
    missing = 0.0
    for i in range(p.shape[0]):
        for y in range(p.shape[1]):
            gap = p[i, y] - have[i, y]
            missing += abs(gap)
            if have[i, y] > 0.0 and p[i, y] > 0.0 and abs(gap) > FAR * have[i, y]:
                gap = have[i, y] * np.log(p[i, y] / have[i, y])
            out[i, y] = gap
    return missing


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def raise_slacks(active: Array, w: Array, g: Array, h: Array) -> float:
    """Raise every slack to what the potentials really leave, which only helps; return the sum of w g."""
    total = 0.0
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            if active[i, j]:
                g[i, j] = max(g[i, j], -h[i, j])
                total += w[i, j] * g[i, j]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def infeasibility(p1: Array, h: Array) -> float:
    """Return the price of making the potentials feasible: sum_x1 P(x1) max(h, 0)."""
    total = 0.0
    for i in range(h.shape[0]):
        worst = 0.0
        for j in range(h.shape[1]):
            worst = max(worst, h[i, j])
        if worst > 0.0:
            mass = 0.0
            for y in range(p1.shape[1]):
                mass += p1[i, y]
            total += worst * mass
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def move(x: Array, dx: Array, step: float) -> None:
    """Add step dx to x."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] += step * dx[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def step_to_boundary(x: Array, dx: Array, active: Array, fraction: float) -> float:
    """Return the largest step in (0, 1] that keeps x + step dx >= (1 - fraction) x on the active pairs."""
    step = 1.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if active[i, j] and dx[i, j] < 0.0:
                step = min(step, -fraction * x[i, j] / dx[i, j])
    return step
