"""Calibration: a known distortion of posteriors is undone, and what is calibrated stays."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from pidkit.representations import calibration as module
from pidkit.representations.calibration import Calibration, fit_calibration


def exact(n: int, seed: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return posteriors and labels drawn from them."""
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.full(classes, 0.5), size=n) * 0.98 + 0.02 / classes
    return q, (q.cumsum(1) > rng.random((n, 1))).argmax(1)


def divergence(q: np.ndarray, shown: np.ndarray) -> float:
    return float((q * np.log(q / shown)).sum(1).mean())


PRIOR = np.array([1.0, -1.0, 0.5, 0.0])
MIX = np.array([[1.0, 0.5, 0.0, 0.0], [0.0, 1.2, 0.0, 0.0], [0.0, 0.0, 0.7, 0.4], [0.3, 0.0, 0.0, 1.0]])

DISTORTED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "too sure": lambda q: softmax(3.0 * np.log(q), axis=1),
    "too careful": lambda q: softmax(0.3 * np.log(q), axis=1),
    "another prior": lambda q: softmax(np.log(q) + PRIOR, axis=1),
    "mixed logits": lambda q: softmax(np.log(q) @ MIX.T + PRIOR, axis=1),
}


@pytest.mark.parametrize("kind", DISTORTED)
def test_a_distortion_is_undone_on_other_rows(kind: str) -> None:
    (q, labels), (other, _) = exact(6000, 0), exact(3000, 1)
    distort = DISTORTED[kind]
    found = fit_calibration(distort(q), labels).apply(distort(other))
    before, after = divergence(other, distort(other)), divergence(other, found)
    assert before > 0.05
    assert after < 0.006  # some 20 parameters cost 20 / (2 · 6000)


def test_what_is_calibrated_stays() -> None:
    (q, labels), (other, _) = exact(2000, 0), exact(2000, 1)
    assert divergence(other, fit_calibration(q, labels).apply(other)) < 0.005


def test_few_rows_get_a_temperature_alone() -> None:
    q, labels = exact(60, 0, classes=10)
    found = fit_calibration(softmax(2.0 * np.log(q), axis=1), labels)
    assert (found.matrix == found.matrix[0, 0] * np.eye(10)).all()
    assert (found.bias == 0.0).all()


def test_the_temperature_is_that_of_the_lowest_log_loss() -> None:
    q, labels = exact(500, 0)
    logs = np.log(q.T) - np.log(q).mean(1)
    grid = np.exp(np.linspace(-1, 1, 2001))
    losses = [module._loss(Calibration(t * np.eye(4), np.zeros(4)), logs, labels) for t in grid]
    assert module._temperature(logs, labels) == pytest.approx(grid[int(np.argmin(losses))], abs=2e-3)


def test_without_a_penalty_it_is_logistic_regression_on_log_posteriors() -> None:
    q, labels = exact(800, 0)
    logs = np.log(q.T) - np.log(q).mean(1)
    start = Calibration(np.eye(4), np.zeros(4))
    own = module._matrix(logs, labels, 1e-9, start)
    peer = LogisticRegression(C=1e6, max_iter=2000, tol=1e-8).fit(logs.T, labels)
    peer_q = peer.predict_proba(logs.T)[np.arange(800), labels]
    assert module._loss(own, logs, labels) == pytest.approx(-np.log(peer_q).mean(), abs=1e-4)


def test_no_probability_becomes_zero() -> None:
    q = np.array([[1 - 1e-12, 1e-12], [1e-12, 1 - 1e-12]])
    assert (Calibration(50.0 * np.eye(2), np.zeros(2)).apply(q) > 0.0).all()
    assert Calibration(50.0 * np.eye(2), np.zeros(2)).apply(q).sum(1) == pytest.approx([1.0, 1.0])
