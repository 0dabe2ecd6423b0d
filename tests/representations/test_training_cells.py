"""Cells: they make up every training set, keep groups whole, and halves of rows get cells of their own."""

import numpy as np
import pytest

from pidkit.mi.splits import three_way_splits
from pidkit.representations.learning_curve import halved
from pidkit.representations.training_cells import cells_of


@pytest.mark.parametrize(("folds", "disjoint"), [(2, True), (3, False), (5, True), (7, False)])
@pytest.mark.parametrize("grouped", [False, True])
def test_cells_make_up_the_training_sets(folds: int, disjoint: bool, grouped: bool) -> None:
    labels = np.arange(420) % 3
    groups = np.arange(420) // 3 if grouped else None
    splits = three_way_splits(420, np.random.default_rng(0), folds=folds, labels=labels, groups=groups)
    trains = [split.train for split in splits]
    cells = cells_of(trains, 420, groups, 4)
    assert (len(cells.of_row) == 1) == disjoint
    assert cells.n_cells <= 4 * len(trains)
    for number, train in enumerate(trains):
        rows = cells.rows_of(number)
        assert len(rows) >= 4
        np.testing.assert_array_equal(np.sort(np.concatenate(rows)), train)
        if groups is not None:
            assert sum(np.unique(groups[own]).size for own in rows) == np.unique(groups[train]).size


def test_halves_of_the_rows_get_cells_of_their_own() -> None:
    labels = np.arange(3000) % 3
    splits = three_way_splits(3000, np.random.default_rng(0), folds=5, labels=labels)
    halves = halved(splits, labels, None, np.random.default_rng(0))
    cells = cells_of([split.train for split in halves], 3000, None, 2)
    assert (cells.n_cells, len(cells.of_row)) == (10, 5)
    for number, split in enumerate(halves):
        np.testing.assert_array_equal(np.sort(np.concatenate(cells.rows_of(number))), split.train)


def test_labels_that_were_shuffled_are_not_dealt_by_class() -> None:
    labels = np.random.default_rng(0).permutation(np.arange(4000) % 4)
    counts = [np.bincount(labels[rows], minlength=4) for rows in cells_of([np.arange(4000)], 4000, None, 4).rows_of(0)]
    assert min(map(min, counts)) > 200
