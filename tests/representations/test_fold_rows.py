"""The rows of a fold: one scale for layers of all kinds, learnt from the rows to fit, and columns side by side."""

from pathlib import Path

import numpy as np
import pytest

from pidkit.mi.splits import three_way_splits
from pidkit.representations.fold_rows import FoldRows, Layer, side_by_side

LABELS = np.arange(60) % 3
(SPLIT, *_) = three_way_splits(60, np.random.default_rng(0), folds=3, labels=LABELS)


def rows(x: object) -> FoldRows:
    (found,) = Layer.read(x, 60, "x").of_folds(LABELS, [SPLIT], None)  # type: ignore[arg-type]
    return found


def test_layers_of_all_kinds_give_the_same(tmp_path: Path) -> None:
    half = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float16)
    np.save(tmp_path / "x.npy", half)
    for given in (half, np.load(tmp_path / "x.npy", mmap_mode="r"), half.reshape(-1, 1, 2, 2), half.tolist()):
        assert all((one == other).all() for one, other in zip(rows(given), rows(half.astype(float)), strict=True))


def test_the_scale_is_that_of_the_rows_to_fit() -> None:
    x = np.random.default_rng(0).normal(3.0, 5.0, size=(60, 2))
    found = rows(x)
    assert found.train.mean(0) == pytest.approx(0.0, abs=1e-12)
    assert found.train.std(0) == pytest.approx(1.0)
    own = x[SPLIT.train]
    assert found.value == pytest.approx((x[SPLIT.value] - own.mean(0)) / own.std(0))


def test_columns_stand_side_by_side() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    both = side_by_side([rows(x[:, :1]), rows(x[:, 1:])])
    assert [part.shape for part in both] == [part.shape for part in rows(x)]
    assert both.stop[:, :1] == pytest.approx(rows(x[:, :1]).stop)
