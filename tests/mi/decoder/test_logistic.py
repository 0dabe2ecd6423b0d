"""The linear label decoder: scikit-learn's own fit, the penalty that held-out rows prefer, and its own account."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pidkit.mi.decoder import logistic as module
from pidkit.mi.decoder.logistic import PENALTIES, logistic


def samples(n: int, classes: int, seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return np.eye(classes)[y] + noise * rng.normal(size=(n, classes)), y


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_the_best_of_scikit_learns(classes: int) -> None:
    train, stop = samples(300, classes, 0), samples(300, classes, 1)
    net, notes = logistic(train, stop, classes)
    peers = [LogisticRegression(C=c, max_iter=500).fit(*train) for c in PENALTIES]
    losses = [-np.log(peer.predict_proba(stop[0])[np.arange(300), stop[1]]).mean() for peer in peers]
    best = peers[int(np.argmin(losses))]
    assert notes == ()
    assert np.abs(net.mean(stop[0]) - best.predict_proba(stop[0])).max() < 1e-3


def test_a_fit_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOGISTIC_ITERATIONS", 1)
    _, notes = logistic(samples(100, 3, 0), samples(100, 3, 1), 3)
    assert notes == ("the logistic regression stopped before it converged; reduce the columns of a",)
