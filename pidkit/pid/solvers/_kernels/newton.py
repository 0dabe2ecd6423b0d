"""The Newton system of the interior point: its block structure and its Schur complement.

With pi[y] = q(y|x1,x2) the softmax of lam + mu over y, and kappa = w (1/g - 1), the Hessian is

    H = sum over pairs (x1, x2) of  w diag(pi) + kappa pi pi'   on the variables lam[., x1], mu[., x2].

Its lam-lam part is one block for each x1 and its mu-mu part one for each x2, so the lam blocks are eliminated one
by one and what is left to factor is the Schur complement on mu. One mu of each y is fixed at its value: adding k to
lam[y] and subtracting it from mu[y] changes nothing (the gauge). Arrays here have y last: lam[x1, y], mu[x2, y].
support[x, :count[x]] lists the y whose variable is free, in order, and offset[x] is the number of the first of them;
these are unsigned, because numba checks the sign of every other index, which keeps a loop from being vectorised.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidkit.pid.solvers._kernels.blas import divide_rows, subtract_gram_of_columns
from pidkit.pid.solvers._kernels.cholesky import backward, cholesky, forward
from pidkit.pid.solvers._kernels.pairs import FAST, Array, Index, fill

FEW_COLUMNS, FEW_ROWS = 6, 32
"""Columns of the coupling, and rows of a block, up to which BLAS costs more in being called than it saves."""

RELATIVE_PIVOT = 1e-20
"""A pivot of a block this far below its diagonal entry is rounding."""

PROXIMAL = 1e-15
"""The curvature added to the mu-mu part, as a share of its diagonal: a few roundings of what is subtracted from it.

