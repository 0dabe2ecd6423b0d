"""Where the bits went: bars that add up to H(Y), parts that carry their numbers, and what is refused."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from pidkit import InputError, PidkitWarning, RepresentationPID, bivariate_pid, estimate_pid, gate, representation_pid
from pidkit.pid import ATOMS
from pidkit.plot import plot_atoms, plot_atoms_over, plot_budget


@pytest.fixture(scope="module")
def decoded() -> RepresentationPID:
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=400)
    x1, x2 = y[:, None] + 0.5 * rng.normal(size=(400, 2)), (y % 2)[:, None] + 0.5 * rng.normal(size=(400, 2))
    with warnings.catch_warnings(category=PidkitWarning, action="ignore"):
        return representation_pid(labels=y, x1=x1, x2=x2, n_null=4)


def test_the_parts_add_up_to_the_entropy_of_the_label(decoded: RepresentationPID) -> None:
    ax: Any = plot_budget(decoded, sources=("teacher", "student"))
    *parts, sample, codes, unlearned, unread = ax.patches
    assert sum(part.get_width() for part in parts) == pytest.approx(decoded.entropy_y, abs=0.01)
    widths = [high - low for low, high in (decoded.interval[name] for name in ATOMS)]
    assert sample.get_width() == pytest.approx(max(widths))
    assert codes.get_width() == pytest.approx(max(decoded.redundancy - decoded.coded_redundancy, 0.0))
    limit = decoded.at_limit["mi_joint"]
    assert unlearned.get_width() == pytest.approx(limit - decoded.mi_joint)
    assert unread.get_width() == pytest.approx(decoded.entropy_y - limit)
    assert sum(decoded.budget().values()) == pytest.approx(decoded.entropy_y, abs=1e-12)
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown[0] == f"redundancy ({decoded.redundancy:.2f})"
    assert shown[-2] == f"not learned from so few rows ({limit - decoded.mi_joint:.2f})"
    assert shown[-1].startswith("read by no decoder (")
    assert ax.get_xlabel() == "bits"
    assert plot_budget(decoded.to("nats")).get_xlabel() == "nats"


def test_what_has_no_budget_is_refused() -> None:
    with pytest.raises(InputError, match=r"^result must be what representation_pid returns without quantiser, not PID"):
        plot_budget(bivariate_pid(gate("AND").joint))  # type: ignore[arg-type]


def test_bars_carry_their_intervals_and_brackets(decoded: RepresentationPID) -> None:
    ax: Any = plot_atoms(decoded)
    atoms, bands, nulls = ax.patches[:4], ax.patches[4:7], ax.patches[7:]
    assert [bar.get_height() for bar in atoms] == pytest.approx([decoded.atoms[name] for name in ATOMS])
    assert [band.get_height() for band in bands] == pytest.approx(
        [b - a for a, b in decoded.bracket.values()], abs=1e-9
    )
    (lines,) = [one for one in ax.collections if isinstance(one, LineCollection)]
    for name, segment in zip(ATOMS, lines.get_segments(), strict=True):
        assert tuple(segment[:, 1]) == pytest.approx(decoded.interval[name])
    assert [text.get_text() for text in ax.get_legend().get_texts()].count("bracket of the codes") == 1
    assert decoded.null is not None
    for null, band in zip(decoded.null.values(), nulls, strict=True):
        assert band.get_height() == pytest.approx(null.high - null.low)
    (plug_in,) = [line for line in ax.lines if line.get_label() == "plug-in of the codes"]
    assert list(plug_in.get_ydata()) == [decoded.plug_in[name] for name in decoded.null]


def test_atoms_of_nothing_are_not_blown_up(decoded: RepresentationPID) -> None:
    tiny: dict[str, Any] = {
        "redundancy": 1e-4,
        "unique_1": 1e-4,
        "unique_2": 1e-4,
        "synergy": 1e-4,
        "bracket": {},
        "interval": dict.fromkeys(decoded.interval, (-1e-3, 1e-3)),
    }
    ax = plot_atoms(dataclasses.replace(decoded, **tiny))
    assert ax.get_ylim()[1] > 0.04 * decoded.entropy_y
    # H(Y) is a mark there: a line would leave the picture empty.
    assert not any(line.get_label() == "H(Y)" for line in ax.lines)
    assert any(text.get_text().startswith("H(Y) = ") for text in ax.texts)


def test_estimates_stack(decoded: RepresentationPID) -> None:
    x1, x2 = np.random.default_rng(0).integers(2, size=(2, 200))
    discrete = estimate_pid(y=x1 ^ x2, x1=x1, x2=x2)
    ax = plot_atoms_over([decoded, discrete], x=["layers", "symbols"], kind="bars")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["layers", "symbols"]
