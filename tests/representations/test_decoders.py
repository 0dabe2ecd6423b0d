"""Cross-fitted decoders: the label decoder's own information, no row's own label, and every kind of layer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from pidkit import InputError
from pidkit.arrays import batches
from pidkit.mi import LabelDecoder
from pidkit.mi.row_groups import variance_of_mean
from pidkit.mi.splits import ThreeWaySplit, three_way_splits
from pidkit.nn import TrainingBudget
from pidkit.representations import decoders as module
from pidkit.representations import fold_posteriors, fold_rows
from pidkit.representations.calibration import Calibration, fit_calibration
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.decoders import DecodedLayer, decode_layers
from pidkit.representations.folds import cross_fitting_splits
from pidkit.representations.wide_layers import label_projection
from tests.representations.known_layers import CASE_A, gaussian_classes, separable

QUICK = LabelDecoder("mlp", budget=TrainingBudget(max_steps=100))


def layer(n: int = 240, d: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[ThreeWaySplit]]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 3)
    x = rng.normal(size=(n, d))
    x[:, :3] += 1.5 * np.eye(3)[labels]
    return x, labels, three_way_splits(n, rng, folds=2, labels=labels)


def decoded(x: Any, labels: np.ndarray, splits: list[ThreeWaySplit], decoder: Decoder = "linear") -> DecodedLayer:
    return decode_layers({"x": x}, labels, splits, decoder=decoder, rng=np.random.default_rng(0))["x"]


@pytest.mark.parametrize("decoder", ["linear", QUICK])
def test_the_information_is_that_of_the_label_decoder_on_the_same_folds(decoder: Decoder) -> None:
    x, labels, _ = layer()
    rng = np.random.default_rng(3)
    splits = three_way_splits(len(labels), rng, folds=5, labels=labels)
    found = decode_layers({"x": x}, labels, splits, decoder=decoder, rng=rng)["x"]
    peer = LabelDecoder("linear", folds=5) if decoder == "linear" else LabelDecoder("mlp", budget=QUICK.budget, folds=5)
    assert found.report.information == pytest.approx(peer.estimate(x, labels, unit="nats", rng=3).value, abs=1e-9)


@pytest.mark.parametrize("decoder", ["linear", QUICK, "knn", GaussianNB()])
@pytest.mark.parametrize("wide", [False, True])
def test_no_posterior_knows_its_own_label(decoder: Decoder, wide: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if wide:
        monkeypatch.setattr(fold_rows, "WIDE_FEATURES", 2)
    x, labels, splits = layer()
    others = labels.copy()
    own = splits[0].value
    others[own] = np.random.default_rng(1).permutation(labels[own])
    assert (others != labels).sum() > 20
    before, after = decoded(x, labels, splits, decoder), decoded(x, others, splits, decoder)
    assert (before.posteriors[own] == after.posteriors[own]).all()
    assert (before.posteriors != after.posteriors).any()  # as the other folds have seen these labels


def test_logits_are_calibrated_without_the_own_label() -> None:
    x, labels, splits = layer(d=3)
    others = labels.copy()
    own = splits[0].value
    others[own] = labels[own][::-1]
    before, after = decoded(x, labels, splits, "softmax"), decoded(x, others, splits, "softmax")
    assert (before.posteriors[own] == after.posteriors[own]).all()


@pytest.mark.slow  # decoders of two layers of 5000 rows take 3 s
def test_case_a_is_read_but_for_what_a_fit_to_3000_rows_loses() -> None:
    case = gaussian_classes(5000, 0, **CASE_A)  # type: ignore[arg-type]
    splits = three_way_splits(5000, np.random.default_rng(0), folds=5, labels=case.labels)
    for x, q, truth in ((case.x1, case.posteriors_1, case.mi_1), (case.x2, case.posteriors_2, case.mi_2)):
        found = decoded(x, case.labels, splits)
        # Against the exact posteriors of the same rows, sampling error cancels.
        best = np.log(q[np.arange(5000), case.labels]).mean() + np.log(10)
        assert 0.0 < best - found.report.calibrated < 0.05 * np.log(2)
        assert found.report.calibrated == pytest.approx(truth, abs=0.1 * np.log(2))
        assert found.report.claimed == pytest.approx(found.report.calibrated, abs=3 * found.report.standard_error)


def test_fifty_classes_that_are_told_apart() -> None:
    labels, x, _ = separable(2000, 50, 0)
    splits = three_way_splits(2000, np.random.default_rng(0), folds=5, labels=labels)
    found = decoded(x, labels, splits)
    assert found.report.calibrated / np.log(2) == pytest.approx(np.log2(50), abs=0.05)
    assert found.report.accuracy == 1.0


STRONG = LabelDecoder("mlp", budget=TrainingBudget(learning_rate=0.02, max_steps=300))


@pytest.mark.parametrize("decoder", ["knn", STRONG])
def test_a_stronger_decoder_reads_rings(decoder: Decoder) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, 1000), 1.0 + labels + 0.1 * rng.normal(size=1000)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    splits = three_way_splits(1000, rng, folds=5, labels=labels)
    assert decoded(x, labels, splits).report.calibrated < 0.02
    assert decoded(x, labels, splits, decoder).report.calibrated > 0.85 * np.log(2)


def test_sequences_are_averaged() -> None:
    x, labels, splits = layer()
    noise = np.random.default_rng(1).normal(size=x.shape)
    pooled = decoded(np.stack([x + noise, x - noise], axis=1), labels, splits)
    assert np.abs(pooled.posteriors - decoded(x, labels, splits).posteriors).max() < 1e-9


def parts_and_both(x: np.ndarray, labels: np.ndarray, splits: list[ThreeWaySplit]) -> dict[str, DecodedLayer]:
    parts = {"x1": x[:, :2], "x2": x[:, 2:]}
    return decode_layers(parts, labels, splits, together="both", rng=np.random.default_rng(0))


def test_layers_side_by_side_are_one_layer() -> None:
    x, labels, splits = layer()
    found = parts_and_both(x, labels, splits)
    assert np.abs(found["both"].posteriors - decoded(x, labels, splits).posteriors).max() < 1e-12
    assert (found["x1"].posteriors == decoded(x[:, :2], labels, splits).posteriors).all()
    assert list(found) == ["x1", "x2", "both"]


def test_a_loud_layer_does_not_drown_the_other() -> None:
    x, labels, splits = layer()
    expected = parts_and_both(x, labels, splits)["both"].posteriors
    x[:, :2] *= 1e4
    assert np.abs(parts_and_both(x, labels, splits)["both"].posteriors - expected).max() < 1e-6


def test_every_layer_is_projected_once_a_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    projected = []

    def counted(*args: Any, name: str, **options: Any) -> np.ndarray:
        projected.append(name)
        return label_projection(*args, name=name, **options)

    monkeypatch.setattr(fold_rows, "WIDE_FEATURES", 1)
    monkeypatch.setattr(fold_rows, "label_projection", counted)
    parts_and_both(*layer())
    assert projected == ["x1", "x2"] * 2


def test_logits_side_by_side_are_read_by_a_linear_decoder() -> None:
    x, labels, splits = layer(d=3)
    layers = {"x1": x, "x2": 2.0 * x}
    found = decode_layers(layers, labels, splits, decoder="softmax", together="both", rng=np.random.default_rng(0))
    assert [one.report.name for one in found.values()] == ["softmax", "softmax", "linear"]
    assert (found["x1"].posteriors == decoded(x, labels, splits, "softmax").posteriors).all()


def test_groups_widen_the_standard_error() -> None:
    x, labels, _ = layer()
    x, labels, groups = np.repeat(x, 3, axis=0), np.repeat(labels, 3), np.repeat(np.arange(len(x)), 3)
    splits = cross_fitting_splits(labels, 5, groups, np.random.default_rng(0))
    kept = decode_layers({"x": x}, labels, splits, groups=groups, rng=np.random.default_rng(0))["x"]
    scores = np.log(kept.posteriors[np.arange(labels.size), labels])
    assert kept.report.standard_error == pytest.approx(np.sqrt(variance_of_mean(scores, groups)))
    assert kept.report.standard_error > 1.5 * scores.std() / np.sqrt(labels.size)


def test_logits_of_a_network_are_read_by_softmax() -> None:
    case = gaussian_classes(2000, 0, **CASE_A)  # type: ignore[arg-type]
    splits = three_way_splits(2000, np.random.default_rng(0), folds=2, labels=case.labels)
    right = decoded(np.log(case.posteriors_2), case.labels, splits, "softmax")
    assert right.report.information == pytest.approx(case.mi_2, abs=3 * right.report.standard_error)
    sure = decoded(3 * np.log(case.posteriors_2), case.labels, splits, "softmax")
    assert sure.report.information < right.report.information - 0.5  # a network that is too sure of itself
    assert sure.report.calibrated == pytest.approx(right.report.information, abs=0.02)
    assert np.abs(sure.posteriors - case.posteriors_2).mean() < 0.01


def test_any_classifier_with_probabilities() -> None:
    x, labels, splits = layer()
    found = decoded(x, labels, splits, LogisticRegression())
    assert found.report.name == "LogisticRegression"
    assert found.report.information == pytest.approx(decoded(x, labels, splits).report.information, abs=0.05)
    cut = decoded(x, labels, splits, LogisticRegression(max_iter=1))
    assert cut.warnings == ("LogisticRegression stopped before it converged",)


def test_noise_tells_nothing() -> None:
    _, labels, splits = layer()
    found = decoded(np.random.default_rng(5).normal(size=(240, 20)), labels, splits)
    assert abs(found.report.calibrated) < 0.03
    assert abs(found.report.claimed) < 0.03


class NoProbabilities(BaseEstimator):  # type: ignore[misc]
    """A classifier that gives scores in place of probabilities."""

    def fit(self, x: Any, y: Any) -> "NoProbabilities":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        return np.ones((len(x), len(self.classes_)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x, y, s: decoded(x, y, s, "tree"),
            r"^decoder must be one of 'linear', 'mlp', 'knn', 'softmax', or a sci",
        ),
        (
            lambda x, y, s: decoded(x, y, s, LogisticRegression),
            r"^decoder must be one of .* object with predict_proba; no",
        ),
        (lambda x, y, s: decoded(x[1:], y, s), r"^x must have one row a label; it has 239, and there are 240 labels$"),
        (lambda x, y, s: decoded(np.full_like(x, np.nan), y, s), r"^x must be finite: it holds NaN or infinity"),
        (lambda x, y, s: decoded(x.astype(str), y, s), r"^x must hold real numbers, not dtype"),
        (
            lambda x, y, s: decoded(x, y, s, "softmax"),
            r"^x has 4 columns, but decoder='softmax' reads one logit for each",
        ),
        (
            lambda x, y, s: decoded(x, y, s, NoProbabilities()),
            r"^decoder NoProbabilities must give one probability a row",
        ),
    ],
)
def test_bad_input_is_refused(call: Callable[..., Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(*layer())


@pytest.mark.parametrize("decoder", ["softmax", "linear"])
def test_pieces_of_any_size_and_files_give_the_same(decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels, splits = layer(d=3)
    whole = decoded(x, labels, splits, decoder)
    monkeypatch.setattr(fold_posteriors, "AT_ONCE", 8 * 3 * 7)
    monkeypatch.setattr(batches, "SCRATCH", 100)
    pieces = decoded(x, labels, splits, decoder)
    assert isinstance(pieces.posteriors, np.memmap)
    assert not isinstance(whole.posteriors, np.memmap)
    np.testing.assert_allclose(pieces.posteriors, whole.posteriors, rtol=1e-12)
    assert pieces.report.claimed == pytest.approx(whole.report.claimed, rel=1e-12)
    assert pieces.report.accuracy == whole.report.accuracy == (whole.posteriors.argmax(1) == labels).mean()
    p = whole.posteriors
    assert whole.report.claimed == pytest.approx((p * np.log(p)).sum(1).mean() + np.log(3))


def test_logits_of_many_classes_are_calibrated_by_some_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels, splits = layer(2000, d=3)
    whole = decoded(x, labels, splits, "softmax").report
    monkeypatch.setattr(fold_posteriors, "SCRATCH", 8 * 3 * 300)
    monkeypatch.setattr(fold_posteriors, "FEWEST_CALIBRATED", 10)
    seen: list[int] = []

    def fit(q: np.ndarray, *rest: Any) -> Calibration:
        seen.append(len(q))
        return fit_calibration(q, *rest)

    monkeypatch.setattr(module, "fit_calibration", fit)
    some = decoded(x, labels, splits, "softmax").report
    assert seen == [300, 300]
    assert some.information == whole.information
    assert some.calibrated == pytest.approx(whole.calibrated, abs=0.02)


def test_of_many_classes_fewer_rows_are_trained_on_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels, splits = layer(600)
    whole = decoded(x, labels, splits)
    monkeypatch.setattr(module, "DEFAULT_BYTES", 8 * 3 * 200)
    monkeypatch.setattr("pidkit.representations.streamed_layers.FEWEST_TRAINED", 100)
    few = decoded(x, labels, splits)
    assert few.warnings == (
        "decoders were fitted to 100 of 225 training rows, since the probabilities of 3 classes of all of them take "
        "more than 4.69 KiB",
    )
    assert not whole.warnings
    assert few.report.calibrated == pytest.approx(whole.report.calibrated, abs=0.1)
