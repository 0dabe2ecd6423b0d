"""Two arrays to write, and what load_array says of a file that it refuses."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import InputError
from pidkit.arrays import load_array

X = np.arange(12.0).reshape(3, 4)

Y = np.arange(5, dtype=np.int32)

WRITABLE = [".npy", ".npz", *([".safetensors"] if find_spec("safetensors") else [])]
"""The formats that can be written on this machine."""


def is_mapped(array: Any) -> bool:
    """Tell whether an array reads from a mapped file."""
    return isinstance(array, np.memmap)


def message_of(path: Path, **options: Any) -> str:
    """Return what load_array says when it refuses `path`."""
    with pytest.raises(InputError) as error:
        load_array(path, **options)
    text = str(error.value)
    assert "\n" not in text
    return text
