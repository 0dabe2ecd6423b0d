"""Symbols become codes: what is ranked, what is counted in order of appearance, and what is refused."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pidkit
from pidkit.symbols import encode_labels


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ([2, 0, 2], [2, 0, 2]),
        (np.array([1, 0], dtype=np.uint8), [1, 0]),
        ([True, False], [1, 0]),
        (["dog", "ant", "dog"], [1, 0, 1]),
        ("eoe", [0, 1, 0]),
        ([0.5, -1.0, 0.5], [1, 0, 1]),
        ([("b", 1), ("a", 2), ("b", 1)], [1, 0, 1]),
        ([3, "3", 3], [0, 1, 0]),  # cannot be ordered: by first appearance
        ([None, Fraction(1, 2)], [0, 1]),
        ((c for c in "ba"), [1, 0]),
        (np.array(["b", "a"], dtype=object), [1, 0]),
    ],
)
def test_symbols_become_codes(labels: Any, codes: list[int]) -> None:
    found, n = encode_labels(labels, n=None, name="y")
    assert found.tolist() == codes
    assert n == max(codes) + 1
    assert encode_labels(codes, n=9, name="y")[1] == 9


@pytest.mark.parametrize(
    ("labels", "n", "message"),
    [
        ([], None, r"^y is empty: at least one sample is needed$"),
        (3, None, r"^y must be a sequence of symbols, one a sample, not int$"),
        (None, None, r"^y must be a sequence of symbols, one a sample, not NoneType$"),
        (np.zeros((2, 2), int), None, r"^y must have one axis \(one symbol a sample\); it has shape \(2, 2\)$"),
        (np.array([1j]), None, r"^y holds complex numbers; symbols must be integers, strings or other hashables$"),
        ([0, -2], None, r"^y holds the negative code -2; integer codes start at 0$"),
        ([0, 3], 3, r"^y holds the code 3, but n_y = 3; codes must be below n_y$"),
        ([0.0, np.nan], None, r"^y holds NaN or infinite symbols; drop those samples first$"),
        (["a", np.nan], None, r"^y\[1\] is NaN; drop those samples first$"),
        ([[0], [1]], None, r"^y\[0\] is not hashable \(list\); symbols must be$"),
        (["a", "b", "c"], 2, r"^y holds 3 distinct symbols, but n_y = 2$"),
        (["a", "b"], 2.5, r"^n_y must be a whole number >= 1, not 2\.5; pass an int$"),
        ([0], 0, r"^n_y must be a whole number >= 1, not 0$"),
        ([0], "2", r"^n_y must be a whole number >= 1, not '2'$"),
    ],
)
def test_symbols_that_cannot_be_used(labels: Any, n: float | str | None, message: str) -> None:
    with pytest.raises(pidkit.InputError, match=message):
        encode_labels(labels, n=n, name="y")  # type: ignore[arg-type]
