"""One schema for every format: what comes back, and the entry that does not fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pidkit import InputError
from pidkit.records.schema import restored


@dataclass(frozen=True)
class Part:
    name: str
    size: int


@dataclass(frozen=True)
class Whole:
    value: float
    known: float | None
    flagged: bool
    spans: tuple[tuple[float, str], ...]
    parts: Mapping[str, Part] | None
    free: Mapping[str, Any]


GOOD: dict[str, Any] = {
    "value": None,
    "known": None,
    "flagged": True,
    "spans": [[0, "a"]],
    "parts": {"x": {"name": "p", "size": 3}},
    "free": {"anything": [1, None]},
}


def test_what_was_written_comes_back_with_its_types() -> None:
    found = restored(Whole, GOOD)
    assert math.isnan(found.value)  # a number that cannot be missing was NaN
    assert (found.known, found.flagged, found.spans) == (None, True, ((0.0, "a"),))
    assert found.parts == {"x": Part("p", 3)}
    assert found.free == {"anything": [1, None]}
    assert restored(Whole, {**GOOD, "parts": None}).parts is None


def test_fields_that_were_added_later_take_their_defaults() -> None:
    @dataclass(frozen=True)
    class Grown:
        name: str
        later: float | None = None

    nested = {"parts": [{"name": "a"}, {"name": "b"}]}

    @dataclass(frozen=True)
    class Holder:
        parts: tuple[Any, ...]

    Holder.__annotations__["parts"] = tuple[Grown, ...]
    assert restored(Holder, nested, since={Grown: ("later",)}).parts == (Grown("a"), Grown("b"))
    with pytest.raises(InputError, match=r"^content.parts\[0\] has no entry 'later'$"):
        restored(Holder, nested)
    with pytest.raises(InputError, match=r"^content has an unknown entry 'later'$"):
        restored(Grown, {"name": "a", "later": 1.0}, since={Grown: ("later",)})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": "1"}, r"content.value must be a number, not '1'"),
        ({"value": True}, r"content.value must be a number, not True"),
        ({"flagged": 1}, r"content.flagged must be true or false, not 1"),
        ({"spans": 3}, r"content.spans must be a list, not 3"),
        ({"spans": [[0.0]]}, r"content.spans\[0\] must have 2 entries, not 1"),
        ({"spans": [[0.0, "a"], [1.0, 2]]}, r"content.spans\[1\]\[1\] must be a string, not 2"),
        ({"parts": {"x": {"name": "p"}}}, r"content.parts.x has no entry 'size'"),
        ({"parts": {"x": {"name": "p", "size": 3.0}}}, r"content.parts.x.size must be a whole number, not 3.0"),
        ({"parts": {"x": {"name": "p", "size": True}}}, r"content.parts.x.size must be a whole number, not True"),
        ({"parts": [["x"] * 30]}, r"content.parts must be a dictionary, not list"),
        ({"free": None}, r"content.free must be a dictionary, not None"),
        ({"more": 1}, r"content has an unknown entry 'more'"),
    ],
)
def test_the_first_entry_that_does_not_fit_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=rf"^{message}$"):
        restored(Whole, {**GOOD, **changed})
    with pytest.raises(InputError, match="content must be a dictionary"):
        restored(Whole, [GOOD])
