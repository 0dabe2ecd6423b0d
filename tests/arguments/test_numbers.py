"""Whole and real numbers: what counts as one, what it is returned as, and what the refusal says."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from pidkit.arguments import check_count, real_number, whole_number
from pidkit.errors import InputError


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.int64(3)])
def test_integers_of_python_and_numpy_come_back_as_plain_ints(value: Any) -> None:
    for found in (whole_number("n", value), check_count("n", value), check_count("n", value, at_most=3)):
        assert type(found) is int
        assert json.dumps(found) == "3"


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (True, {}, "n must be a whole number >= 0, not True"),
        (np.True_, {}, "n must be a whole number >= 0, not np.True_"),
        (2.0, {}, "n must be a whole number >= 0, not 2.0; pass the int 2"),
        (np.float64(2.5), {}, "n must be a whole number >= 0, not np.float64(2.5); pass an int"),
        (math.nan, {}, "n must be a whole number >= 0, not nan; pass an int"),
        ("3", {}, "n must be a whole number >= 0, not '3'"),
        (None, {}, "n must be a whole number >= 0, not None"),
        (-1, {"remedy": "0 is none"}, "n must be a whole number >= 0, not -1; 0 is none"),
        (0, {"least": 1, "most": 2}, "n must be a whole number from 1 to 2, not 0"),
        (3, {"least": 1, "most": 2}, "n must be a whole number from 1 to 2, not 3"),
        (3, {"most": 2, "limit": "the rows"}, "n must be at most the rows, 2, not 3"),
        (2**63, {}, "n must be at most 2**63 - 1, the largest 64-bit integer, not 9223372036854775808"),
    ],
)
def test_what_is_no_whole_number_in_range_is_refused(value: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        whole_number("n", value, **options)
    assert str(refused.value) == message


def test_a_count_beyond_its_limit_says_what_to_do() -> None:
    with pytest.raises(
        InputError, match=r"^k must be at most the number of rows, 4, not 5; lower k or pass more data$"
    ):
        check_count("k", 5, at_most=4, limit="the number of rows")
    with pytest.raises(InputError, match=r"^k must be a whole number >= 1, not 0$"):
        check_count("k", 0, at_most=4, limit="the number of rows")


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2.0), np.float64(2.0), np.int64(2)])
def test_real_numbers_come_back_as_plain_floats(value: Any) -> None:
    found = real_number("x", value, above=0.0)
    assert type(found) is float
    assert found == 2.0


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        ("0.5", {}, "x must be a finite number, not '0.5'"),
        (True, {}, "x must be a finite number, not True"),
        (1j, {}, "x must be a finite number, not 1j"),
        (math.inf, {}, "x must be a finite number, not inf"),
        (10**400, {"above": 0.0}, f"x must be a finite number > 0, not {10**400}"),
        (math.nan, {"finite": False}, "x must be a number, not nan"),
        (-math.inf, {"finite": False, "least": 0.0}, "x must be a number >= 0, not -inf"),
        (0.0, {"above": 0.0, "of": "bits"}, "x must be a finite number of bits > 0, not 0.0"),
        (2.0, {"most": 1.0}, "x must be a finite number <= 1, not 2.0"),
        (1.0, {"below": 1.0}, "x must be a finite number < 1, not 1.0"),
        (1.0, {"least": 0.0, "below": 1.0}, "x must be a number in [0, 1), not 1.0"),
        (0.0, {"above": 0.0, "most": 1.0, "remedy": "1 is all"}, "x must be a number in (0, 1], not 0.0; 1 is all"),
    ],
)
def test_what_is_no_real_number_in_range_is_refused(value: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        real_number("x", value, **options)
    assert str(refused.value) == message


def test_the_ends_of_a_range_are_in_or_out_as_they_are_named() -> None:
    assert real_number("x", 0, least=0.0, most=1.0) == 0.0
    assert real_number("x", 1, least=0.0, most=1.0) == 1.0
    assert real_number("x", math.inf, above=0.0, finite=False) == math.inf
