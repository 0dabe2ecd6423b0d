"""The Newton system of the interior point: its block structure, its Schur complement, its Cholesky factors.

With pi[y] = q(y|x1,x2) the softmax of lam + mu over y, and kappa = w (1/g - 1), the Hessian is

    H = sum over pairs (x1, x2) of  w diag(pi) + kappa pi pi'   on the variables lam[., x1], mu[., x2].

Its lam-lam part is one block for each x1 and its mu-mu part one for each x2, so the lam blocks are eliminated one
by one and what is left to factor is the Schur complement on mu. One mu of each y is fixed at its value: adding k to
lam[y] and subtracting it from mu[y] changes nothing (the gauge). Arrays here have y last: lam[x1, y], mu[x2, y].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

PANEL = 48
"""Columns factored at a time by the blocked Cholesky; the rest of the work is matrix products."""

RELATIVE_PIVOT = 1e-15
"""A pivot this far below its diagonal entry is rounding: the direction is null and its step is set to zero."""

_FAST = {"reassoc", "contract", "arcp", "nsz"}  # sums may be reordered; NaN and infinities keep their meaning
Array = Any  # inside compiled code numba, not mypy, knows the types


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def assemble(
    pi: Array, w: Array, kappa: Array, support1: Array, count1: Array, offset1: Array, index2: Array,
    blocks: Array, coupling: Array, schur: Array,
) -> None:  # fmt: skip
    """Fill the lam blocks, the lam-mu coupling (one row for each free mu) and the mu-mu part of H.

    support1[x1, :count1[x1]] lists the y with P(y, x1) > 0; offset1 is where a block's columns start in `coupling`;
    index2[x2, y] numbers the free mu, -1 where mu is fixed or off its support.
    """
    n_1, n_2, n_y = pi.shape
    blocks[:] = 0.0
    coupling[:] = 0.0
    schur[:] = 0.0
    for i in range(n_1):
        n = count1[i]
        start = offset1[i]
        for j in range(n_2):
            weight = w[i, j]
            if weight == 0.0:
                continue
            scale = kappa[i, j]
            for k in range(n):
                y = support1[i, k]
                if pi[i, j, y] == 0.0:
                    continue
                left = scale * pi[i, j, y]
                for m in range(k):
                    blocks[i, k, m] += left * pi[i, j, support1[i, m]]
                blocks[i, k, k] += left * pi[i, j, y] + weight * pi[i, j, y]
            for y in range(n_y):
                row = index2[j, y]
                if row < 0 or pi[i, j, y] == 0.0:
                    continue
                left = scale * pi[i, j, y]
                for k in range(n):
                    coupling[row, start + k] = left * pi[i, j, support1[i, k]]
                    if support1[i, k] == y:
                        coupling[row, start + k] += weight * pi[i, j, y]
                for z in range(y):
                    column = index2[j, z]
                    if column >= 0:
                        schur[row, column] += left * pi[i, j, z]
                schur[row, row] += left * pi[i, j, y] + weight * pi[i, j, y]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def factor(count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array) -> None:
    """Factor the system in place: Cholesky factors of the lam blocks, then of the Schur complement.

    On return `blocks` holds L1 with L1 L1' = H11 block by block, `coupling` holds (L1^-1 H12)', and the lower
    triangle of `schur` holds the Cholesky factor of H22 - H21 H11^-1 H12.
    """
    n_rows = coupling.shape[0]
    for i in range(count1.size):
        n = count1[i]
        start = offset1[i]
        _cholesky_panel(blocks[i, :n, :n], 0, n, _diagonal(blocks[i, :n, :n]))
        for row in range(n_rows):
            _forward(blocks[i, :n, :n], coupling[row, start : start + n])
    original = _diagonal(schur)
    if n_rows <= PANEL:
        for row in range(n_rows):
            for column in range(row + 1):
                total = 0.0
                for k in range(coupling.shape[1]):
                    total += coupling[row, k] * coupling[column, k]
                schur[row, column] -= total
        _cholesky_panel(schur, 0, n_rows, original)
        return
    for first in range(0, n_rows, PANEL):
        last = min(first + PANEL, n_rows)
        product = np.dot(coupling[first:], coupling[first:last].T)
        schur[first:, first:last] -= product
    for first in range(0, n_rows, PANEL):
        last = min(first + PANEL, n_rows)
        _cholesky_panel(schur, first, last, original)
        if last < n_rows:
            below = np.ascontiguousarray(schur[last:, first:last])
            for column in range(0, n_rows - last, PANEL):
                end = min(column + PANEL, n_rows - last)
                product = np.dot(below[column:], below[column:end].T)
                schur[last + column :, last + column : last + end] -= product


@njit(cache=True)
def _diagonal(matrix: Array) -> Array:
    """Return a copy of the diagonal: the yardstick of the pivots."""
    diagonal = np.empty(matrix.shape[0])
    for k in range(matrix.shape[0]):
        diagonal[k] = matrix[k, k]
    return diagonal


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _cholesky_panel(matrix: Array, first: int, last: int, original: Array) -> None:
    """Factor the columns first..last-1 of the lower triangle, rows first.. to the end, in place."""
    for j in range(first, last):
        pivot = matrix[j, j]
        for k in range(first, j):
            pivot -= matrix[j, k] * matrix[j, k]
        # The factor of a null direction is infinite, so that its component of every solution is zero.
        root = np.sqrt(pivot) if pivot > RELATIVE_PIVOT * original[j] else np.inf
        matrix[j, j] = root
        for i in range(j + 1, matrix.shape[0]):
            entry = matrix[i, j]
            for k in range(first, j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry / root


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _forward(factor_: Array, x: Array) -> None:
    """Solve L z = x in place."""
    for k in range(x.size):
        total = x[k]
        for m in range(k):
            total -= factor_[k, m] * x[m]
        x[k] = total / factor_[k, k]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def _backward(factor_: Array, x: Array) -> None:
    """Solve L' z = x in place, column by column so that the factor is read along its rows."""
    for k in range(x.size - 1, -1, -1):
        x[k] = x[k] / factor_[k, k]
        for m in range(k):
            x[m] -= factor_[k, m] * x[k]


@njit(cache=True, error_model="numpy", fastmath=_FAST)
def solve(
    count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array, x1: Array, x2: Array
) -> None:  # fmt: skip
    """Solve H (x1, x2) = (rhs1, rhs2) in place with the factors of `factor`."""
    for i in range(count1.size):
        n = count1[i]
        _forward(blocks[i, :n, :n], x1[offset1[i] : offset1[i] + n])
    for row in range(x2.size):
        total = x2[row]
        for k in range(x1.size):
            total -= coupling[row, k] * x1[k]
        x2[row] = total
    _forward(schur, x2)
    _backward(schur, x2)
    for row in range(x2.size):
        for k in range(x1.size):
            x1[k] -= coupling[row, k] * x2[row]
    for i in range(count1.size):
        n = count1[i]
        _backward(blocks[i, :n, :n], x1[offset1[i] : offset1[i] + n])
