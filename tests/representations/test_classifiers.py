"""Decoders beside the label decoder: neighbours by counting, scikit-learn's posteriors, softmax of logits."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from pidkit import InputError
from pidkit.mi.decoder.network import UNIFORM_SHARE
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.classifiers import nearest_neighbours, of_classifier, of_logits
from pidkit.representations.fold_rows import FoldRows


def split_in_three(n: int) -> ThreeWaySplit:
    third = n // 3
    return ThreeWaySplit(np.arange(third), np.arange(third, 2 * third), np.arange(2 * third, n))


def rows(split: ThreeWaySplit, classes: int = 3) -> tuple[FoldRows, np.ndarray]:
    """Return rows of balanced classes, in order of the parts of the split, and the labels."""
    n = sum(part.size for part in (split.train, split.stop, split.value))
    labels = np.arange(n) % classes
    x = 2.0 * np.eye(classes)[labels] + np.random.default_rng(0).normal(size=(n, classes))
    return FoldRows(x[split.train], x[split.stop], x[split.value]), labels


def test_neighbours_are_counted_as_by_hand() -> None:
    split = split_in_three(240)
    x, labels = rows(split)
    tried = {}
    seen = np.vstack([x.stop, x.value])
    for k in (5, 10, 20, 50):  # 80 training rows
        expected = np.empty((160, 3))
        for i, row in enumerate(seen):
            near = labels[np.argsort(((x.train - row) ** 2).sum(1), kind="stable")[:k]]
            expected[i] = (np.bincount(near, minlength=3) + np.bincount(labels[:80]) / 80) / (k + 1)
        expected = (1 - UNIFORM_SHARE) * expected + UNIFORM_SHARE / 3
        tried[k] = -np.log(expected[:80][np.arange(80), labels[80:160]]).mean(), expected
    _, best = min(tried.values(), key=lambda one: one[0])
    assert np.abs(nearest_neighbours(x, labels, split) - best).max() < 1e-12


def test_few_rows_are_all_neighbours() -> None:
    split = ThreeWaySplit(np.arange(3), np.arange(3, 100), np.arange(100, 240))
    assert nearest_neighbours(*rows(split), split) == pytest.approx(1 / 3)


def test_a_classifier_is_copied_and_its_posteriors_are_its_own() -> None:
    split = split_in_three(240)
    x, labels = rows(split)
    given = GaussianNB()
    q, notes = of_classifier(given, x, labels, split)
    peer = GaussianNB().fit(x.train, labels[split.train])
    assert np.abs(q - np.vstack([peer.predict_proba(x.stop), peer.predict_proba(x.value)])).max() < 1e-5
    assert (q > 0.0).all()
    assert notes == ()
    assert not hasattr(given, "classes_")


def test_a_class_that_no_training_row_has_keeps_the_uniform_share() -> None:
    split = split_in_three(240)
    x, labels = rows(split)
    there = labels[split.train] != 1
    few = ThreeWaySplit(split.train[there], split.stop, split.value)
    q, _ = of_classifier(LinearDiscriminantAnalysis(), x._replace(train=x.train[there]), labels, few)
    assert q[:, 1] == pytest.approx(UNIFORM_SHARE / 3)


def test_logits_take_the_softmax() -> None:
    q = of_logits(np.array([[0.0, np.log(3.0)], [800.0, 0.0]]), 2, "x1")
    assert q[0] == pytest.approx([0.25, 0.75], abs=1e-6)
    assert q[1, 1] == pytest.approx(UNIFORM_SHARE / 2)
    with pytest.raises(
        InputError, match=r"^x1 has 3 columns, but decoder='softmax' reads one logit for each of 2 classes"
    ):
        of_logits(np.ones((2, 3)), 2, "x1")
