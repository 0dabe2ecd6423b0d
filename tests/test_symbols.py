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
        ([Fraction(1, 3), Fraction(1, 4)], [1, 0]),
        ([-1, 1, 1], [0, 1, 1]),
        (np.array([-1.0, 1.0, 1.0]), [0, 1, 1]),
        (["-1", "+1", "+1"], [1, 0, 0]),  # "+" comes before "-" in the order of text
        ([2.0, 0.0], [2, 0]),  # whole floats are the integers that they equal, in whatever container
        (np.array([2, 0.0, True], dtype=object), [2, 0, 1]),
        ([np.int64(2), 0, 1.0], [2, 0, 1]),
        ([0, 2**63, 2**63 + 1], [0, 1, 2]),
        (np.array([0, 2**63, 2**63 + 1], dtype=np.uint64), [0, 1, 2]),
        ([-(2**70), 2**70, 0], [0, 2, 1]),
        (["a", "a\0", "a"], [0, 1, 0]),
        ([b"a", b"a\0"], [0, 1]),
        (np.array(["2020-01-02", "2020-01-01"], dtype="M8[D]"), [1, 0]),
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
        (np.array([1j]), None, r"^y holds complex numbers; symbols must be integers, strings or other hashables$"),
        ([0, -2], 3, r"^y holds the negative code -2, but n_y = 3 says that codes are 0 to 2; leave n_y out where neg"),
        ([0.0, 3.0], 3, r"^y holds the code 3, but n_y = 3; codes must be below n_y$"),
        ([0, 3], 3, r"^y holds the code 3, but n_y = 3; codes must be below n_y$"),
        ([[0], [1, 2]], None, r"^y\[0\] is not hashable \(list\); pass one symbol a sample, such as tuples$"),
        ([{}, {}], None, r"^y\[0\] is not hashable \(dict\); pass one symbol a sample, such as tuples$"),
        (["a", "b", "c"], 2, r"^y holds 3 distinct symbols, but n_y = 2$"),
        (["a", "b"], 2.5, r"^n_y must be a whole number >= 1, not 2\.5; pass an int$"),
        ([0], 0, r"^n_y must be a whole number >= 1, not 0$"),
        ([0], "2", r"^n_y must be a whole number >= 1, not '2'$"),
    ],
)
def test_symbols_that_cannot_be_used(labels: Any, n: float | str | None, message: str) -> None:
    with pytest.raises(pidkit.InputError, match=message):
        encode_labels(labels, n=n, name="y")  # type: ignore[arg-type]
