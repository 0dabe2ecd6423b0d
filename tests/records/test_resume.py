"""A run is continued only with the settings that it was begun with; the first difference is named."""

from pathlib import Path

import pytest

from pidkit import InputError
from pidkit.records import PlanePoint, PlaneTrajectory
from pidkit.records.resume import RunFile, check_same_settings, difference


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


def test_two_trackers_of_one_file_do_not_lose_each_others_steps(tmp_path: Path) -> None:
    """The last writer won, and the steps of the other were gone."""
    path, run = tmp_path / "run.npz", PlaneTrajectory((), "bits", 1.0, 10, {})
    points = [PlanePoint("net", step, "fc", "mi_label", "ksg", 0.5) for step in (0.0, 1.0)]
    run.save(path)
    first, second = RunFile(path), RunFile(path)
    first.save(run.extended(points[:1]))
    with pytest.raises(
        InputError, match=r"run.npz was written to by another tracker since this one last did; make a new"
    ):
        second.save(run.extended(points[1:]))
    assert PlaneTrajectory.load(path).steps == (0.0,)
    first.save(run.extended(points))
    assert PlaneTrajectory.load(path).steps == (0.0, 1.0)
    RunFile(None).save(run)
