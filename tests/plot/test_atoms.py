"""Figures: the artists hold the results' numbers, labels and units; what cannot be drawn honestly is refused."""

import dataclasses
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from scipy.stats import norm

from pidkit import InputError, RepresentationCodes, bivariate_pid, coded_pid, gate
from pidkit.pid import ATOMS, PIDResult
from pidkit.plot import PICTURE_FORMATS, STYLE, plot_atom_map, plot_atoms, plot_atoms_over, save_figure

NAMES = ("teacher", "student")
AND, XOR, COPY = (bivariate_pid(gate(name).joint) for name in ("AND", "XOR", "COPY"))


def with_atoms(result: PIDResult = AND, **atoms: float) -> PIDResult:
    """Return a result with other atoms, as no solver would."""
    return dataclasses.replace(result, **atoms)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def measured() -> Any:
    """Two representations of four classes with everything that can be asked for."""
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=400)
    x1, x2 = y[:, None] + 0.5 * rng.normal(size=(400, 2)), (y % 2)[:, None] + 0.5 * rng.normal(size=(400, 2))
    return coded_pid(
        labels=y, x1=x1, x2=x2, quantiser=RepresentationCodes(n_codes=4), bias="extrapolation", n_null=8, n_bootstrap=8
    )


def legend_of(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def values_of(result: Any) -> list[float]:
    return [getattr(result, name) for name in ATOMS]


def line_at(ax: Any, label: str) -> Any:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


# The atoms of one result


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_bars_are_the_atoms_and_carry_names_values_and_unit(unit: str) -> None:
    result = COPY.to(unit)
    ax: Any = plot_atoms(result, sources=NAMES)
    assert [bar.get_height() for bar in ax.patches] == values_of(result)
    assert ax.get_ylabel() == f"information about Y ({unit})"
    expected = ["redundancy", "teacher\nonly", "student\nonly", "synergy"]
    shown = [f"{value:z.3f}\n{name}" for value, name in zip(values_of(result), expected, strict=True)]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == shown
    assert ax.get_legend() is None


def test_a_negative_atom_hangs_below_a_zero_line() -> None:
    ax: Any = plot_atoms(with_atoms(unique_1=-0.25))
    assert [bar.get_height() for bar in ax.patches][1] == -0.25
    assert any(np.array_equal(line.get_ydata(), [0.0, 0.0]) for line in ax.lines)
    assert ax.get_ylim()[0] < -0.25


def test_the_worth_of_measured_atoms_is_drawn_beside_them(measured: Any) -> None:
    ax: Any = plot_atoms(measured)
    (spread,) = [one for one in ax.containers if one.get_label() == "± bootstrap s.d."]
    segments = spread.lines[2][0].get_segments()
    stds = [measured.bootstrap[name].std for name in ATOMS]
    np.testing.assert_allclose([np.ptp(segment[:, 1]) / 2 for segment in segments], stds)
    np.testing.assert_allclose([segment[:, 1].mean() for segment in segments], values_of(measured))
    for name, band in zip(ATOMS, ax.patches[4:], strict=True):
        assert band.get_facecolor() == mpl.colors.to_rgba(STYLE[name]["facecolor"])
        ends = band.get_y(), band.get_y() + band.get_height()
        assert ends == pytest.approx((measured.null[name].low, measured.null[name].high))
    assert "shuffled labels, 73 %" in legend_of(ax)  # .95 (n - 1) / (n + 1) for n = 8
    corrected = line_at(ax, "corrected (extrapolation)")
    np.testing.assert_allclose(corrected.get_ydata(), [measured.corrected[name] for name in ATOMS])
    np.testing.assert_allclose(line_at(ax, "H(Y)").get_ydata(), measured.entropy_y)
    assert len(legend_of(ax)) == 4


@pytest.mark.parametrize("n_null", [3, 19, 100])
def test_the_band_of_a_null_holds_the_share_that_the_legend_says(measured: Any, n_null: int) -> None:
    """Of normal replicates, the share of the null between their outer quantiles, averaged over many nulls."""
    rng = np.random.default_rng(n_null)
    ends = np.quantile(rng.normal(size=(4000, n_null)), [0.025, 0.975], axis=1)
    low, high = norm.cdf(ends)
    provenance = {**measured.provenance, "n_null": n_null}
    ax = plot_atoms(dataclasses.replace(measured, provenance=provenance))
    (said,) = [text for text in legend_of(ax) if "%" in text]
    share = float(said.removeprefix("shuffled labels, ").removesuffix(" %")) / 100.0
    assert (high - low).mean() == pytest.approx(share, abs=0.025)


def test_nothing_is_said_of_what_was_not_measured(measured: Any) -> None:
    plain = dataclasses.replace(measured, corrected=None, null=None, bootstrap=None)
    assert legend_of(plot_atoms(plain)) == ["H(Y)"]


# Atoms over epochs, layers, methods


def tops_of(ax: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Return the upper edges of stacked areas by label."""
    edges = {}
    for area in ax.collections:
        assert isinstance(area, PolyCollection)
        (path,) = area.get_paths()
        x, y = path.vertices.T
        edges[str(area.get_label())] = np.array([y[x == place].max() for place in np.unique(x)])
    return edges


def test_areas_stack_the_atoms_to_the_joint_information_and_to_scale() -> None:
    results, epochs = [AND, COPY, XOR], [0, 1, 10]
    ax: Any = plot_atoms_over(results, x=epochs, xlabel="epoch", sources=NAMES)
    tops = tops_of(ax)
    assert list(tops) == ["redundancy", "teacher only", "student only", "synergy"]
    np.testing.assert_allclose(tops["redundancy"], [r.redundancy for r in results], atol=1e-9)
    np.testing.assert_allclose(tops["teacher only"], [r.mi_1 for r in results], atol=1e-9)
    np.testing.assert_allclose(tops["synergy"], [r.mi_joint for r in results], atol=1e-9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "information about Y (bits)")
    assert ax.get_xlim() == (0.0, 10.0)
    assert ax.get_ylim()[0] == 0.0
    assert legend_of(ax) == ["synergy", "student only", "teacher only", "redundancy"]


def test_areas_over_names_are_spaced_evenly() -> None:
    ax: Any = plot_atoms_over([AND, XOR, AND], x=["conv1", "conv2", "fc"], xlabel="layer")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["conv1", "conv2", "fc"]
    assert ax.get_xlim() == (0.0, 2.0)


def test_bars_stack_positive_atoms_up_and_negative_ones_down() -> None:
    results = [with_atoms(redundancy=0.5, unique_1=-0.2, unique_2=0.1, synergy=0.3), AND]
    ax: Any = plot_atoms_over(results, x=["KD", "RID"], kind="bars", xlabel="method")
    first = [(bar.get_y(), bar.get_height()) for bar in ax.patches[::2]]
    np.testing.assert_allclose(first, [(0.0, 0.5), (0.0, -0.2), (0.5, 0.1), (0.6, 0.3)])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["KD", "RID"]


def test_synergy_can_be_left_out() -> None:
    ax: Any = plot_atoms_over([AND, XOR], kind="bars", atoms=("redundancy", "unique_1", "unique_2"))
    assert len(ax.patches) == 6
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1"]
    assert legend_of(ax) == ["x2 only", "x1 only", "redundancy"]


def test_areas_draw_negatives_within_the_gap_as_zero_and_refuse_others() -> None:
    gap = AND.report.gap
    tops = tops_of(plot_atoms_over([AND, with_atoms(unique_1=-gap)]))
    assert tops["x1 only"][1] == tops["redundancy"][1]
    with pytest.raises(InputError, match=r"results\[1\] has unique_1 = -0.25 bits, below .* use kind='bars'"):
        plot_atoms_over([AND, with_atoms(unique_1=-0.25)])


def test_entropy_is_drawn_where_all_results_agree_on_it(measured: Any) -> None:
    ax: Any = plot_atoms_over([measured, measured])
    assert "H(Y)" in legend_of(ax)
    assert ax.get_ylim()[1] >= 1.05 * measured.entropy_y
    other = dataclasses.replace(measured, entropy_y=1.0)
    assert "H(Y)" not in legend_of(plot_atoms_over([measured, other]))
    assert "H(Y)" not in legend_of(plot_atoms_over([measured, AND]))


def test_many_long_names_are_slanted() -> None:
    ax: Any = plot_atoms_over([AND] * 6, x=[f"backbone.layer{k}" for k in range(6)], kind="bars")
    assert {tick.get_rotation() for tick in ax.get_xticklabels()} == {45.0}


# Layers by layers


def test_the_map_holds_writes_and_names_every_value() -> None:
    results = [[AND, XOR, COPY], [COPY, AND, XOR]]
    ax: Any = plot_atom_map(
        results, atom="unique_1", x1_names=["conv", "fc"], x2_names=["a", "b", "c"], sources=("teacher", "student")
    )
    expected = [[result.unique_1 for result in row] for row in results]
    np.testing.assert_array_equal(ax.images[0].get_array(), expected)
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(j, i): f"{expected[i][j]:z.2f}" for i in range(2) for j in range(3)}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["conv", "fc"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("student", "teacher")
    bar = ax.images[0].colorbar
    assert bar is not None
    assert bar.ax.get_ylabel() == "teacher only (bits)"


def test_a_map_of_rounding_errors_is_of_one_colour() -> None:
    image = plot_atom_map([[AND, with_atoms(unique_1=-1e-10)]], atom="unique_1").images[0]
    assert image.get_clim()[1] == 0.01
    assert np.ptp(np.asarray(image.norm(np.asarray(image.get_array())))) < 1e-6


def test_numbers_in_cells_stand_out_from_their_cell() -> None:
    low, high = plot_atom_map([[with_atoms(redundancy=0.0), with_atoms(redundancy=1.0)]]).texts
    assert (low.get_color(), high.get_color()) == ("white", "black")


# What is refused


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_atoms(0.5), r"result\[0\] must be what bivariate_pid, .* returns, not float"),  # type: ignore[arg-type]
        (lambda: plot_atoms(with_atoms(synergy=float("nan"))), "has an atom that is NaN or infinite"),
        (lambda: plot_atoms(AND, sources="ab"), "sources must be a sequence, not 'ab'; pass two names"),  # type: ignore[arg-type]
        (lambda: plot_atoms(AND, sources=("a", "b", "c")), "sources must be the two names"),  # type: ignore[arg-type]
        (lambda: plot_atoms_over(AND), "results must be a sequence of results, not PIDResult; put one into a list"),  # type: ignore[arg-type]
        (lambda: plot_atoms_over([]), "results must be at least one result, all in one unit, but there is none"),
        (lambda: plot_atoms_over([AND, XOR.to("nats")]), r"not bits and nats; convert with .to\('bits'\)"),
        (lambda: plot_atoms_over([AND, 1.0]), r"results\[1\] must be what bivariate_pid"),  # type: ignore[list-item]
        (lambda: plot_atoms_over([AND]), "kind='area' needs at least two results, not 1; use kind='bars'"),
        (lambda: plot_atoms_over([AND, XOR], kind="pie"), "kind must be 'area' or 'bars', not 'pie'"),  # type: ignore[arg-type]
        (lambda: plot_atoms_over([AND, XOR], atoms=["unique"]), "atoms must be one of 'redundancy', .*, not 'unique'"),  # type: ignore[list-item]
        (lambda: plot_atoms_over([AND, XOR], x=[1, 1]), "x must be 2 increasing numbers, or strings"),
        (lambda: plot_atoms_over([AND, XOR], x=[1.0]), "x must be 2 increasing numbers, or strings"),
        (lambda: plot_atoms_over([AND, XOR], x=["a"]), "x must have one entry each: 2, not 1"),
        (lambda: plot_atom_map([AND, XOR]), "results must be rows of results"),  # type: ignore[list-item]
        (lambda: plot_atom_map([[AND], [AND, XOR]]), r"rows of one length, at least one; they have \[1, 2\]"),
        (lambda: plot_atom_map([]), "rows of one length, at least one"),
        (lambda: plot_atom_map([[]]), "rows of one length, at least one"),
        (lambda: plot_atom_map([[AND]], atom="mi_1"), "atom must be one of 'redundancy', .*, not 'mi_1'"),  # type: ignore[arg-type]
        (lambda: plot_atom_map([[AND]], x1_names=["a", "b"]), "x1_names must have one entry each: 1, not 2"),
        (lambda: plot_atom_map([[AND]], x2_names=[]), "x2_names must have one entry each: 1, not 0"),
        (lambda: plot_atom_map([[AND, XOR.to("nats")]]), "not bits and nats"),
        (lambda: save_figure(plot_atoms(AND), "atoms.doc"), "name must end in .png, .pdf, .svg, not 'atoms.doc'"),
    ],
)
def test_refusals(draw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw()


# Good manners


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_atoms(AND, ax=ax),
        lambda ax: plot_atoms_over([AND, XOR], ax=ax),
        lambda ax: plot_atom_map([[AND, XOR]], ax=ax),
    ],
)
def test_given_axes_are_drawn_on_and_settings_left_alone(draw: Any) -> None:
    before = dict(mpl.rcParams)
    given = Figure(layout="constrained").subplots(1, 2)[1]
    assert draw(given) is given
    assert draw(None) is not given
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("suffix", PICTURE_FORMATS)
def test_pictures_are_written_whole(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"atoms{suffix}"
    save_figure(plot_atoms(AND), path)
    assert path.read_bytes().startswith({".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix])
    assert list(tmp_path.iterdir()) == [path]


def test_pyplot_is_never_loaded() -> None:
    code = (
        "import sys, pidkit, pidkit.plot as p; r = pidkit.bivariate_pid(pidkit.gate('AND').joint); p.plot_atoms(r); "
        "p.plot_atoms_over([r, r]); p.plot_atom_map([[r]]); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_colours_run_from_dark_to_light() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = mpl.colors.to_rgb(colour)
        return 0.299 * red + 0.587 * green + 0.114 * blue

    steps: Sequence[float] = np.diff([lightness(STYLE[name]["facecolor"]) for name in ATOMS]).tolist()
    assert min(steps) > 0.15
    assert len({STYLE[name]["hatch"] for name in ATOMS}) == 4
