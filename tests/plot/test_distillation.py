"""Atoms over epochs and accuracies against weights: what is drawn, and what cannot be drawn is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pidkit.errors import InputError
from pidkit.plot import accuracy_against_weight, atoms_over_epochs, save_figure
from tests.plot.atom_runs import decoded_record, record, run


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


def test_intervals_of_decoded_atoms_are_bands_around_their_lines() -> None:
    ax: Any = atoms_over_epochs(run(decoded_record(4.0), decoded_record(0.0), phases=()), atoms=["redundancy"])
    assert labels(ax) == ["redundancy", "95 % interval", "H(Y)"]
    drawn = ax.collections[0].get_paths()[0].vertices
    for epoch, low, high in ((0.0, -0.1, 0.1), (4.0, 0.3, 0.5)):  # .1 on both sides of .1 an epoch
        at = drawn[drawn[:, 0] == epoch, 1]
        assert (at.min(), at.max()) == pytest.approx((low, high))
    both = run(decoded_record(4.0), record(0.0, layer="fc"), phases=())
    assert "95 % interval" not in labels(atoms_over_epochs(both, pair=("fc", "fc")))
    assert "labels shuffled, 95 %" not in labels(atoms_over_epochs(both, pair=("conv", "conv")))


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


def test_bars_and_band_are_deviations_of_the_sample_and_a_single_seed_has_none() -> None:
    accuracies = {"RID": {0.1: [0.7, 0.8, 0.9], 1.0: [0.5, float("nan"), 0.7], 10.0: [0.6]}}
    ax: Any = accuracy_against_weight(accuracies, baseline=[0.7, 0.72])
    bars = [np.array(bar)[:, 1] for bar in ax.containers[0].lines[2][0].get_segments() if len(bar)]
    # By hand: sqrt((.01 + 0 + .01) / 2) = .1, sqrt((.01 + .01) / 1) = sqrt(.02), and none of one seed.
    np.testing.assert_allclose([np.ptp(bar) / 2.0 for bar in bars], [0.1, 0.02**0.5], rtol=1e-12)
    (band,) = ax.patches
    low, high = band.get_y(), band.get_y() + band.get_height()
    np.testing.assert_allclose([low, high], 0.71 + 0.01 * 2**0.5 * np.array([-1.0, 1.0]), rtol=1e-12)
    assert not accuracy_against_weight(accuracies, baseline=[0.7]).patches


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


def test_figures_are_saved_whole(tmp_path: Path) -> None:
    save_figure(atoms_over_epochs(run(record(0.0), record(2.0))), tmp_path / "atoms.svg")
    assert (tmp_path / "atoms.svg").read_text().startswith("<?xml")
