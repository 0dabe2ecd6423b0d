"""What JSON cannot hold, and how it is written all the same."""

import math
from pathlib import Path

import numpy as np
import pytest

from pidkit.representations import Spread
from pidkit.results import plain


def test_plain_writes_what_json_cannot_hold() -> None:
    given = {
        "numbers": (np.float32(0.5), np.int64(3), np.bool_(True), -math.inf, np.float64("nan")),
        "arrays": [np.array([[1.0, -np.inf], [np.nan, 2.0]]), np.array(["a"]), np.array(np.nan)],
        3: Spread(0.5, math.nan, 0.0, 1.0),
        "path": Path("a"),
    }
    assert plain(given) == {
        "numbers": [0.5, 3, True, None, None],
        "arrays": [[[1.0, None], [None, 2.0]], ["a"], None],
        "3": {"mean": 0.5, "std": None, "low": 0.0, "high": 1.0},
        "path": repr(Path("a")),
    }
    assert [type(number) for number in plain(given)["numbers"][:3]] == [float, int, bool]


def test_plain_writes_tensors() -> None:
    torch = pytest.importorskip("torch")
    half = torch.tensor([0.5, torch.nan], dtype=torch.bfloat16, requires_grad=True)
    assert plain({"half": half, "counts": torch.tensor(3)}) == {"half": [0.5, None], "counts": 3}