Where the optimum is a whole face, as with two sources that are copies of one another, the Schur complement is zero
along it but for rounding, which would send the step anywhere. With more, the step would be too short where the
curvature is small and real.
"""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fix_gauge(p2: Array, fixed: Array) -> None:
    """Fill the x2 whose mu is fixed, for each y: the one with the most mass, the best conditioned choice."""
    for y in range(p2.shape[1]):
        fixed[y] = 0
        for j in range(p2.shape[0]):
            if p2[j, y] > p2[fixed[y], y]:
                fixed[y] = j


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def number_variables(p: Array, fixed: Array, support: Array, count: Array, offset: Array) -> int:
    """Number the free variables on the support of p, all but those with fixed[y] = x; return how many there are."""
    total = 0
    for i in range(p.shape[0]):
        offset[i] = total
        n = 0
        for y in range(p.shape[1]):
            if p[i, y] > 0.0 and fixed[y] != i:
                support[i, n] = y
                n += 1
        count[i] = n
        total += n
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def assemble(
    pi: Array, w: Array, kappa: Array,
    support1: Array, count1: Array, offset1: Array, support2: Array, count2: Array, offset2: Array,
    blocks: Array, coupling: Array, schur: Array, here: Array, there: Array,
) -> None:  # fmt: skip
    """Fill the lam blocks, the lam-mu coupling and the mu-mu part of H; only lower triangles, of blocks and of schur.

    `here` and `there` are room for n_y numbers.
    """
    n_1, n_2, _ = pi.shape
    for i in range(n_1):
        fill(blocks[i], 0.0)
    fill(schur, 0.0)
    for i in range(n_1):
        n, row = count1[i], offset1[i]
        for j in range(n_2):
            m, column = count2[j], offset2[j]
            weight, scale = w[i, j], kappa[i, j]
            if weight == 0.0:
                for k in range(n):
                    for z in range(m):
                        coupling[row + k, column + z] = 0.0
                continue
            for k in range(n):
                here[k] = pi[i, j, support1[i, k]]
            for z in range(m):
                there[z] = pi[i, j, support2[j, z]]
            for k in range(n):
                left = scale * here[k]
                for z in range(k):
                    blocks[i, k, z] += left * here[z]
                blocks[i, k, k] += (left + weight) * here[k]
                for z in range(m):
                    coupling[row + k, column + z] = left * there[z]
            same: Index = np.uintp(0)
            for z in range(m):
                left = scale * there[z]
                for y in range(z):
                    schur[column + z, column + y] += left * there[y]
                schur[column + z, column + z] += (left + weight) * there[z]
                while same < n and support1[i, same] < support2[j, z]:
                    same += np.uintp(1)
                if same < n and support1[i, same] == support2[j, z]:
                    coupling[row + same, column + z] += weight * there[z]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def factor(count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array, least: Array) -> None:
    """Factor the system in place: Cholesky factors of the lam blocks, then of the Schur complement.

    On return `blocks` holds L1 with L1 L1' = H11 block by block, `coupling` holds L1^-1 H12, and the lower triangle
    of `schur` holds the Cholesky factor of H22 - H21 H11^-1 H12. `least` is room as long as the larger of a block
    and the Schur complement.
    """
    n = schur.shape[0]
    for i in range(count1.size):
        for k in range(count1[i]):
            least[k] = RELATIVE_PIVOT * blocks[i, k, k]
        cholesky(blocks[i], np.intp(count1[i]), least)
        if n > FEW_COLUMNS and count1[i] > FEW_ROWS:
            divide_rows(blocks[i], count1[i], coupling, offset1[i])
        else:
            _divide_rows(blocks[i], count1[i], coupling, offset1[i])
    for k in range(n):  # a pivot that is no more than what is added here is rounding alone
        least[k] = PROXIMAL * schur[k, k]
        schur[k, k] *= 1.0 + PROXIMAL
    if n > FEW_COLUMNS:
        subtract_gram_of_columns(schur, coupling)
    else:
        for k in range(coupling.shape[0]):
            for row in range(n):
                for column in range(row + 1):
                    schur[row, column] -= coupling[k, row] * coupling[k, column]
    cholesky(schur, n, least)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _divide_rows(lower: Array, n: Index, x: Array, start: Index) -> None:
    """Do what `blas.divide_rows` does, where there is little of it; n and start unsigned."""
    for k in range(n):
        for m in range(k):
            for column in range(x.shape[1]):
                x[start + k, column] -= lower[k, m] * x[start + m, column]
        inverse = 1.0 / lower[k, k]
        for column in range(x.shape[1]):
            x[start + k, column] *= inverse


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve(count1: Array, offset1: Array, blocks: Array, coupling: Array, schur: Array, x1: Array, x2: Array) -> None:
    """Solve H (x1, x2) = (rhs1, rhs2) in place with the factors of `factor`."""
    n = x2.size
    for i in range(count1.size):
        forward(blocks[i], count1[i], x1, offset1[i])
    for k in range(x1.size):
        for column in range(n):
            x2[column] -= coupling[k, column] * x1[k]
    forward(schur, np.uintp(n), x2, np.uintp(0))
    backward(schur, np.uintp(n), x2, np.uintp(0))
    for k in range(x1.size):
        total = 0.0
        for column in range(n):
            total += coupling[k, column] * x2[column]
        x1[k] -= total
    for i in range(count1.size):
        backward(blocks[i], count1[i], x1, offset1[i])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def add_solution(
    support1: Array, count1: Array, offset1: Array, support2: Array, count2: Array, offset2: Array,
    blocks: Array, coupling: Array, schur: Array, b1: Array, b2: Array, d1: Array, d2: Array, x1: Array, x2: Array,
) -> None:  # fmt: skip
    """Add the solution of H x = (b1, b2) to (d1, d2), on the free variables; x1 and x2 are room."""
    for i in range(d1.shape[0]):
        for k in range(count1[i]):
            x1[offset1[i] + k] = b1[i, support1[i, k]]
    for j in range(d2.shape[0]):
        for k in range(count2[j]):
            x2[offset2[j] + k] = b2[j, support2[j, k]]
    solve(count1, offset1, blocks, coupling, schur, x1, x2)
    for i in range(d1.shape[0]):
        for k in range(count1[i]):
            d1[i, support1[i, k]] += x1[offset1[i] + k]
    for j in range(d2.shape[0]):
        for k in range(count2[j]):
            d2[j, support2[j, k]] += x2[offset2[j] + k]
