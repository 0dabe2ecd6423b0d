"""The Newton system of the interior point: its block structure, its Schur complement, its Cholesky factors.

With pi[y] = q(y|x1,x2) the softmax of lam + mu over y, and kappa = w (1/g - 1), the Hessian is

    H = sum over pairs (x1, x2) of  w diag(pi) + kappa pi pi'   on the variables lam[., x1], mu[., x2].

Its lam-lam part is one block for each x1 and its mu-mu part one for each x2, so the lam blocks are eliminated one
by one and what is left to factor is the Schur complement on mu. One mu of each y is fixed at its value: adding k to
lam[y] and subtracting it from mu[y] changes nothing (the gauge). Arrays here have y last: lam[x1, y], mu[x2, y].
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid._kernels.pairs import FAST, Array, fill

PANEL = 32
"""Columns factored at a time by the blocked Cholesky; all other work of the factorisation is matrix products."""

SYRK_PANEL = 64
"""Least number of columns of the Schur complement formed at a time; each panel is one matrix product."""

SMALL = 24
"""Size of a Schur complement that is formed without BLAS."""

RELATIVE_PIVOT = 1e-20
"""A pivot this far below its diagonal entry is rounding: the direction is null and its step is set to zero."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def assemble(
    pi: Array, w: Array, kappa: Array, support1: Array, count1: Array, offset1: Array, index2: Array,
    blocks: Array, coupling: Array, schur: Array,
) -> None:  # fmt: skip
    """Fill the lam blocks, the lam-mu coupling (one column for each free mu) and the mu-mu part of H.

    support1[x1, :count1[x1]] lists the y with P(y, x1) > 0; offset1 is where its rows start in `coupling`;
    index2[x2, y] numbers the free mu, -1 where mu is fixed or off its support. Only lower triangles are filled.
    """
    n_1, n_2, n_y = pi.shape
    for i in range(n_1):
        fill(blocks[i], 0.0)
    fill(coupling, 0.0)
    fill(schur, 0.0)
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
                here = pi[i, j, y]
                if here == 0.0:
                    continue
                left = scale * here
                for m in range(k):
                    blocks[i, k, m] += left * pi[i, j, support1[i, m]]
                blocks[i, k, k] += left * here + weight * here
                for z in range(n_y):
                    if index2[j, z] >= 0:
                        coupling[start + k, index2[j, z]] = left * pi[i, j, z]
                if index2[j, y] >= 0:
                    coupling[start + k, index2[j, y]] += weight * here
            for y in range(n_y):
                row = index2[j, y]
                if row < 0 or pi[i, j, y] == 0.0:
                    continue
                left = scale * pi[i, j, y]
                for z in range(y):
                    if index2[j, z] >= 0:
                        schur[row, index2[j, z]] += left * pi[i, j, z]
                schur[row, row] += left * pi[i, j, y] + weight * pi[i, j, y]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def factor(count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array, diagonal: Array) -> None:
    """Factor the system in place: Cholesky factors of the lam blocks, then of the Schur complement.

    On return `blocks` holds L1 with L1 L1' = H11 block by block, `coupling` holds L1^-1 H12, and the lower triangle
    of `schur` holds the Cholesky factor of H22 - H21 H11^-1 H12. `diagonal` is room for the yardstick of the pivots,
    as long as the larger of a block and the Schur complement.
    """
    n = schur.shape[0]
    for i in range(count1.size):
        lower = blocks[i]
        start = offset1[i]
        _read_diagonal(lower, count1[i], diagonal)
        _cholesky_block(lower, 0, count1[i], diagonal)
        # Forward substitution on all columns at once: the inner loop runs along a row of `coupling`.
        for k in range(count1[i]):
            for m in range(k):
                entry = lower[k, m]
                for column in range(n):
                    coupling[start + k, column] -= entry * coupling[start + m, column]
            inverse = 1.0 / lower[k, k]
            for column in range(n):
                coupling[start + k, column] *= inverse
    _read_diagonal(schur, n, diagonal)
    if n <= SMALL:  # a matrix product would cost more in being called than in being done
        for k in range(coupling.shape[0]):
            for row in range(n):
                for column in range(row + 1):
                    schur[row, column] -= coupling[k, row] * coupling[k, column]
    else:
        width = max(SYRK_PANEL, n // 6)
        for first in range(0, n, width):
            last = min(first + width, n)
            right = _columns(coupling, first, n)
            _subtract(schur, first, first, np.dot(right.T, _columns(coupling, first, last)))
    _cholesky(schur, diagonal)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _cholesky(matrix: Array, original: Array) -> None:
    """Factor the lower triangle in place, PANEL columns at a time."""
    n = matrix.shape[0]
    for first in range(0, n, PANEL):
        last = min(first + PANEL, n)
        _cholesky_block(matrix, first, last, original)
        if last == n:
            return
        inverse = _inverse_of_lower(matrix, first, last)
        below = np.dot(_columns(matrix[last:], first, last), inverse.T)
        for i in range(n - last):
            for k in range(last - first):
                matrix[last + i, first + k] = below[i, k]
        width = max(SYRK_PANEL, (n - last) // 4)
        for column in range(0, n - last, width):
            end = min(column + width, n - last)
            _subtract(matrix, last + column, last + column, np.dot(below[column:], below[column:end].T))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _columns(matrix: Array, first: int, last: int) -> Array:
    """Return a contiguous copy of some columns: what a matrix product wants."""
    part = np.empty((matrix.shape[0], last - first))
    for i in range(matrix.shape[0]):
        for k in range(last - first):
            part[i, k] = matrix[i, first + k]
    return part


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _subtract(matrix: Array, row: int, column: int, block: Array) -> None:
    """Subtract a block from the part of the matrix that begins at (row, column)."""
    for i in range(block.shape[0]):
        for k in range(block.shape[1]):
            matrix[row + i, column + k] -= block[i, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _read_diagonal(matrix: Array, n: int, diagonal: Array) -> None:
    """Copy the first n diagonal entries: the yardstick of the pivots."""
    for k in range(n):
        diagonal[k] = matrix[k, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _cholesky_block(matrix: Array, first: int, last: int, original: Array) -> None:
    """Factor the diagonal block first..last-1 in place."""
    for j in range(first, last):
        pivot = matrix[j, j]
        for k in range(first, j):
            pivot -= matrix[j, k] * matrix[j, k]
        # The factor of a null direction is infinite, so that its component of every solution is zero.
        root = np.sqrt(pivot) if pivot > RELATIVE_PIVOT * original[j] else np.inf
        matrix[j, j] = root
        for i in range(j + 1, last):
            entry = matrix[i, j]
            for k in range(first, j):
                entry -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = entry / root


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _inverse_of_lower(matrix: Array, first: int, last: int) -> Array:
    """Return the inverse of the factored diagonal block first..last-1."""
    n = last - first
    inverse = np.zeros((n, n))
    for k in range(n):
        inverse[k, k] = 1.0
        for m in range(k):
            entry = matrix[first + k, first + m]
            for column in range(m + 1):
                inverse[k, column] -= entry * inverse[m, column]
        root = matrix[first + k, first + k]
        for column in range(k + 1):
            inverse[k, column] /= root
    return inverse


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _forward(lower: Array, n: int, x: Array, start: int) -> None:
    """Solve L z = x[start : start + n] in place."""
    for k in range(n):
        total = x[start + k]
        for m in range(k):
            total -= lower[k, m] * x[start + m]
        x[start + k] = total / lower[k, k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _backward(lower: Array, n: int, x: Array, start: int) -> None:
    """Solve L' z = x[start : start + n] in place, row by row of L."""
    for k in range(n - 1, -1, -1):
        x[start + k] /= lower[k, k]
        for m in range(k):
            x[start + m] -= lower[k, m] * x[start + k]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve(count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array, x1: Array, x2: Array) -> None:
    """Solve H (x1, x2) = (rhs1, rhs2) in place with the factors of `factor`."""
    n = x2.size
    for i in range(count1.size):
        _forward(blocks[i], count1[i], x1, offset1[i])
    for k in range(x1.size):
        for column in range(n):
            x2[column] -= coupling[k, column] * x1[k]
    _forward(schur, n, x2, 0)
    _backward(schur, n, x2, 0)
    for k in range(x1.size):
        total = 0.0
        for column in range(n):
            total += coupling[k, column] * x2[column]
        x1[k] -= total
    for i in range(count1.size):
        _backward(blocks[i], count1[i], x1, offset1[i])
