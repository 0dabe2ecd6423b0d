"""The learning curve: halves of splits, limits against exact posteriors, no unique atom that decoders only missed."""

import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from pidkit import PidkitWarning, representation_pid
from pidkit.mi import LabelDecoder
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.decoded import DecodedScores
from pidkit.representations.decoder_kinds import Decoder, learning_exponent
from pidkit.representations.folds import cross_fitting_splits
from pidkit.representations.learning_curve import LearningCurve, halved
from tests.representations.test_decoded import measured


@pytest.mark.parametrize("grouped", [False, True])
def test_half_of_every_class_is_kept_whole_groups_together(grouped: bool) -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(600) // 3 if grouped else None
    labels = np.arange(600) // 3 % 4
    for split, half in zip(*_both(labels, groups, rng), strict=True):
        for part, kept in ((split.train, half.train), (split.stop, half.stop)):
            assert np.isin(kept, part).all()
            whole, left = (np.bincount(labels[rows], minlength=4) for rows in (part, kept))
            assert (np.abs(whole / 2 - left) <= (3 if grouped else 1)).all()
            if groups is not None:
                assert not np.isin(groups[np.setdiff1d(part, kept)], groups[kept]).any()
        np.testing.assert_array_equal(half.value, split.value)


def _both(
    labels: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator
) -> tuple[list[ThreeWaySplit], list[ThreeWaySplit]]:
    splits = cross_fitting_splits(labels, 5, groups, rng)
    return splits, halved(splits, labels, groups, rng)


def test_no_class_is_lost_and_few_rows_are_kept_whole() -> None:
    labels = np.zeros(40, dtype=np.int64)
    labels[7] = 1
    split = ThreeWaySplit(np.arange(20), np.arange(20, 25), np.arange(25, 40))
    for seed in range(10):
        (half,) = halved([split], labels, None, np.random.default_rng(seed))
        assert 7 in half.train
        np.testing.assert_array_equal(half.stop, split.stop)


def scores_with(base: DecodedScores, shift: np.ndarray) -> DecodedScores:
    """Return scores of I1, I2, U and I12 that are lower by `shift`, an array of four or (n, 4), for every row."""
    lower = np.broadcast_to(shift, (len(base.scores), 4))
    return dataclasses.replace(
        base, scores=base.scores - lower[:, [0, 1, 3]], union=base.union - lower[base.rows, 2], coded=base.coded
    )


def test_limits_are_as_far_above_the_whole_as_that_is_above_the_half() -> None:
    whole = measured()
    gains = np.array([0.01, 0.02, 0.04, 0.05])
    curve = LearningCurve(whole, scores_with(whole, gains))
    assert curve.missed() == pytest.approx(gains, abs=1e-12)
    informations, _ = whole.informations()
    followed, as_read = curve.limits(10.0)
    assert followed == pytest.approx(informations + gains, abs=1e-12)
    expected = max(informations[2], *(informations + gains)[:2])
    assert as_read[2] == pytest.approx(expected, abs=1e-12)
    assert max(curve.limits(0.3)[0]) == 0.3
    # More rows do not make a decoder read less: a gain below zero is the sample's.
    assert LearningCurve(whole, scores_with(whole, -gains)).missed() == pytest.approx(np.zeros(4))


def test_slow_learners_miss_more_than_half_of_the_rows_brought() -> None:
    """Where c n ** -a is missing, the second half of the rows brought 2 ** a - 1 times that."""
    whole = measured()
    exponents = (0.25, 0.5, 1.0)
    missing = np.array([0.02, 0.03, 0.01, 0.04])
    gains = missing * (2.0 ** np.array([0.25, 0.5, 0.25, 1.0]) - 1.0)
    curve = LearningCurve(whole, scores_with(whole, gains), exponents)
    assert curve.missed() == pytest.approx(missing, abs=1e-12)
    fast = LearningCurve(whole, scores_with(whole, gains))
    assert curve.p_values()["redundancy"] == fast.p_values()["redundancy"]
    assert curve.p_values()["unique_1"] >= fast.p_values()["unique_1"]
    assert curve.limits(10.0)[0][0] > fast.limits(10.0)[0][0]
    assert len(fast.limits(10.0)) == 2
    # One layer may have missed nothing: what is unique to the other is then larger than at both limits.
    unique = [union - second for _, second, union, _ in curve.limits(10.0)]
    assert max(unique) == pytest.approx(whole.informations()[0][0] + 0.02 - whole.informations()[0][1], abs=1e-12)


