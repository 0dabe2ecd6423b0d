"""Second moments: against regressions on the rows themselves, cells that make up training sets, no label leaks."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from pidkit import PidkitWarning, posteriors_of
from pidkit.mi.splits import ThreeWaySplit, three_way_splits
from pidkit.representations import fold_rows, row_pieces, streamed_layers
from pidkit.representations.second_moments import moments_of, projection_of
from pidkit.representations.streamed_layers import StreamedLayer
from pidkit.representations.training_cells import cells_of
from pidkit.representations.wide_layers import LOUD, PROJECTION_RIDGES

MIB = 2**20


def quiet(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows whose label lies in many quiet directions under a few loud ones, and the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 4)
    x = rng.normal(size=(n, d)) + 5.0 * rng.normal(size=(n, 5)) @ rng.normal(size=(5, d)) / np.sqrt(5)
    x += (0.2 * rng.normal(size=(4, d)))[labels]
    return x.astype(np.float32), labels


def splits_of(labels: np.ndarray, folds: int = 5) -> list[ThreeWaySplit]:
    return three_way_splits(labels.size, np.random.default_rng(0), folds=folds, labels=labels)


@pytest.fixture
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moments be taken where there are more than 50 rows to train on."""
    monkeypatch.setattr(streamed_layers, "FITTED_ROWS", 50)


def test_a_projection_is_that_of_regressions_on_the_rows() -> None:
    """A slow twin: every regression made of the rows that it is fitted to, and the best penalty of them all."""
    x, labels = quiet(300, 20)
    train = np.arange(250)
    cells = cells_of([train], 300, None, 4)
    pieces = ((slice(begin, begin + 70), x[train[begin : begin + 70]]) for begin in range(0, 250, 70))
    rows = cells.rows_of(0)
    found = projection_of(moments_of(pieces, train, cells, labels, 4, 20), rows)
    target = np.eye(4)[labels] - np.bincount(labels[train]) / train.size

    def fit(own: np.ndarray, ridge: float) -> Callable[[np.ndarray], np.ndarray]:
        middle = x[own].mean(0, dtype=np.float64)
        inside = (x[own] - middle).T @ (x[own] - middle) + ridge * own.size / train.size * np.eye(20)
        weights = np.linalg.solve(inside, (x[own] - middle).T @ (target[own] - target[own].mean(0)))
        return lambda read: (x[read] - middle) @ weights + target[own].mean(0)

    halves = np.concatenate(rows[::2]), np.concatenate(rows[1::2])
    centred = x[train] - x[train].mean(0, dtype=np.float64)
    fits = {}
    for ridge in PROJECTION_RIDGES * (centred**2).sum() / train.size:
        scores = np.vstack([fit(halves[0], ridge)(halves[1]), fit(halves[1], ridge)(halves[0])])
        fits[ridge] = (scores * target[np.concatenate(halves[::-1])]).sum() / np.linalg.norm(scores)
    ridge = max(fits, key=lambda one: fits[one])
    left_out = np.empty((300, 4))
    for own in rows:
        left_out[own] = fit(np.setdiff1d(train, own), ridge)(own)
    size = left_out[train].std(0)
    columns = x @ found.weights - found.offset
    np.testing.assert_allclose(columns[:, :4], fit(train, ridge)(np.arange(300)) / size, atol=2e-3)
    assert len(found.left_out) == 4
    for own, (its, weights, offset) in zip(rows, found.left_out, strict=True):
        np.testing.assert_array_equal(own, its)
        np.testing.assert_allclose(x[own] @ weights - offset, left_out[own] / size, atol=2e-3)
    directions = np.linalg.svd(centred, full_matrices=False)[2]
    expected = (x - x[train].mean(0)) @ directions[: min(LOUD, 20)].T
    np.testing.assert_allclose(np.abs(columns[:, 4:]), np.abs(expected / expected[train].std(0)), atol=1e-3)


def test_rows_that_are_all_the_same_give_no_direction() -> None:
    train = np.arange(40)
    cells = cells_of([train], 40, None, 2)
    pieces = [(slice(0, 40), np.zeros((40, 3), np.float32))]
    found = projection_of(moments_of(pieces, train, cells, train % 2, 2, 3), cells.rows_of(0))
    assert found.weights.shape == (3, 2)
    assert not found.weights.any()
    assert not found.left_out


def test_columns_that_repeat_one_another_can_be_solved_for(few_landmarks: None) -> None:
    x, labels = quiet(600, 30)
    plain, twice = (
        StreamedLayer(layer, "x", 64 * MIB).projections(labels, splits_of(labels)[:1], None)
        for layer in (x, np.hstack([x, x, np.ones((600, 2), np.float32)]))
    )
    for one, other in zip(next(plain), next(twice), strict=True):
        assert np.abs(one[:, :4] - other[:, :4]).max() < 0.1


