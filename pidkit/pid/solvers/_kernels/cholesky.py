"""Cholesky factors of positive semidefinite matrices, null directions and all, and the solves with them.

LAPACK's dpotrf gives up at a pivot that is not positive, which near a degenerate optimum is an everyday event. Here the
factor of such a direction is infinite, so that its component of every solution is zero. It is as fast: all but the
narrow diagonal blocks is BLAS.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.blas import divide_panel, subtract_gram_of_panel
from pidkit.pid.solvers._kernels.pairs import FAST, Array, Index

PANEL = 32
"""Columns factored at a time, without BLAS."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def cholesky(matrix: Array, n: Index, least: Array) -> None:
    """Factor the leading n x n lower triangle in place.

    A pivot that is not above its `least` is rounding: the direction is null, and its step is set to zero.
    """
    for first in range(0, n, PANEL):
        last = min(first + PANEL, n)
        _factor_block(matrix, first, last, least)
        if last < n:
            divide_panel(matrix, n, first, last)
            subtract_gram_of_panel(matrix, n, first, last)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _factor_block(matrix: Array, first: Index, last: Index, least: Array) -> None:
    """Factor the diagonal block first..last-1 in place."""
    low, high, one = np.uintp(first), np.uintp(last), np.uintp(1)  # unsigned: see newton
    for j in range(low, high):
        pivot = matrix[j, j]
        for k in range(low, j):
            pivot -= matrix[j, k] * matrix[j, k]
        root = np.sqrt(pivot) if pivot > least[j] else np.inf
        matrix[j, j] = root
        inverse = 1.0 / root
        for i in range(j + one, high):
            entry = matrix[i, j]
            for k in range(low, j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry * inverse


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def forward(lower: Array, n: Index, x: Array, start: Index) -> None:
    """Solve L z = x[start : start + n] in place; n and start unsigned."""
    for k in range(n):
        total = x[start + k]
        for m in range(k):
            total -= lower[k, m] * x[start + m]
        x[start + k] = total / lower[k, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def backward(lower: Array, n: Index, x: Array, start: Index) -> None:
    """Solve L' z = x[start : start + n] in place, row by row of L; n and start unsigned."""
    for step in range(n):
        k = n - step - np.uintp(1)
        entry = x[start + k] / lower[k, k]
        x[start + k] = entry
        for m in range(k):
            x[start + m] -= lower[k, m] * entry
