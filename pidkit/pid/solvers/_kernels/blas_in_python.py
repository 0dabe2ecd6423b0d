"""The routines of `blas` by numpy, for kernels that run as Python: to be stepped through and counted by coverage."""

from __future__ import annotations

from scipy.linalg import solve_triangular

from pidkit.pid.solvers._kernels.arrays import Matrix


def subtract_gram_of_columns(matrix: Matrix, n: int, x: Matrix, size: int) -> None:
    """Subtract X' X from the lower triangle of the leading n x n part, X the leading size x n part of x."""
    _subtract_from_lower(matrix[:n, :n], x[:size, :n].T @ x[:size, :n])


def subtract_gram_of_panel(matrix: Matrix, n: int, first: int, last: int) -> None:
    """Subtract B B' from the lower triangle of rows and columns last..n-1, B their columns first..last-1."""
    panel = matrix[last:n, first:last]
    _subtract_from_lower(matrix[last:n, last:n], panel @ panel.T)


def divide_panel(matrix: Matrix, n: int, first: int, last: int) -> None:
    """Replace B, rows last..n-1 of columns first..last-1, by B L^-T, L the lower triangle of the block above it."""
    panel = matrix[last:n, first:last]
    panel[:] = solve_triangular(matrix[first:last, first:last], panel.T, lower=True, check_finite=False).T


def divide_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Replace the rows X = x[start : start + n], columns ..width-1, by L^-1 X, L the leading n x n lower triangle."""
    count, begin = int(n), int(start)
    rows = x[begin : begin + count, :width]
    rows[:] = solve_triangular(lower[:count, :count], rows, lower=True, check_finite=False)


def _subtract_from_lower(matrix: Matrix, product: Matrix) -> None:
    """Subtract a symmetric product from the lower triangle alone, in place."""
    for row in range(len(matrix)):
        matrix[row, : row + 1] -= product[row, : row + 1]
