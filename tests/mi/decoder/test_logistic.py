"""The linear label decoder: scikit-learn's own fit, the shrinkage that held-out rows prefer, and its own account."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pidkit.mi.decoder import logistic as module
from pidkit.mi.decoder.discriminant import Moments, choose_discriminant
from pidkit.mi.decoder.logistic import PENALTIES, logistic
from pidkit.mi.decoder.network import Perceptron


def samples(n: int, classes: int, seed: int, noise: float = 1.0, idle: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return np.hstack([np.eye(classes)[y], np.zeros((n, idle))]) + noise * rng.normal(size=(n, classes + idle)), y


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("c", PENALTIES)
def test_shrunk_towards_zero_it_is_scikit_learns(classes: int, c: float) -> None:
    rows, labels = samples(300, classes, 0)
    zero = np.zeros((classes + 1, classes))
    weights, converged = module._Problem.of(rows, labels).minimise(c, zero, zero, module.LOGISTIC_ITERATIONS)
    peer = LogisticRegression(C=c, max_iter=500, tol=1e-6).fit(rows, labels)
    assert converged
    q = Perceptron((weights,), "softmax").mean(rows)
    assert np.abs(q - peer.predict_proba(rows)).max() < 1e-3


def test_the_penalty_is_that_of_the_distance_to_the_centre() -> None:
    rows, labels = samples(200, 3, 0)
    centre = np.random.default_rng(1).normal(size=(4, 3))
    weights, _ = module._Problem.of(rows, labels).minimise(1e-7, centre, np.zeros((4, 3)), module.LOGISTIC_ITERATIONS)
    assert np.abs(weights - centre)[:-1].max() < 1e-4  # the biases are free


@pytest.mark.parametrize("classes", [2, 4])
def test_it_predicts_better_than_any_ridge_where_classes_are_normal(classes: int) -> None:
    train, stop, value = (samples(n, classes, seed, idle=60) for seed, n in ((0, 400), (1, 400), (2, 4000)))
    net, notes = logistic(train, stop, classes)
    own = np.arange(4000), value[1]
    peers = [
        -np.log(LogisticRegression(C=c, max_iter=500).fit(*train).predict_proba(value[0])[own]).mean()
        for c in PENALTIES
    ]
    assert notes == ()
    assert -np.log(net.mean(value[0])[own]).mean() < min(peers)


def test_it_follows_the_labels_where_classes_are_not_normal() -> None:
    """Discriminant analysis is drawn away by a far cluster of one class; the regression is not."""
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 2
    x = y + 0.4 * rng.normal(size=2000)
    x[(y == 1) & (rng.random(2000) < 0.3)] += 40.0
    parts = [(x[part, None], y[part]) for part in (slice(1000), slice(1000, 1500), slice(1500, 2000))]
    net, _ = logistic(parts[0], parts[1], 2)
    assert (net.mean(parts[2][0]).argmax(1) == parts[2][1]).mean() > 0.87
    moments = Moments.of(*parts[0], 2)
    analysis = Perceptron((moments.weights(*choose_discriminant(moments, parts[1])),), "softmax")
    assert net.loss(parts[1][0], np.eye(2)[parts[1][1]]) < 0.8 * analysis.loss(parts[1][0], np.eye(2)[parts[1][1]])


@pytest.mark.parametrize("classes", [2, 4])
def test_a_layer_that_is_the_label_is_read_without_overflow(classes: int) -> None:
    labels = np.arange(200) % classes
    rows = np.eye(classes)[labels] - 1.0 / classes
    net, notes = logistic((rows, labels), (rows, labels), classes)
    assert notes == ()
    assert np.log(net.mean(rows)[np.arange(200), labels]).mean() == pytest.approx(0.0, abs=1e-9)


def test_more_columns_than_rows_give_the_same_fit() -> None:
    train, stop = samples(60, 3, 0, idle=97), samples(60, 3, 1, idle=97)
    net, _ = logistic(train, stop, 3)
    primal, _ = module._choose(train, stop, 3, module.LOGISTIC_ITERATIONS)
    assert np.abs(net.mean(stop[0]) - primal.mean(stop[0])).max() < 1e-3
    assert net.weights[0].shape == (101, 3)


def test_of_many_rows_the_shrinkage_is_chosen_on_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    train, stop = samples(2000, 3, 0), samples(500, 3, 1)
    whole, _ = logistic(train, stop, 3)
    monkeypatch.setattr(module, "CHOICE_ROWS", 300)
    part, _ = logistic(train, stop, 3)
    assert np.abs(whole.mean(stop[0]) - part.mean(stop[0])).max() < 0.03


def test_a_fit_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOGISTIC_ITERATIONS", 1)
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        y = np.arange(200) % 2
        x = y + 0.2 * rng.normal(size=200)
        x[y == 1] += 40.0 * (rng.random(100) < 0.3)
        parts.append((x[:, None], y))
    _, notes = logistic(parts[0], parts[1], 2)
    assert notes == ("the logistic regression stopped before it converged; reduce the columns of a",)
