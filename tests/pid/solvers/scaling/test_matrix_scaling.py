"""Matrix scalings with a shared kernel: against a slow Sinkhorn, and where sweeps alone would crawl."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pidkit.pid.solvers.scaling import matrix_scaling
from pidkit.pid.solvers.scaling.matrix_scaling import MatrixScalings
from tests.pid.strategies import generators


def random_problem(
    rng: np.random.Generator, n_y: int, n_x1: int, n_x2: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pair marginals that some kernel can be scaled to, and that kernel."""
    weights = rng.gamma(1.0, size=(n_x1, n_x2)) + 0.01
    joint = rng.gamma(0.5, size=(n_y, n_x1, 1)) * weights * rng.gamma(0.5, size=(n_y, 1, n_x2))
    joint /= joint.sum()
    return joint.sum(2), joint.sum(1), weights


def row_error(p_yx1: np.ndarray, a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> float:
    return np.abs(a * (b @ weights.T) - p_yx1).sum()


def slow_sinkhorn(p_yx1: np.ndarray, p_yx2: np.ndarray, weights: np.ndarray, sweeps: int) -> np.ndarray:
    """Return the scaled tables, one y after the other."""
    tables = []
    for rows, columns in zip(p_yx1, p_yx2, strict=True):
        b = np.ones_like(columns)
        for _ in range(sweeps):
            a = rows / (weights @ b)
            b = columns / (weights.T @ a)
        tables.append(a[:, None] * weights * b)
    return np.array(tables)


@settings(max_examples=30)
@given(generators(), st.tuples(*[st.integers(1, 6)] * 3))
def test_agrees_with_a_slow_sinkhorn(rng: np.random.Generator, shape: tuple[int, int, int]) -> None:
    p_yx1, p_yx2, weights = random_problem(rng, *shape)
    scalings = MatrixScalings(p_yx1, p_yx2)
    b = np.ones_like(p_yx2)
    for _ in range(60):
        a, b = scalings.fit(b, weights, accuracy=1e-14)
    expected = slow_sinkhorn(p_yx1, p_yx2, weights, 3000)
    np.testing.assert_allclose(a[:, :, None] * weights * b[:, None, :], expected, atol=1e-9)


def test_column_sums_are_exact_and_the_accuracy_is_reached() -> None:
    p_yx1, p_yx2, weights = random_problem(np.random.default_rng(0), 5, 7, 6)
    a, b = MatrixScalings(p_yx1, p_yx2).fit(np.ones_like(p_yx2), weights, accuracy=1e-6)
    np.testing.assert_allclose(b * (a @ weights), p_yx2, rtol=1e-13)
    assert row_error(p_yx1, a, b, weights) <= 1e-6


def test_zeros_of_the_marginals_stay_zeros() -> None:
    p_yx1 = np.array([[0.5, 0.0], [0.25, 0.25]])
    p_yx2 = np.array([[0.0, 0.2, 0.3], [0.5, 0.0, 0.0]])
    weights = np.ones((2, 3))
    a, b = MatrixScalings(p_yx1, p_yx2).fit((p_yx2 > 0).astype(float), weights, accuracy=1e-12)
    assert ((a == 0.0) == (p_yx1 == 0.0)).all()
    assert ((b == 0.0) == (p_yx2 == 0.0)).all()


def test_newton_steps_pass_where_sweeps_crawl(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    weights = np.eye(12) + 1e-6 * rng.random((12, 12))
    a, b = np.exp(rng.normal(size=(2, 3, 12)))
    joint = a[:, :, None] * weights * b[:, None, :]
    joint /= joint.sum()
    p_yx1, p_yx2 = joint.sum(2), joint.sum(1)

    def error_after(newton_steps: Any, calls: Any) -> Any:
        monkeypatch.setattr(matrix_scaling, "NEWTON_STEPS_PER_CALL", newton_steps)
        scalings, b = MatrixScalings(p_yx1, p_yx2), np.ones_like(p_yx2)
        for _ in range(calls):
            a, b = scalings.fit(b, weights, accuracy=1e-13)
        return row_error(p_yx1, a, b, weights)

    assert error_after(2, 10) < 1e-12
    assert error_after(0, 1000) > 1e-9


def test_finished_rows_do_not_disturb_the_others() -> None:
    # The first y is scaled from the start, so that its Newton equation is 0 = 0.
    p_yx1 = np.array([[0.25, 0.25], [0.4999, 0.0001]])
    p_yx2 = np.array([[0.25, 0.25], [0.0002, 0.4998]])
    weights = np.array([[1.0, 1e-7], [1e-7, 1.0]])
    scalings, b = MatrixScalings(p_yx1, p_yx2), np.ones((2, 2))
    for _ in range(40):
        a, b = scalings.fit(b, weights, accuracy=1e-13)
    assert np.isfinite(a).all()
    assert row_error(p_yx1, a, b, weights) == pytest.approx(0.0, abs=1e-12)
