"""Students side by side: bars and intervals above, paired differences below, and what cannot be compared."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest

from pidkit import InputError, PidkitWarning, RepresentationPID, bivariate_pid, gate, paired_differences
from pidkit import representation_pid as measured
from pidkit.pid import ATOMS
from pidkit.plot import STYLE, plot_atoms_beside

NAMES = ("alone", "distilled", "a student with a long name")


@pytest.fixture(scope="module")
def students() -> dict[str, RepresentationPID]:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    teacher = labels[:, None] + 0.5 * rng.normal(size=(200, 2))
    layers = [teacher + noise * rng.normal(size=(200, 2)) for noise in (0.2, 0.5, 1.0)]
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        found = [measured(labels=labels, x1=teacher, x2=layer, decoder="knn") for layer in layers]
    return dict(zip(NAMES, found, strict=True))


def test_every_atom_of_every_student_has_its_bar_and_interval(students: dict[str, RepresentationPID]) -> None:
    ax: Any = plot_atoms_beside(students, sources=("teacher", "student"))
    expected = [result.atoms[name] for name in ATOMS for result in students.values()]
    assert [bar.get_height() for bar in ax.patches] == expected
    intervals = [one.get_segments() for one in ax.collections if len(one.get_segments()) == 4]
    for segments, result in zip(intervals, students.values(), strict=True):
        for name, segment in zip(ATOMS, segments, strict=True):
            assert tuple(segment[:, 1]) == pytest.approx(result.interval[name])
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [
        "95 % interval",
        "synergy",
        "student only",
        "teacher only",
        "redundancy",
        "H(Y)",
        "held-out value",
    ]
    held_out = [line.get_ydata() for line in ax.lines if line.get_marker() == "D"]
    for column, result in zip(held_out, students.values(), strict=True):
        assert list(column) == [result.held_out[name] for name in ATOMS]
    assert ax.get_ylabel() == "information about Y (bits)"
    shown = {round(float(text.get_text()), 2) for text in ax.texts}
    assert shown == {round(value, 2) + 0.0 for value in expected}


def test_the_lower_panel_has_the_paired_differences_to_the_first(students: dict[str, RepresentationPID]) -> None:
    upper: Any = plot_atoms_beside({name: result.to("nats") for name, result in students.items()})
    lower = upper.figure.axes[1]
    first, *others = (result.to("nats") for result in students.values())
    differences = [paired_differences(other, first) for other in others]
    points = {
        (round(float(line.get_xdata()[0]), 6), line.get_markerfacecolor()): float(line.get_ydata()[0])
        for line in lower.lines
        if len(line.get_xdata()) == 1
    }
    places = [bar.get_x() + bar.get_width() / 2 for bar in upper.patches]
    for number, name in enumerate(ATOMS):
        at = [round(place, 6) for place in places[number * 3 : number * 3 + 3]]
        assert points[at[0], "white"] == 0.0
        for place, found in zip(at[1:], differences, strict=True):
            assert points[place, STYLE[name]["facecolor"]] == found.difference[name]
    for segments, found in zip((one.get_segments() for one in lower.collections), differences, strict=True):
        for name, segment in zip(ATOMS, segments, strict=True):
            assert tuple(segment[:, 1]) == pytest.approx(found.interval[name])
    assert lower.get_ylabel() == "difference from alone (nats)"
    assert [tick.get_text() for tick in lower.get_xticklabels()] == list(NAMES) * 4
    assert {text.get_text()[0] for text in lower.texts} == {"p"}
    assert len(lower.texts) == 8


def test_what_cannot_be_compared_is_refused(students: dict[str, RepresentationPID]) -> None:
    first = students["alone"]
    table: Any = bivariate_pid(gate("AND").joint)
    for results, message in (
        ({"alone": first}, "results must be at least two students, not 1; plot_atoms draws one"),
        ({"alone": first, "table": table}, "first must be what representation_pid returns .*, not PIDResult"),
        ({"alone": first, "nats": first.to("nats")}, "first is in nats and second in bits"),
    ):
        with pytest.raises(InputError, match=message):
            plot_atoms_beside(results)


def test_no_number_meets_a_line_or_the_frame(students: dict[str, RepresentationPID]) -> None:
    """The values above tall bars were struck through by the line of H(Y), and by the frame of the panel."""
    near = {}
    for name, high in zip(NAMES, (0.93, 0.98, 1.04), strict=True):  # H(Y) is one bit
        interval = {**students[name].interval, "redundancy": (0.8, high)}
        near[name] = dataclasses.replace(students[name], redundancy=0.9, interval=interval)
    tall: Any = plot_atoms_beside(near)
    figure: Any = tall.figure
    figure.canvas.draw()
    upper, lower = figure.axes
    for panel, lines in ((upper, (0.0, students["alone"].entropy_y)), (lower, (0.0,))):
        frame = panel.get_window_extent()
        for text in panel.texts:
            box = text.get_window_extent()
            assert frame.y0 < box.y0
            assert box.y1 < frame.y1
            for line in lines:
                at = panel.transData.transform((0.0, line))[1]
                assert not box.y0 < at < box.y1, (text.get_text(), line)
