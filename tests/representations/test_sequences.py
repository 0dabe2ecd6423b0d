"""Token by token: the label of the sequence for each, and all of them in one fold."""

import numpy as np
import pytest

from pidkit import InputError
from pidkit.representations.decoders import decode_layer
from pidkit.representations.folds import cross_fitting_splits
from pidkit.representations.sequences import read_tokens


def test_the_tokens_of_a_sequence_lie_in_one_fold() -> None:
    tokens, labels, groups = read_tokens(np.arange(240.0).reshape(40, 3, 2), np.arange(40) % 2, None, "x1")
    assert (tokens == np.arange(240.0).reshape(120, 2)).all()
    for split in cross_fitting_splits(labels, 5, groups, np.random.default_rng(0)):
        assert split.value.size % 3 == 0
        assert not set(split.value // 3) & set(split.train // 3)
        assert not set(split.value // 3) & set(split.stop // 3)


def test_a_signature_of_the_sequence_is_not_read_as_its_label() -> None:
    """Every token carries the signature of its sequence, which says nothing about the label of another one."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(100, 1, 4)), 5, axis=1)
    tokens, labels, groups = read_tokens(x, np.arange(100) % 2, None, "x1")
    splits = cross_fitting_splits(labels, 5, groups, rng)
    assert decode_layer(tokens, labels, splits, decoder="knn", rng=rng).calibrated_information < 0.05
    mixed = cross_fitting_splits(labels, 5, None, rng)
    assert decode_layer(tokens, labels, mixed, decoder="knn", rng=rng).calibrated_information > 0.15


def test_groups_of_sequences_are_kept() -> None:
    _, _, groups = read_tokens(np.ones((4, 2, 1)), np.arange(4) % 2, np.array([0, 0, 1, 1]), "x1")
    assert groups.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_other_shapes_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"^x1 must have shape \(n, length, d\) to be read token by token, not \(4, 2\)$"
    ):
        read_tokens(np.ones((4, 2)), np.arange(4), None, "x1")
    with pytest.raises(InputError, match=r"^x1 must have one sequence a label; it has 4 for 5 labels$"):
        read_tokens(np.ones((4, 2, 2)), np.arange(5), None, "x1")
