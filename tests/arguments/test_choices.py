"""Choices and flags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pidkit.arguments import flag, one_of
from pidkit.errors import InputError


def test_a_choice_comes_back_as_a_plain_string() -> None:
    assert type(one_of("unit", np.str_("bits"), ("bits", "nats"))) is str


@pytest.mark.parametrize(
    ("value", "choices", "message"),
    [
        ("c", ("a", "b"), "by must be 'a' or 'b', not 'c'"),
        ("d", ("a", "b", "c"), "by must be one of 'a', 'b', 'c', not 'd'"),
        (["a"], ("a",), "by must be 'a', not ['a']"),
        (None, {"a": 1, "b": 2}, "by must be 'a' or 'b', not None"),
    ],
)
def test_what_is_no_choice_is_refused(value: Any, choices: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        one_of("by", value, choices)
    assert str(refused.value) == message


def test_flags_are_true_or_false() -> None:
    assert flag("check", np.False_) is False
    for value in (0, 1, "no", None, 1.0):
        with pytest.raises(InputError, match=r"^check must be True or False, not "):
            flag("check", value)
