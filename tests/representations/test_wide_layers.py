"""Wide layers: the dual ridge against the primal, a quiet label under loud nuisance, no label that was not given."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pidkit import InputError
from pidkit.mi import LabelDecoder
from pidkit.mi.splits import ThreeWaySplit, three_way_splits
from pidkit.representations import wide_layers as module
from pidkit.representations.decoders import decode_layers
from pidkit.representations.folds import deal
from pidkit.representations.wide_layers import label_projection, read_layer


def wide(n: int, d: int, loud: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, ThreeWaySplit]:
    """Return rows whose label lies in 40 quiet features under a nuisance of 20 directions, `loud` times as loud."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    x = rng.normal(size=(n, d))
    x[:, :40] += np.repeat(np.eye(4), 10, axis=1)[labels]
    x += loud * rng.normal(size=(n, 20)) @ rng.normal(size=(20, d)) / np.sqrt(20)
    return x, labels, three_way_splits(n, rng, folds=5, labels=labels)[0]


def test_scores_are_those_of_ridge_regression_and_of_other_parts() -> None:
    x, labels, split = wide(200, 50, 1.0)
    scores = label_projection(x, labels, split, name="x")[:, :4]
    own = x[split.train]
    z = (x - own.mean(0)) / own.std(0)
    target = np.eye(4)[labels[split.train]]
    target -= target.mean(0)
    part = deal(labels[split.train], module.LEFT_OUT_PARTS)

    def fit(rows: np.ndarray, y: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        middle, mean = rows.mean(0), y.mean(0)
        inside = (rows - middle).T @ (rows - middle) + ridge * np.eye(rows.shape[1])
        return middle, mean, np.linalg.solve(inside, (rows - middle).T @ (y - mean))

    best = -np.inf
    for ridge in module.PROJECTION_RIDGES * (z[split.train] ** 2).sum() / len(own):
        left_out = np.empty_like(target)
        for k in range(module.LEFT_OUT_PARTS):
            seen = part != k
            middle, mean, weights = fit(z[split.train][seen], target[seen], ridge)
            left_out[~seen] = (z[split.train][~seen] - middle) @ weights + mean
        fitted = (target * left_out).sum() / np.linalg.norm(left_out)
        if fitted > best:
            size = left_out.std(0)
            best, expected = fitted, (z @ fit(z[split.train], target, ridge)[2] / size, left_out / size)
    rest = np.concatenate([split.stop, split.value])
    assert np.abs(scores[rest] - expected[0][rest]).max() < 1e-5
    assert np.abs(scores[split.train] - expected[1]).max() < 1e-5


def test_loud_components_are_the_principal_ones() -> None:
    x, labels, split = wide(200, 300, 5.0)
    found = label_projection(x, labels, split, name="x")[:, 4:7]
    assert found[split.train].std(0) == pytest.approx(1.0, abs=1e-5)
    own = x[split.train]
    peer = PCA(3).fit((own - own.mean(0)) / own.std(0)).transform((x - own.mean(0)) / own.std(0))
    for column, expected in zip(found.T, peer.T, strict=True):
        assert abs(np.corrcoef(column, expected)[0, 1]) > 1 - 1e-6


def test_a_quiet_label_is_read_where_principal_components_lose_it() -> None:
    x, labels, _ = wide(800, 3000, 20.0)
    splits = three_way_splits(800, np.random.default_rng(0), folds=3, labels=labels)
    found = decode_layers({"x": x.astype(np.float16)}, labels, splits, rng=np.random.default_rng(0))["x"]
    pcs = PCA(10, random_state=0).fit_transform(x)
    lost = decode_layers({"x": pcs}, labels, splits, rng=np.random.default_rng(0))["x"]
    assert found.report.calibrated > 0.3
    assert lost.report.calibrated < 0.02


def test_noise_gives_no_information_however_many_columns() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    splits = three_way_splits(300, rng, folds=3, labels=labels)
    found = decode_layers({"x": rng.normal(size=(300, 2000))}, labels, splits, rng=rng)["x"]
    assert abs(found.report.calibrated) < 0.03


def test_many_columns_are_read_as_well_as_by_the_label_decoder() -> None:
    x, labels, _ = wide(500, 1200, 0.0)
    rng = np.random.default_rng(0)
    splits = three_way_splits(500, rng, folds=3, labels=labels)
    found = decode_layers({"x": x}, labels, splits, rng=rng)["x"].report.calibrated
    peer = LabelDecoder(folds=3).estimate(x, labels, unit="nats").value
    assert found > peer - 0.05


def test_a_row_is_not_told_by_its_copies() -> None:
    """Rows that say nothing, three copies of each: the scores of the fitted rows know labels, unless grouped."""
    rng = np.random.default_rng(0)
    x, labels, groups = (
        np.repeat(rng.normal(size=(80, 200)), 3, 0),
        np.repeat(np.arange(80) % 2, 3),
        np.arange(240) // 3,
    )
    split = ThreeWaySplit(np.arange(180), np.arange(180, 210), np.arange(210, 240))
    told = {}
    for name, kept in (("apart", None), ("together", groups)):
        scores = label_projection(x, labels, split, groups=kept, name="x")[split.train, 1]
        told[name] = np.corrcoef(scores, labels[split.train])[0, 1]
    assert told["apart"] > 0.9
    assert told["together"] < 0.3


def test_silent_components_are_left_out() -> None:
    x, labels, split = wide(200, 300, 1.0)
    assert label_projection(x, labels, split, name="x").shape == (200, 4 + module.LOUD)
    assert label_projection(np.repeat(x[:, :5], 30, axis=1), labels, split, name="x").shape == (200, 4 + 5)


def test_of_many_rows_a_part_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels, split = wide(600, 80, 1.0)
    whole = label_projection(x, labels, split, name="x")
    monkeypatch.setattr(module, "FITTED_ROWS", 200)
    part = label_projection(x, labels, split, name="x")
    value = split.value
    assert np.corrcoef(whole[value, :4].ravel(), part[value, :4].ravel())[0, 1] > 0.9


def test_columns_are_read_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x, labels, split = wide(100, 50, 1.0)
    x[:, 7] = 3.0  # a column that never varies
    whole = label_projection(x, labels, split, name="x")
    monkeypatch.setattr(module, "BLOCK", 7)
    np.save(tmp_path / "x.npy", x)
    layer = read_layer(np.load(tmp_path / "x.npy", mmap_mode="r"), "x")
    assert not layer.flags.owndata  # a view of the file
    assert np.abs(np.abs(label_projection(layer, labels, split, name="x")) - np.abs(whole)).max() < 1e-3


def test_bad_layers_are_refused_by_name() -> None:
    x, labels, split = wide(100, 50, 1.0)
    with pytest.raises(InputError, match=r"^x1 must be finite and below 1e\+140; drop or rescale such rows$"):
        label_projection(np.where(x > 2.0, np.nan, x), labels, split, name="x1")
    with pytest.raises(InputError, match=r"^x1 has 1 masked entry, which is no value"):
        read_layer(np.ma.array([1.0, 2.0], mask=[False, True]), "x1")


def test_the_scale_of_a_layer_does_not_matter() -> None:
    """The squares of 1e-200 are zero in float64; the projection is of standardised columns."""
    x, labels, split = wide(100, 50, 1.0)
    plain = label_projection(x, labels, split, name="x")
    scaled = label_projection(x * 2.0**-664, labels, split, name="x")
    np.testing.assert_allclose(scaled[:, :4], plain[:, :4], rtol=1e-4, atol=1e-6)


def test_training_rows_that_are_all_the_same_give_no_direction() -> None:
    """A dead layer that comes alive on one row of the others."""
    x, labels, split = wide(60, 1200, 1.0)
    dead = np.zeros_like(x)
    dead[split.value[0]] = 1.0
    assert not label_projection(dead, labels, split, name="x").any()
    rng = np.random.default_rng(0)
    splits = three_way_splits(60, rng, folds=3, labels=labels)
    decoded = decode_layers({"x": dead}, labels, splits, rng=rng)["x"]
    np.testing.assert_allclose(decoded.posteriors, 0.25, atol=0.05)
