"""Decoders beside the label decoder: neighbours by counting, scikit-learn's posteriors, softmax of logits."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from pidkit import InputError
from pidkit.mi.decoder.network import UNIFORM_SHARE
from pidkit.mi.samples import scaling
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.classifiers import nearest_neighbours, of_classifier, of_logits


def rows(n: int = 240, classes: int = 3) -> tuple[np.ndarray, np.ndarray, ThreeWaySplit]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes
    x = 2.0 * np.eye(classes)[labels] + rng.normal(size=(n, classes))
    third = n // 3
    return x, labels, ThreeWaySplit(np.arange(third), np.arange(third, 2 * third), np.arange(2 * third, n))


def test_neighbours_are_counted_as_by_hand() -> None:
    x, labels, split = rows()
    q = nearest_neighbours(x, labels, split)
    shift, scale = scaling(x[split.train])
    z = (x - shift) / scale
    tried = {}
    for k in (5, 10, 20, 50):  # 80 training rows
        expected = np.empty((240, 3))
        for i in range(80, 240):
            near = labels[np.argsort(((z[:80] - z[i]) ** 2).sum(1), kind="stable")[:k]]
            expected[i] = (np.bincount(near, minlength=3) + np.bincount(labels[:80]) / 80) / (k + 1)
        loss = -np.log(expected[80:160][np.arange(80), labels[80:160]]).mean()
        tried[k] = loss, (1 - UNIFORM_SHARE) * expected[80:] + UNIFORM_SHARE / 3
    _, best = min(tried.values(), key=lambda one: one[0])
    assert np.abs(q[80:] - best).max() < 1e-12
    assert np.isnan(q[:80]).all()


def test_few_rows_are_all_neighbours() -> None:
    x, labels, _ = rows()
    q = nearest_neighbours(x, labels, ThreeWaySplit(np.arange(3), np.arange(3, 100), np.arange(100, 240)))
    assert q[3:] == pytest.approx(1 / 3)


def test_a_classifier_is_copied_and_its_posteriors_are_its_own() -> None:
    x, labels, split = rows()
    given = GaussianNB()
    q, notes = of_classifier(given, x, labels, split)
    shift, scale = scaling(x[split.train])
    z = (x - shift) / scale
    expected = GaussianNB().fit(z[split.train], labels[split.train]).predict_proba(z[split.value])
    assert np.abs(q[split.value] - expected).max() < 1e-5
    assert (q[split.value] > 0.0).all()
    assert notes == ()
    assert not hasattr(given, "classes_")


def test_a_class_that_no_training_row_has_keeps_the_uniform_share() -> None:
    x, labels, split = rows()
    few = ThreeWaySplit(split.train[labels[split.train] != 1], split.stop, split.value)
    q, _ = of_classifier(LinearDiscriminantAnalysis(), x, labels, few)
    assert q[split.value, 1] == pytest.approx(UNIFORM_SHARE / 3)


def test_logits_take_the_softmax() -> None:
    q = of_logits(np.array([[0.0, np.log(3.0)], [800.0, 0.0]]), 2, "x1")
    assert q[0] == pytest.approx([0.25, 0.75], abs=1e-6)
    assert q[1, 1] == pytest.approx(UNIFORM_SHARE / 2)
    with pytest.raises(
        InputError, match=r"^x1 has 3 columns, but decoder='softmax' reads one logit for each of 2 classes"
    ):
        of_logits(np.ones((2, 3)), 2, "x1")
