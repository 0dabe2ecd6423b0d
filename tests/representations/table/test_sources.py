"""Keys, files and indices of a table's layers, and which of them are paired."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, save_arrays
from pidkit.representations.table.sources import NamedLayer, pair_layers, read_index, read_side


def pairs(x1: dict[Any, Any], x2: dict[Any, Any], *index: str) -> list[tuple[str, str, tuple[Any, ...]]]:
    sides = read_side("x1", x1, index), read_side("x2", x2, index)
    return [(one.x1.name, one.x2.name, one.place) for one in pair_layers(*sides)]


def test_layers_with_the_same_values_are_paired_and_those_without_with_all() -> None:
    assert pairs({"a": 0, "b": 0}, {"c": 0}) == [("a", "c", ()), ("b", "c", ())]
    both = {("a", 1): 0, ("a", 2): 0}
    assert pairs(both, {("c", 2): 0, ("c", 3): 0}, "epoch") == [("a", "c", (2,))]
    assert pairs(both, {"c": 0}, "epoch") == [("a", "c", (1,)), ("a", "c", (2,))]
    assert pairs({"a": 0}, {("c", "alone", 1): 0}, "student", "epoch") == [("a", "c", ("alone", 1))]


@pytest.mark.parametrize(
    ("x1", "x2", "message"),
    [
        ({("a", 1): 0}, {("c", 2): 0}, r"x1 and x2 must share values of index; x1 has \[\(1,\)\], x2 has \[\(2,\)\]"),
        ({"a": 0, ("a", 1): 0}, {("c", 1): 0}, r"x1 and x2 make the pair \('a', 'c', \(1,\)\) twice"),
        ({("a", 1, 2): 0}, {"c": 0}, r"a key of x1 must be the layer's name, or a tuple of it.*\('layer', epoch\)"),
        ({3: 0}, {"c": 0}, "a key of x1 must be the layer's name"),
        ({("a", None): 0}, {"c": 0}, "the epoch in a key of x1 must be a number or a string, not None"),
        ({"a": 0}, {}, "x2 must hold at least one layer"),
        ([1], {"c": 0}, "x1 must be a mapping by name"),
    ],
)
def test_other_keys_are_refused(x1: Any, x2: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pairs(x1, x2, "epoch")


@pytest.mark.parametrize("index", ["x1", "two words", ("a", "a"), (1,), 3])
def test_other_indices_are_refused(index: Any) -> None:
    with pytest.raises(InputError, match="index must"):
        read_index(index)


def test_a_layer_is_an_array_a_file_or_an_array_of_a_file(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(3, 2)
    save_arrays(tmp_path / "one.npy", a=array)
    save_arrays(tmp_path / "two.npz", a=array, b=array + 1.0)
    for source in (array, tmp_path / "one.npy", str(tmp_path / "one.npy"), (tmp_path / "two.npz", "a")):
        np.testing.assert_array_equal(NamedLayer("x1", "a", (), source).load(), array)
    assert isinstance(NamedLayer("x1", "a", (), (tmp_path / "two.npz", "b")).load(), np.memmap)
    with pytest.raises(InputError, match=r"x2\[\('a', 3\)\]: key must say which of its arrays to load"):
        NamedLayer("x2", "a", (3,), tmp_path / "two.npz").load()
