"""Live figures: a picture at every record, in a notebook or a window, and refused where nobody could see it."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt

from pidkit.errors import InputError
from pidkit.plot import live_atoms
from tests.plot.atom_runs import record, run


class FakeProbe:
    """A probe that records every other epoch."""

    def __init__(self) -> None:
        self.records = run()

    def step(self, epoch: float) -> None:
        if epoch % 2 == 0:
            self.records = self.records.extended([record(float(epoch))])


def test_a_live_figure_writes_a_picture_at_every_record(tmp_path: Path) -> None:
    path = tmp_path / "atoms.png"
    probe = FakeProbe()
    live = live_atoms(probe, path=path, atoms=["redundancy"])
    seen = []
    for epoch in range(4):
        live(epoch)
        seen.append(path.read_bytes())
    assert seen[0] == seen[1]
    assert seen[1] != seen[2]
    assert not plt.get_fignums()
    assert [file.name for file in tmp_path.iterdir()] == ["atoms.png"]


def test_a_live_figure_in_a_notebook_is_replaced_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    handle = types.SimpleNamespace(update=lambda image: shown.append(("update", image)))

    def display(image: bytes, *, display_id: bool) -> Any:
        shown.append(("display", image))
        return handle

    fake: Any = types.ModuleType("IPython")
    fake.get_ipython = lambda: types.SimpleNamespace(kernel=True)
    of_display: Any = types.ModuleType("IPython.display")
    of_display.display, of_display.Image = display, lambda data: data[:4]
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", of_display)
    live = live_atoms(FakeProbe())
    for epoch in range(3):
        live(epoch)
    assert shown == [("display", b"\x89PNG"), ("update", b"\x89PNG")]


def test_a_live_figure_in_a_window_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.get_backend", lambda: "TkAgg")
    live = live_atoms(FakeProbe())
    live(0)
    (number,) = plt.get_fignums()
    assert plt.figure(number).axes[0].get_xlabel() == "epoch"
    plt.close(number)


def test_a_live_figure_that_nobody_could_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.get_backend", lambda: "agg")
    with pytest.raises(InputError, match="path is needed: the backend 'agg' shows no figures"):
        live_atoms(FakeProbe())
    with pytest.raises(InputError, match="a picture's name must end in"):
        live_atoms(FakeProbe(), path="atoms.txt")
