"""Discriminant analysis with a ridge: scikit-learn's posteriors, and the factor where it is too sure or has nothing."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from pidkit.mi.decoder.discriminant import Moments, choose_discriminant
from pidkit.mi.decoder.network import Perceptron


def samples(n: int, seed: int, classes: int = 3, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return apart * np.eye(classes)[y] + rng.normal(size=(n, classes)), y


@pytest.mark.parametrize("ridge", [0.0, 0.25, 2.0])
def test_it_is_scikit_learns_with_that_shrinkage(ridge: float) -> None:
    rows, labels = samples(501, 0)
    rows *= [1.0, 3.0, 0.5]
    moments = Moments.of(rows, labels, 3)
    # (1 - s) S + s mean I is (1 - s) times S + s / (1 - s) mean I.
    share = ridge / (1.0 + ridge)
    peer = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=share)
    given = peer.fit(rows, labels).predict_proba(rows)
    # scikit-learn shrinks each class's covariance, and towards its own mean eigenvalue: the mean over them is the same.
    own = Perceptron((moments.weights(ridge, 1.0 / (1.0 - share)),), "softmax").mean(rows)
    assert np.abs(own - given).max() < 1e-6


def test_the_factor_undoes_the_ridge_where_classes_are_round_and_is_zero_where_rows_tell_nothing() -> None:
    ridge, factor = choose_discriminant(Moments.of(*samples(20_001, 0), 3), samples(20_001, 1))
    assert factor / (1.0 + ridge) == pytest.approx(1.0, abs=0.1)
    nothing = Moments.of(*samples(501, 0, apart=0.0), 3)
    ridge, factor = choose_discriminant(nothing, samples(5001, 1, apart=0.0))
    assert factor / (1.0 + ridge) < 0.2


def test_few_rows_take_a_larger_ridge() -> None:
    def wide(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y = np.arange(n) % 2
        return 0.3 * y[:, None] + rng.normal(size=(n, 50)), y

    assert choose_discriminant(Moments.of(*wide(80, 0), 2), wide(2000, 1))[0] >= 1.0
    assert choose_discriminant(Moments.of(*wide(20_000, 0), 2), wide(2000, 1))[0] <= 0.1


def test_a_class_that_is_missing_from_the_rows_keeps_some_chance() -> None:
    rows, labels = samples(200, 0, classes=2)
    q = Perceptron((Moments.of(rows, labels, 3).weights(0.1),), "softmax").mean(rows)
    assert np.isfinite(q).all()
    assert (q[:, 2] > 0.0).all()
