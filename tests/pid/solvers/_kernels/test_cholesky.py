"""The Cholesky factors against numpy, null directions against what they stand for, and BLAS on parts of matrices."""

import numpy as np
import pytest

from pidkit.pid.solvers._kernels import blas, blas_in_python
from pidkit.pid.solvers._kernels.arrays import Matrix
from pidkit.pid.solvers._kernels.cholesky import PANEL, backward, cholesky, forward
from pidkit.pid.solvers._kernels.compiling import DISABLE_JIT, Kernel, kernel
from pidkit.pid.solvers._kernels.newton import divide_few_rows
from tests.pid.solvers._kernels.in_python import in_python

SIZES = [1, 2, PANEL, PANEL + 1, 3 * PANEL, 150]


def positive(rng: np.random.Generator, n: int) -> np.ndarray:
    """A well-conditioned positive definite matrix."""
    x = rng.normal(size=(n, n + 3))
    return x @ x.T + n * np.eye(n)


@pytest.mark.parametrize("n", SIZES)
def test_the_leading_part_is_factored_and_solved_in_place(n: int) -> None:
    rng = np.random.default_rng(n)
    room = rng.normal(size=(n + 2, n + 2))
    a = room[:n, :n] = positive(rng, n)
    a, before = a.copy(), room.copy()
    cholesky(room, n, np.zeros(n))
    np.testing.assert_allclose(np.tril(room[:n, :n]), np.linalg.cholesky(a), rtol=1e-10, atol=1e-12)
    outside = np.triu(np.ones_like(room, bool), 1)
    outside[n:] = True
    np.testing.assert_array_equal(room[outside], before[outside])
    rhs = rng.normal(size=n + 3)
    x = rhs.copy()
    in_python(forward)(room, n, x, 2)
    in_python(backward)(room, n, x, 2)
    np.testing.assert_allclose(x[2 : n + 2], np.linalg.solve(a, rhs[2 : n + 2]), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(x[[0, 1, -1]], rhs[[0, 1, -1]])


@pytest.mark.parametrize("n", [5, 80, 150])
@pytest.mark.parametrize("pivot", [0.0, -1e-9])
def test_a_pivot_that_is_not_positive_gets_a_zero_step_wherever_it_is(n: int, pivot: float) -> None:
    rng = np.random.default_rng(n)
    null = sorted({0, 3, n // 2, n - 1})
    kept = np.setdiff1d(np.arange(n), null)
    a = np.zeros((n, n))
    a[np.ix_(kept, kept)] = positive(rng, len(kept))
    a[null, null] = pivot
    rhs = rng.normal(size=n)
    x = rhs.copy()
    lower = a.copy()
    cholesky(lower, n, np.zeros(n))
    assert np.isinf(lower[null, null]).all()
    in_python(forward)(lower, n, x, 0)
    in_python(backward)(lower, n, x, 0)
    np.testing.assert_array_equal(x[null], 0.0)
    np.testing.assert_allclose(x[kept], np.linalg.solve(a[np.ix_(kept, kept)], rhs[kept]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [5, 80])
def test_what_counts_as_a_pivot_is_for_the_caller_to_say(n: int) -> None:
    lower = np.diag(np.linspace(1.0, 2.0, n))
    least = np.zeros(n)
    least[[0, n - 1]] = 1.0, 2.0  # not above: as large
    cholesky(lower, n, least)
    assert np.flatnonzero(np.isinf(np.diag(lower))).tolist() == [0, n - 1]


@kernel()
def compiled_divide_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Call BLAS as the kernels do."""
    blas.divide_rows(lower, n, x, start, width)


@kernel()
def compiled_gram(matrix: Matrix, n: int, x: Matrix, size: int) -> None:
    """Call BLAS as the kernels do."""
    blas.subtract_gram_of_columns(matrix, n, x, size)


@kernel()
def compiled_divide_few_rows(lower: Matrix, n: int, x: Matrix, start: int, width: int) -> None:
    """Divide without BLAS."""
    divide_few_rows(lower, n, x, start, width)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 50), (33, 5)])
def test_blas_sees_rows_where_it_thinks_of_columns(shape: tuple[int, ...]) -> None:
    """On parts of matrices that are wider and longer than what is worked on, by BLAS, by loops and by numpy."""
    rng = np.random.default_rng(0)
    n, columns = shape
    lower, x, start = positive(rng, n + 1), rng.normal(size=(n + 3, columns + 2)), 2
    expected = x.copy()
    expected[2 : n + 2, :columns] = np.linalg.solve(np.tril(lower[:n, :n]), x[2 : n + 2, :columns])
    for divide in (compiled_divide_rows, compiled_divide_few_rows, blas_in_python.divide_rows):
        have = x.copy()
        divide(lower, n, have, start, columns)
        np.testing.assert_allclose(have, expected, rtol=1e-11, atol=1e-13)
    square = rng.normal(size=(columns + 1, columns + 1))
    part = x[:n, :columns]
    gram = np.zeros_like(square)
    gram[:columns, :columns] = np.tril(part.T @ part)
    for subtract in (compiled_gram, blas_in_python.subtract_gram_of_columns):
        have = square.copy()
        subtract(have, columns, x, n)
        np.testing.assert_allclose(have, square - gram, rtol=1e-11, atol=1e-12)


def test_kernels_are_functions_where_numba_is_switched_off() -> None:
    assert isinstance(compiled_gram, Kernel) != bool(DISABLE_JIT)
