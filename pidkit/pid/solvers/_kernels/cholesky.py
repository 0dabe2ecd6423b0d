"""Cholesky factors of positive semidefinite matrices, null directions and all, and the solves with them.

LAPACK's dpotrf gives up at a pivot that is not positive, which near a degenerate optimum is an everyday event. Here the
factor of such a direction is infinite, so that its component of every solution is zero. It is as fast: all but the
narrow diagonal blocks is BLAS.
"""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers._kernels.arrays import Matrix, Vector
from pidkit.pid.solvers._kernels.blas import divide_panel, subtract_gram_of_panel
from pidkit.pid.solvers._kernels.compiling import inlined, kernel

PANEL = 32
"""How many columns are factored at a time without BLAS: narrower panels cost more in calls than BLAS saves."""


@kernel()
def cholesky(matrix: Matrix, n: int, least: Vector) -> None:
    """Replace the lower triangle of the leading n x n part by L, its Cholesky factor: A = L L'.

    Parameters
    ----------
    matrix : Matrix
        At least n x n; nothing but that triangle is read or written.
    n : int
    least : Vector
        A pivot that is not above its `least` is rounding: L gets an infinite diagonal entry there, and the solves with
        it take no step in that direction.
    """
    for first in range(0, n, PANEL):
        last = min(first + PANEL, n)
        _factor_block(matrix, first, last, least)
        if last < n:
            divide_panel(matrix, n, first, last)
            subtract_gram_of_panel(matrix, n, first, last)


@inlined
def _factor_block(matrix: Matrix, first: int, last: int, least: Vector) -> None:
    """Factor the diagonal block of rows and columns first..last-1 in place."""
    for j in range(first, last):
        pivot = matrix[j, j]
        for k in range(first, j):
            pivot -= matrix[j, k] * matrix[j, k]
        root = np.sqrt(pivot) if pivot > least[j] else np.inf
        matrix[j, j] = root
        inverse = 1.0 / root
        for i in range(j + 1, last):
            entry = matrix[i, j]
            for k in range(first, j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry * inverse


@inlined
def forward(lower: Matrix, n: int, x: Vector, start: int) -> None:
    """Replace z = x[start : start + n] by L^-1 z, L the leading n x n lower triangle."""
    for k in range(n):
        total = x[start + k]
        for m in range(k):
            total -= lower[k, m] * x[start + m]
        x[start + k] = total / lower[k, k]


@inlined
def backward(lower: Matrix, n: int, x: Vector, start: int) -> None:
    """Replace z = x[start : start + n] by L'^-1 z, reading L row by row, as it lies in memory."""
    for step in range(n):
        k = n - step - 1
        entry = x[start + k] / lower[k, k]
        x[start + k] = entry
        for m in range(k):
            x[start + m] -= lower[k, m] * entry
