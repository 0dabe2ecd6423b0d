"""The number of components beside the label scores: none where they are noise, many where they hold the label."""

import numpy as np
import pytest

from pidkit.mi.splits import three_way_splits
from pidkit.representations import fold_rows
from pidkit.representations.components import kept_columns
from pidkit.representations.decoders import decode_layers
from pidkit.types import FloatArray, IntArray


def kept(rows: FloatArray, labels: IntArray, n_scores: int) -> int:
    half = len(rows) // 2
    return kept_columns((rows[:half], labels[:half]), (rows[half:], labels[half:]), n_scores)


def test_a_ring_that_no_score_sees_keeps_its_components() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    angle = rng.uniform(0.0, 2.0 * np.pi, 600)
    plane = (1.0 + labels)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.1 * rng.normal(size=(600, 2))
    assert kept(np.hstack([rng.normal(size=(600, 2)), plane]), labels, 2) == 4


def test_what_a_nuisance_adds_to_a_score_is_kept_to_clear_it() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    nuisance = rng.normal(size=(600, 64))
    score = labels[:, None] + 3.0 * nuisance[:, -1:]
    assert kept(np.hstack([score, nuisance]), labels, 1) == 65


def test_there_may_be_no_components() -> None:
    labels = np.arange(60) % 2
    assert kept(np.eye(2)[labels], labels, 2) == 2


def quiet(seed: int) -> tuple[FloatArray, IntArray]:
    """Return rows of five classes told by 60 quiet features of 1500, under 30 loud directions."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(400) % 5)
    x = rng.normal(size=(400, 1500))
    x[:, :60] += 0.7 * rng.normal(size=(5, 60))[labels]
    return x + 15.0 * rng.normal(size=(400, 30)) @ rng.normal(size=(30, 1500)) / np.sqrt(30), labels


@pytest.mark.parametrize("decoder", ["linear", "knn"])
def test_a_quiet_label_is_read_better_than_with_all_components(decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = quiet(0)
    splits = three_way_splits(400, np.random.default_rng(0), folds=3, labels=labels)

    def read() -> float:
        rng = np.random.default_rng(0)
        return decode_layers({"x": x}, labels, splits, decoder=decoder, rng=rng)["x"].report.calibrated

    chosen = read()
    monkeypatch.setattr(fold_rows, "kept_columns", lambda train, stop, n_scores: train[0].shape[1])
    assert chosen > read() + 0.03
