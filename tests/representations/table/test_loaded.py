"""Files of a table are loaded once by a process, whatever takes them, and again by the next call."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit import load_array, pid_table, posteriors_of
from pidkit.representations.table import loaded as module
from pidkit.representations.table import sources
from pidkit.representations.table.loaded import forget, loaded
from pidkit.representations.table.sources import NamedLayer
from tests.representations.table.layers import QUICK, Y, layer


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are loaded, in order."""
    found: list[str] = []

    def load(path: Path, *, key: str | None = None) -> Any:
        found.append(f"{path.name} {key}")
        return load_array(path, key=key)

    monkeypatch.setattr(sources, "load_array", load)
    return found


def stored(path: Path, **layers: np.ndarray) -> Path:
    with pytest.importorskip("h5py").File(path, "w") as file:
        for name, array in layers.items():
            file[name] = array
    return path


def test_a_table_loads_each_dataset_once(tmp_path: Path, loads: list[str]) -> None:
    file = stored(tmp_path / "layers.h5", a=layer(1, 0.5), b=layer(2, 0.7))
    of = {name: (file, name) for name in "ab"}
    made = pid_table(labels=Y, x1=of, x2={"a": of["a"]}, path=tmp_path / "t", synergy=True, **QUICK)
    assert sorted(loads) == ["layers.h5 a", "layers.h5 b"]
    assert not module._kept
    plain = pid_table(labels=Y, x1={"b": layer(2, 0.7)}, x2={"a": layer(1, 0.5)}, synergy=True, **QUICK)
    assert plain.result("b", "a").atoms == made.result("b", "a").atoms


def test_the_next_call_sees_what_has_changed(tmp_path: Path, loads: list[str]) -> None:
    told = []
    for seed in (1, 2):
        of = {"a": (stored(tmp_path / "layers.h5", a=layer(seed, 0.5)), "a")}
        told.append(pid_table(labels=Y, x1=of, x2=of, path=tmp_path / "t", **QUICK).result("a", "a").mi_1)
    assert told[0] != told[1]
    assert loads == ["layers.h5 a"] * 2


def test_posteriors_of_loads_once(tmp_path: Path, loads: list[str]) -> None:
    posteriors_of(labels=Y, x=(stored(tmp_path / "layers.h5", a=layer(1, 0.5)), "a"), path=tmp_path / "t")
    assert loads == ["layers.h5 a"]


def test_no_more_is_kept_than_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[str]) -> None:
    """Arrays in memory count by their bytes, maps of files by their number, and arrays that were given not at all."""
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    file = stored(tmp_path / "x.h5", **{name: np.zeros(120) for name in "abc"})
    np.save(tmp_path / "m.npy", np.zeros(1000))
    for name in ("a", "b", "a", "c", "c", "a"):  # two have room
        loaded(NamedLayer("x1", name, (), (file, name)), "now")
    assert loads == ["x.h5 a", "x.h5 b", "x.h5 c", "x.h5 a"]
    loaded(NamedLayer("x1", "m", (), tmp_path / "m.npy"), "now")
    assert len(module._kept) == 2 + 1
    given = np.zeros(5)
    assert loaded(NamedLayer("x1", "given", (), given), "now") is given
    forget("now")
    assert not module._kept
