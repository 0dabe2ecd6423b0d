"""Atoms along an index of a table: lines, intervals, and markers that say what is chance."""

from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PIDTable
from pidkit.plot import plot_atom_map, plot_atoms_along
from tests.representations.table.layers import compared


@pytest.fixture(scope="module")
def one_pair() -> PIDTable:
    return compared().select(x1="late", student="distilled")


def test_lines_go_through_the_atoms_that_were_computed(one_pair: PIDTable) -> None:
    ax = plot_atoms_along(one_pair, along="epoch", sources=("teacher", "student"))
    drawn = {line.get_label(): line for line in ax.lines if not str(line.get_label()).startswith("_")}
    assert {"redundancy", "teacher only", "student only"} <= set(drawn)
    assert "synergy" not in drawn
    values = [one.result.redundancy for one in one_pair.pairs]
    np.testing.assert_array_equal(np.asarray(drawn["redundancy"].get_ydata()), values)
    assert ax.get_xlabel() == "epoch"


def test_open_markers_are_atoms_that_are_not_told_from_zero(one_pair: PIDTable) -> None:
    ax = plot_atoms_along(one_pair, along="epoch", atoms=("unique_2",))
    points = [line for line in ax.lines if line.get_marker() == "D" and len(np.asarray(line.get_xdata())) == 1]
    filled = [line.get_markerfacecolor() != "white" for line in points]
    assert filled == [one.result.is_above_chance("unique_2") for one in one_pair.pairs]


def test_names_are_spaced_evenly() -> None:
    ax = plot_atoms_along(compared().select(x1="late", epoch=4), along="student")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["alone", "distilled"]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (lambda: compared(), {"along": "epoch"}, "table has several pairs at one epoch"),
        (lambda: compared(), {}, "along must be 'student' or 'epoch', not None"),
        (lambda: compared().select(x1="late", epoch=4), {"along": "student", "atoms": ["synergy"]}, "has no synergy"),
        (lambda: [1], {}, "table must be what pid_table returns, not list"),
    ],
)
def test_what_cannot_be_drawn_is_named(table: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_atoms_along(table(), **options)


def test_a_map_takes_a_table_and_marks_what_is_chance() -> None:
    part = compared().select(student="alone", epoch=1)
    ax = plot_atom_map(part, atom="unique_1")
    results = [one.result for one in part.pairs]
    for text, result in zip(ax.texts, results, strict=True):
        shown = f"{result.unique_1:z.2f}"
        assert text.get_text() == (shown if result.is_above_chance("unique_1") else f"({shown})")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["early", "late"]
    with pytest.raises(InputError, match="has no synergy: pass synergy=True where it is measured"):
        plot_atom_map(part, atom="synergy")
    with pytest.raises(InputError, match="a map shows one"):
        plot_atom_map(compared())
