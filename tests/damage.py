"""Damage to files: bytes that flip, vanish or come in, cuts, and content that was changed by hand."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (None, True, -1, 1.5, float("nan"), "odd", [], [None], {}, {"odd": 1})


def damaged_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Return other bytes: one bit flipped, a few bytes zeroed, left out or put in, or the end cut off."""
    at, n = int(rng.integers(len(data))), int(rng.integers(1, 65))
    kind = rng.choice(["flip", "zero", "lose", "insert", "cut"], p=[0.5, 0.2, 0.1, 0.1, 0.1])
    if kind == "flip":
        changed = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
    elif kind == "zero":
        changed = data[:at] + bytes(len(data[at : at + n])) + data[at + n :]
    elif kind == "lose":
        changed = data[:at] + data[at + n :]
    else:
        changed = data[:at] + (rng.bytes(n) + data[at:] if kind == "insert" else b"")
    return changed if changed != data else data[:-1]


def tampered(content: Any, rng: np.random.Generator) -> Any:
    """Return nested content with one entry, anywhere in it, removed, added or replaced by what is odd there."""
    changed = copy.deepcopy(content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)) and node[key]:
                walk(node[key])

    walk(changed)
    node, key = places[int(rng.integers(len(places)))]
    what = rng.integers(8)
    if what == 0:
        del node[key]
    elif what == 1 and isinstance(node, dict):
        node["odd"] = 1
    elif what == 1:
        node.append(node[key])
    else:
        node[key] = copy.deepcopy(ODD[int(rng.integers(len(ODD)))])
    return changed
