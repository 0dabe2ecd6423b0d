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
    scores = label_projection(x, labels, split, n_loud=0, name="x")
    own = x[split.train]
    z = (x - own.mean(0)) / own.std(0)
    target = np.eye(4)[labels[split.train]]
    target -= target.mean(0)
    part = np.empty(own.shape[0], dtype=int)
    part[np.argsort(labels[split.train], kind="stable")] = np.arange(len(own)) % module.LEFT_OUT_PARTS

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
            best, expected = fitted, (z @ fit(z[split.train], target, ridge)[2], left_out)
    rest = np.concatenate([split.stop, split.value])
    assert np.abs(scores[rest] - expected[0][rest]).max() < 1e-5
    assert np.abs(scores[split.train] - expected[1]).max() < 1e-5


def test_loud_components_are_the_principal_ones() -> None:
    x, labels, split = wide(200, 300, 5.0)
    found = label_projection(x, labels, split, n_loud=3, name="x")[:, -3:]
    own = x[split.train]
    peer = PCA(3).fit((own - own.mean(0)) / own.std(0)).transform((x - own.mean(0)) / own.std(0))
    for column, expected in zip(found.T, peer.T, strict=True):
        assert abs(np.corrcoef(column, expected)[0, 1]) > 1 - 1e-6


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_quiet_label_is_read_where_principal_components_lose_it(dtype: type) -> None:
    x, labels, _ = wide(800, 3000, 20.0)
    splits = three_way_splits(800, np.random.default_rng(0), folds=2, labels=labels)
    found = decode_layers({"x": x.astype(dtype)}, labels, splits, rng=np.random.default_rng(0))["x"]
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


def test_of_many_rows_a_part_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels, split = wide(600, 80, 1.0)
    whole = label_projection(x, labels, split, n_loud=0, name="x")
    monkeypatch.setattr(module, "FITTED_ROWS", 200)
    part = label_projection(x, labels, split, n_loud=0, name="x")
    value = split.value
    assert np.corrcoef(whole[value].ravel(), part[value].ravel())[0, 1] > 0.9


def test_columns_are_read_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x, labels, split = wide(100, 50, 1.0)
    x[:, 7] = 3.0  # a column that never varies
    whole = label_projection(x, labels, split, n_loud=2, name="x")
    monkeypatch.setattr(module, "BLOCK", 7)
    np.save(tmp_path / "x.npy", x)
    layer = read_layer(np.load(tmp_path / "x.npy", mmap_mode="r"), "x")
    assert not layer.flags.owndata  # a view of the file
    assert np.abs(label_projection(layer, labels, split, n_loud=2, name="x") - whole).max() < 1e-4


def test_bad_layers_are_refused_by_name() -> None:
    x, labels, split = wide(100, 50, 1.0)
    with pytest.raises(InputError, match=r"^x1 must be finite and below 1e\+140; drop or rescale such rows$"):
        label_projection(np.where(x > 2.0, np.nan, x), labels, split, n_loud=0, name="x1")
    with pytest.raises(
        InputError, match=r"^x1 is constant: its mutual information with anything is 0; pass what varies$"
    ):
        label_projection(np.ones_like(x), labels, split, n_loud=0, name="x1")
    with pytest.raises(InputError, match=r"^x1 must not be a masked array"):
        read_layer(np.ma.array([1.0, 2.0], mask=[False, True]), "x1")
