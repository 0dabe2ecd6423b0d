"""The Cholesky factors against numpy, null directions against what they stand for, and BLAS on parts of matrices."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pidkit.pid.solvers._kernels import newton
from pidkit.pid.solvers._kernels.blas import divide_rows, subtract_gram_of_columns
from pidkit.pid.solvers._kernels.cholesky import PANEL, backward, cholesky, forward

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
    forward(room, np.uintp(n), x, np.uintp(2))
    backward(room, np.uintp(n), x, np.uintp(2))
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
    forward(lower, np.uintp(n), x, np.uintp(0))
    backward(lower, np.uintp(n), x, np.uintp(0))
    np.testing.assert_array_equal(x[null], 0.0)
    np.testing.assert_allclose(x[kept], np.linalg.solve(a[np.ix_(kept, kept)], rhs[kept]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [5, 80])
def test_what_counts_as_a_pivot_is_for_the_caller_to_say(n: int) -> None:
    lower = np.diag(np.linspace(1.0, 2.0, n))
    least = np.zeros(n)
    least[[0, n - 1]] = 1.0, 2.0  # not above: as large
    cholesky(lower, n, least)
    assert np.flatnonzero(np.isinf(np.diag(lower))).tolist() == [0, n - 1]


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 50), (33, 5)])
def test_blas_sees_rows_where_it_thinks_of_columns(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    n, columns = shape
    lower, x, start = positive(rng, n + 1), rng.normal(size=(n + 3, columns)), np.uintp(2)
    expected = x.copy()
    expected[2 : n + 2] = np.linalg.solve(np.tril(lower[:n, :n]), x[2 : n + 2])
    for divide in (divide_rows, newton._divide_rows):
        have = x.copy()
        divide(lower, np.uintp(n), have, start)
        np.testing.assert_allclose(have, expected, rtol=1e-11, atol=1e-13)
    square = rng.normal(size=(columns, columns))
    have = square.copy()
    subtract_gram_of_columns(have, x)
    np.testing.assert_allclose(have, np.tril(square - x.T @ x) + np.triu(square, 1), rtol=1e-11, atol=1e-13)


CACHED = """
import numpy as np
from pidkit.pid.solvers._kernels.blas import subtract_gram_of_columns as kernel
have = np.zeros((3, 3))
kernel(have, np.eye(3))
assert np.array_equal(have, -np.eye(3))
hits = sum(kernel.stats.cache_hits.values())
print(hits)
"""


def test_code_from_the_disk_cache_finds_blas_in_another_process(tmp_path: Path) -> None:
    """A symbol must mean the address of this process; and the second process must compile nothing."""
    hits = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", CACHED],
            env={"NUMBA_CACHE_DIR": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for _ in range(2)
    ]  # fmt: skip
    assert hits == ["0", "1"]
