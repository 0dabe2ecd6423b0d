"""From patterns of file names to the layers of a table: `student/epoch{epoch}/*.npy` names files and an index."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pidkit.errors import InputError

FIELD = re.compile(r"\{([^{}]*)\}")
"""An index in a pattern, such as {epoch}."""


def fields_of(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the indices that the patterns of one side name, in their order.

    Raises
    ------
    InputError
        If the patterns name different ones, or one twice.
    """
    found = {tuple(FIELD.findall(pattern)) for pattern in patterns}
    if len(found) > 1:
        raise InputError(f"the patterns of one side must name the same indices in {{}}, not {sorted(found)}")
    (names,) = found
    if any(not name.isidentifier() for name in names) or len(set(names)) < len(names):
        raise InputError(f"an index in {{}} must be a name such as {{epoch}}, each once; not {names}")
    return names


def find_layers(option: str, patterns: Sequence[str], index: tuple[str, ...]) -> dict[Any, tuple[str, str | None]]:
    """Return the file and the key of every layer by its name, or by a tuple of its name and its values of `index`.

    A layer is called after its file. Where a file holds several arrays each is a layer, called by its key if one file
    of its place holds layers, and else by "file:key". Whole numbers in file names are numbers.

    Raises
    ------
    InputError
        If a pattern matches no file, or two layers have one name. The message names the option.
    """
    from pidkit.arrays import describe_file

    files: dict[str, tuple[Any, ...]] = {}
    own = fields_of(patterns)
    for pattern in patterns:
        matches = sorted(glob.glob(FIELD.sub("*", pattern), recursive=True), key=_in_order)
        if not matches:
            raise InputError(f"--{option}: no file matches {pattern!r}; put patterns with * into quotes")
        place_of = _reader_of(pattern)
        for match in matches:
            if Path(match).is_file() or Path(match).suffix == ".zarr":
                values = place_of(match)
                files[match] = tuple(values[name] for name in index) if own else ()
    together: dict[tuple[Any, ...], list[str]] = {}
    for file, place in files.items():
        together.setdefault(place, []).append(file)
    layers: dict[Any, tuple[str, str | None]] = {}
    for place, members in together.items():
        for file in members:
            try:
                keys = [entry.key for entry in describe_file(file).entries]
            except InputError as error:
                raise InputError(f"--{option}: {error}") from error
            stem = Path(file).name.removesuffix(Path(file).suffix)
            for key in keys:
                several = len(keys) > 1
                name = stem if not several else str(key) if len(members) == 1 else f"{stem}:{key}"
                layer = (name, *place) if place else name
                if layer in layers:
                    raise InputError(
                        f"--{option}: {layers[layer][0]} and {file} are both called {name!r}; name them apart, or by "
                        "an index such as {student} in the pattern"
                    )
                layers[layer] = (file, key)
    return layers


def _reader_of(pattern: str) -> Any:
    """Return a function from a file that matches to its values of the indices."""
    parts = [part if number % 2 else re.escape(part) for number, part in enumerate(FIELD.split(pattern))]
    for number in range(0, len(parts), 2):
        parts[number] = parts[number].replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    text = "".join(f"(?P<{part}>[^/]*?)" if number % 2 else part for number, part in enumerate(parts))
    compiled = re.compile(text.replace("\\[", "[").replace("\\]", "]"))

    def place_of(file: str) -> dict[str, Any]:
        match = compiled.fullmatch(file)
        if match is None:
            raise InputError(f"{file} does not fit the pattern {pattern!r}; write it without brackets around indices")
        return {name: int(value) if value.isdecimal() else value for name, value in match.groupdict().items()}

    return place_of


def _in_order(file: str) -> list[Any]:
    """Return a key that sorts layer10 after layer9."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", file) if part]
