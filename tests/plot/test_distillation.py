"""Figures of distillation: what is drawn, what is refused, and the live figure."""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

from pidkit.errors import InputError
from pidkit.plot import accuracy_against_weight, atoms_over_epochs, live_atoms, save_figure
from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import QUANTITIES, AtomRecord
from pidkit.representations.finite_samples import Spread

NULL = dict.fromkeys(QUANTITIES, Spread(0.02, 0.01, 0.0, 0.04))
PHASES = ((0.0, 2.0, "warm-up"), (2.0, 3.0, "teacher-filter"), (3.0, 6.0, "student"))


def record(
    epoch: float, teacher: str = "teacher", layer: str = "conv", null: dict[str, Spread] | None = NULL
) -> AtomRecord:
    return AtomRecord(epoch, teacher, layer, layer, 0.1 * epoch, 0.8, 0.1, 0.2, 0.9, 0.3, 1.2, 1e-9, 4, 4, 0.01, null)


def run(*rows: AtomRecord, phases: tuple[tuple[float, float, str], ...] = PHASES) -> AtomRecords:
    return AtomRecords(tuple(rows), 1.5, 100, phases, {})


def labels(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_atoms_are_drawn_with_null_phases_and_entropy() -> None:
    ax: Any = atoms_over_epochs(run(record(4.0), record(0.0)))
    assert labels(ax) == [
        "warm-up epochs",
        "teacher-filter epochs",
        "redundancy",
        "teacher only",
        "student only",
        "synergy",
        "labels shuffled, 95 %",
        "H(Y)",
    ]
    line = next(line for line in ax.lines if line.get_label() == "redundancy")
    np.testing.assert_allclose(line.get_xydata(), [[0.0, 0.0], [4.0, 0.4]])
    assert ax.get_title() == "layer conv"
    assert ax.get_ylim()[1] >= 1.5


def test_the_axis_says_the_unit_of_the_records() -> None:
    bits = run(record(4.0), record(0.0))
    assert atoms_over_epochs(bits).get_ylabel() == "information about Y (bits)"
    ax = atoms_over_epochs(bits.to("nats"))
    assert ax.get_ylabel() == "information about Y (nats)"
    line = next(line for line in ax.lines if line.get_label() == "redundancy")
    np.testing.assert_allclose(line.get_xydata(), [[0, 0], [4, 0.4 * np.log(2.0)]])  # type: ignore[arg-type]


def test_bands_and_shades_appear_only_where_known() -> None:
    ax = atoms_over_epochs(run(record(0.0, null=None), phases=()), atoms=["redundancy"])
    assert labels(ax) == ["redundancy", "H(Y)"]
    assert labels(atoms_over_epochs(run(record(0.0), phases=()), atoms=["synergy"], null=False)) == ["synergy", "H(Y)"]


def test_the_last_pair_but_the_logits_is_drawn_unless_one_is_named() -> None:
    both = run(record(0.0), record(0.0, layer="fc"), record(0.0, layer="(logits)"))
    assert atoms_over_epochs(both).get_title() == "layer fc"
    assert atoms_over_epochs(both, pair=("conv", "conv")).get_title() == "layer conv"
    two = run(record(0.0, "a"), record(0.0, "b"))
    assert atoms_over_epochs(two, teacher="b").get_title() == "b, layer conv"


def test_what_cannot_be_drawn_over_epochs_is_refused() -> None:
    for message, call in (
        ("records must be AtomRecords", lambda: atoms_over_epochs([record(0.0)])),  # type: ignore[arg-type]
        ("records are empty", lambda: atoms_over_epochs(run())),
        ("atoms must be one of", lambda: atoms_over_epochs(run(record(0.0)), atoms=["unique_1"])),
        ("teacher must say which", lambda: atoms_over_epochs(run(record(0.0, "a"), record(0.0, "b")))),
        ("teacher must be one of 'teacher'", lambda: atoms_over_epochs(run(record(0.0)), teacher="x")),
        ("pair must be one of", lambda: atoms_over_epochs(run(record(0.0)), pair=("x", "y"))),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_accuracy_is_drawn_with_spread_baseline_and_choice() -> None:
    accuracies = {"RID": {1.0: [0.8, 0.9], 0.1: [0.7, 0.7]}, "VID": {1.0: [0.6, float("nan")], 0.1: [float("nan")]}}
    ax: Any = accuracy_against_weight(accuracies, baseline=[0.7, 0.72], chosen={"RID": 1.0})
    assert ax.get_xscale() == "log"
    assert labels(ax) == ["no distillation", "chosen on validation", "a seed diverged", "RID", "VID"]
    means = ax.containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(means, [0.7, 0.85])
    crosses = [line for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())]
    np.testing.assert_allclose([line.get_ydata()[0] for line in crosses], [ax.get_ylim()[0], 0.6])


def test_what_cannot_be_drawn_against_a_weight_is_refused() -> None:
    for message, arguments in (
        ("accuracies must hold at least one method", ({},)),
        ("accuracies must hold at least one method", ({"RID": {}},)),
        ("every weight in accuracies", ({"RID": {0.0: [1.0]}},)),
        ("has no accuracy at weight 1", ({"RID": {1.0: []}},)),
    ):
        with pytest.raises(InputError, match=message):
            accuracy_against_weight(*arguments)
    with pytest.raises(InputError, match="chosen holds 'RID' at 2"):
        accuracy_against_weight({"RID": {1.0: [1.0]}}, chosen={"RID": 2.0})


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


def test_figures_are_saved_whole(tmp_path: Path) -> None:
    save_figure(atoms_over_epochs(run(record(0.0), record(2.0))), tmp_path / "atoms.svg")
    assert (tmp_path / "atoms.svg").read_text().startswith("<?xml")