def test_pieces_of_any_size_and_splits_one_by_one_give_the_same(
    few_landmarks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, labels = quiet(400, 30)
    splits = splits_of(labels)
    layer = StreamedLayer(x.astype(np.float16), "x", 64 * MIB)
    assert layer.parts([split.train for split in splits]) == 4
    whole = list(layer.projections(labels, splits, None))
    monkeypatch.setattr(row_pieces, "PIECES", 64 * MIB // 7000)
    small = list(layer.projections(labels, splits, None))
    for one, other in zip(whole, small, strict=True):
        for part, same in zip(one, other, strict=True):
            assert np.abs(part[:, :4] - same[:, :4]).max() < 1e-3


@pytest.mark.parametrize("grouped", [False, True])
def test_no_label_of_held_out_rows_is_used(few_landmarks: None, grouped: bool) -> None:
    x, labels = quiet(400, 30)
    groups = np.arange(400) // 2 if grouped else None
    split = splits_of(labels)[0]
    changed = labels.copy()
    changed[split.value] = (changed[split.value] + 1) % 4
    found = [next(StreamedLayer(x, "x", 64 * MIB).projections(y, [split], groups)) for y in (labels, changed)]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_is_not_told_by_its_copies(few_landmarks: None) -> None:
    """Rows that say nothing, three copies of each: the scores of the fitted rows know labels, unless grouped."""
    rng = np.random.default_rng(0)
    x, labels = np.repeat(rng.normal(size=(200, 60)), 3, 0), np.repeat(np.arange(200) % 2, 3)
    split = ThreeWaySplit(np.arange(480), np.arange(480, 540), np.arange(540, 600))
    told = []
    for groups in (None, np.arange(600) // 3):
        scores = next(StreamedLayer(x, "x", 64 * MIB).projections(labels, [split], groups))[0][:, 1]
        told.append(np.corrcoef(scores, labels[split.train])[0, 1])
    assert told[0] > 0.3
    assert told[1] < 0.1


def test_landmarks_are_taken_where_moments_have_no_room() -> None:
    array, trains = np.zeros((10_000, 1000), np.float16), [np.arange(9000)] * 2
    parts = [StreamedLayer(array, "x", memory * MIB).parts(trains) for memory in (200, 64, 60)]
    assert parts == [4, 2, None]
    assert StreamedLayer(array, "x", 300 * MIB).parts([np.arange(3000)]) is None  # all of these are landmarks


def test_a_streamed_layer_tells_what_its_decoder_in_memory_tells(few_landmarks: None) -> None:
    """The label lies in quiet directions: what is read in pieces is within .02 bits of what the whole layer tells."""
    x, labels = quiet(4000, 60)
    with warnings.catch_warnings(action="ignore", category=PidkitWarning):
        whole, pieces = (posteriors_of(labels=labels, x=x, memory=memory) for memory in ("1 GiB", 1_900_000))
    assert [one.report.streamed for one in (whole, pieces)] == [False, True]
    assert whole.report.calibrated > 0.5
    assert pieces.report.calibrated == pytest.approx(whole.report.calibrated, abs=0.01)
    assert not pieces.warnings


def test_all_training_rows_of_a_wide_layer_in_memory_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 100 fitted rows little is read; moments of all of them read more, in memory too."""
    x, labels = quiet(1500, 200)
    monkeypatch.setattr(fold_rows, "WIDE_FEATURES", 50)
    told = []
    for fitted in (100, 900):
        monkeypatch.setattr(streamed_layers, "FITTED_ROWS", fitted)
        monkeypatch.setattr("pidkit.representations.wide_layers.FITTED_ROWS", 100)
        with warnings.catch_warnings(action="ignore", category=PidkitWarning):
            told.append(posteriors_of(labels=labels, x=x).report.calibrated)
    assert told[0] > told[1] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(20_000, 512)])
def test_streamed_and_in_memory_agree_where_the_whole_layer_fits(n: int, d: int) -> None:
    x, labels = quiet(n, d)
    x = np.maximum(x, 0.0).astype(np.float16)
    whole, pieces = (posteriors_of(labels=labels, x=x, memory=memory) for memory in ("1 GiB", "64 MiB"))
    assert [one.report.streamed for one in (whole, pieces)] == [False, True]
    assert pieces.report.calibrated == pytest.approx(whole.report.calibrated, abs=0.01)
