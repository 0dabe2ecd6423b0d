"""The layers of a table: their names, the arrays or files that hold them, and which of them form pairs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from pidkit.arguments import items_of, mapping_of
from pidkit.arrays import load_array
from pidkit.arrays.batches import Batches, mapped_rows
from pidkit.errors import InputError

Source = npt.ArrayLike | Batches | os.PathLike[str] | tuple[str | os.PathLike[str], str]
"""A layer: an array, a file that holds one, a file and the key of the layer in it, or what gives batches of rows."""

Place = tuple[Any, ...]
"""Values of the indices of a table, such as (epoch,); empty for a layer that is paired with all."""


@dataclass(frozen=True, eq=False)
class NamedLayer:
    """A layer of one side: `side` is "x1" or "x2", and `place` its values of the indices."""

    side: str
    name: str
    place: Place
    source: Any

    @property
    def called(self) -> str:
        """How messages call it; a layer without a name by its side alone."""
        if not self.name:
            return self.side
        return f"{self.side}[{self.name!r}]" if not self.place else f"{self.side}[{(self.name, *self.place)!r}]"

    @property
    def is_file(self) -> bool:
        """Whether it is named by a file, or by a file and a key."""
        source = self.source[0] if isinstance(self.source, tuple) and len(self.source) == 2 else self.source
        return isinstance(source, (str, os.PathLike))

    def load(self) -> npt.ArrayLike:
        """Return the layer: an array as it is, of a file a memory map where its format allows.

        Raises
        ------
        InputError
            As `load_array`; the message names the layer.
        """
        source = self.source
        try:
            if self.is_file:
                return load_array(source[0], key=source[1]) if isinstance(source, tuple) else load_array(source)
        except InputError as error:
            raise InputError(f"{self.called}: {error}") from error
        layer: npt.ArrayLike = mapped_rows(source, self.called)
        return layer


@dataclass(frozen=True)
class NamedPair:
    """Two layers that are decomposed together, and their common place."""

    x1: NamedLayer
    x2: NamedLayer
    place: Place


def read_index(index: object) -> tuple[str, ...]:
    """Return the names of the indices of a table, one of them as a string or several."""
    names = (index,) if isinstance(index, str) else items_of("index", index)
    taken = {"x1", "x2", "atom", "value", "unit"}
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or name in taken or names.count(name) > 1:
            raise InputError(
                f"index must hold names such as 'epoch', each once and none of {', '.join(sorted(taken))}; not {name!r}"
            )
    return tuple(names)


def read_side(side: str, layers: object, index: tuple[str, ...]) -> list[NamedLayer]:
    """Return the layers of one side in the order of the mapping.

    Raises
    ------
    InputError
        If there is none, or a key is neither a name nor a tuple of a name and a value for each index.
    """
    found = []
    for key, source in mapping_of(side, layers).items():
        name, *place = key if isinstance(key, tuple) and key else (key,)
        if not isinstance(name, str) or len(place) not in (0, len(index)):
            wanted = f"('layer', {', '.join(index)})" if index else "a name"
            raise InputError(
                f"a key of {side} must be the layer's name, or a tuple of it and its values of index, {wanted}; not "
                f"{key!r}. index is {index!r}"
            )
        for of, value in zip(index, place, strict=False):
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise InputError(f"the {of} in a key of {side} must be a number or a string, not {value!r}")
        layer = NamedLayer(side, name, tuple(place), source)
        # An iterator gives its batches once, and a layer is read several times.
        found.append(replace(layer, source=mapped_rows(source, layer.called)))
    if not found:
        raise InputError(f"{side} must hold at least one layer: {{'name': array or file}}")
    return found


def pair_layers(first: list[NamedLayer], second: list[NamedLayer]) -> list[NamedPair]:
    """Return every layer of x1 with every layer of x2 of the same place; one without a place is paired with all.

    Raises
    ------
    InputError
        If no two agree, or the same names and place come up twice.

    Examples
    --------
    >>> sides = read_side("x1", {"fc": 0}, ("epoch",)), read_side("x2", {("a", 1): 0, ("a", 9): 0}, ("epoch",))
    >>> [(pair.x1.name, pair.x2.name, pair.place) for pair in pair_layers(*sides)]
    [('fc', 'a', (1,)), ('fc', 'a', (9,))]
    """
    pairs = [
        NamedPair(one, other, one.place or other.place)
        for one in first
        for other in second
        if not one.place or not other.place or one.place == other.place
    ]
    if not pairs:
        places = [sorted({layer.place for layer in side}, key=repr)[:3] for side in (first, second)]
        raise InputError(f"x1 and x2 must share values of index; x1 has {places[0]}, x2 has {places[1]}")
    names = [(pair.x1.name, pair.x2.name, pair.place) for pair in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"x1 and x2 make the pair {twice} twice: give all keys of one name values of index, or none")
    return pairs