@pytest.mark.parametrize(
    ("decoder", "exponent"),
    [
        ("linear", 1.0),
        ("softmax", 1.0),
        ("mlp", 0.5),
        ("knn", 0.4),
        (LabelDecoder("mlp"), 0.5),
        (LabelDecoder("linear"), 1.0),
        (KNeighborsClassifier(), 0.4),
        (LogisticRegression(), 1.0),
        (RandomForestClassifier(), 0.5),
    ],
    ids=str,
)
def test_exponents_of_decoders(decoder: Decoder, exponent: float) -> None:
    assert learning_exponent(decoder, 6) == pytest.approx(exponent)


def test_the_result_says_that_a_decoder_learns_slowly() -> None:
    labels, x1, x2 = looks(300, 0)
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        slow = representation_pid(labels=labels, x1=x1[:, :6], x2=x2[:, :6], decoder="knn")
    assert slow.decoders["x1"].learning_exponent == pytest.approx(0.4)
    assert slow.decoders["both"].learning_exponent == pytest.approx(0.25)
    assert "learns  as slowly as n^-0.25 perhaps" in slow.summary()
    # By n^-.4 they miss 1 / (2^.4 - 1) = 3.1 times what the second half of the rows brought.
    assert slow.interval["mi_1"][1] > slow.at_limit["mi_1"] > slow.mi_1 + 0.1
    assert slow.at_limit["mi_joint"] <= slow.entropy_y + 1e-12


def test_a_unique_atom_no_larger_than_what_the_other_decoder_misses_is_not_called() -> None:
    whole = measured()
    unique = float(whole.informations()[0][2] - whole.scores[:, 1].mean())
    assert unique > 0.1
    called = {}
    for missed in (0.0, 0.5 * unique, unique):
        curve = LearningCurve(whole, scores_with(whole, np.array([0.0, missed, 0.0, 0.0])))
        called[missed] = curve.p_values()["unique_1"]
    assert called[0.0] < 1e-6
    assert called[0.0] <= called[0.5 * unique] <= 0.05
    assert called[unique] > 0.3


def looks(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, and two looks of one quality with columns of noise beside: no unique information."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=n)
    means = np.random.default_rng(7).normal(size=(10, 8))
    means *= 3.0 / np.linalg.norm(means, axis=1, keepdims=True)
    first, second = (
        np.hstack([means[labels] + 1.5 * rng.normal(size=(n, 8)), 5.0 * rng.normal(size=(n, 24))]) for _ in range(2)
    )
    return labels, first, second


@pytest.mark.slow  # eight decompositions of 1500 rows
def test_what_decoders_miss_is_not_called_unique_and_the_limit_is_nearer_the_truth() -> None:
    """Two equal looks: .06 bits of unique information were called above chance in most samples."""
    called, errors = [], []
    for seed in range(8):
        labels, x1, x2 = looks(1500, seed)
        found = representation_pid(labels=labels, x1=x1, x2=x2)
        called += [found.p_value[name] <= 0.05 for name in ("unique_1", "unique_2")]
        truth = 1.797  # I(Y;X1), which is all redundant: benchmarks/bench_layers.py, by exact posteriors
        errors.append((found.mi_1 - truth, found.at_limit["mi_1"] - truth))
    assert np.mean(called) <= 0.1
    read, limit = np.mean(errors, axis=0)
    assert read < -0.1
    assert abs(limit) < 0.06
