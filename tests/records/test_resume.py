"""A run is continued only with the settings that it was begun with; the first difference is named."""

from pathlib import Path

import pytest

from pidkit import InputError
from pidkit.records.resume import check_same_settings, difference


def test_differences() -> None:
    assert difference({"a": [1], "b": 2}, {"a": [1], "b": 2}) is None
    assert difference({"a": 1}, {"a": 1, "b": 2}) == ("b", None, 2)
    assert difference({"a": 1, "b": 2}, {"a": 1}) == ("b", 2, None)
    assert difference({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}) == ("a.b.c", 1, 2)


def test_equal_settings_pass_and_others_are_named() -> None:
    check_same_settings(Path("run"), {"n": 1, "layers": {"net": ["fc"]}}, {"n": 1, "layers": {"net": ["fc"]}})
    message = (
        r"path run holds a run with other settings: layers\.net was \['fc'\] and is \['out'\]; resume with the same"
    )
    with pytest.raises(InputError, match=message):
        check_same_settings(Path("run"), {"layers": {"net": ["fc"]}}, {"layers": {"net": ["out"]}})
