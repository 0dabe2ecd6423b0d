"""The information plane's figure: points, lines and guides are where the numbers are; what is unclear is refused."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from pidkit import InputError
from pidkit.plot import information_plane, save_figure
from pidkit.records import PlanePoint, PlaneTrajectory


def pair(
    network: str, step: float, layer: str, x: float, y: float, estimator: str = "decoder", **more: Any
) -> list[PlanePoint]:
    about_labels = {"null": more.pop("null", None)}
    return [
        PlanePoint(network, step, layer, "mi_input", estimator, x, **more),
        PlanePoint(network, step, layer, "mi_label", estimator, y, **{**more, **about_labels, "saturated": False}),
    ]


def trajectory(*pairs: list[PlanePoint]) -> PlaneTrajectory:
    points = tuple(point for both in pairs for point in both)
    return PlaneTrajectory(points, "bits", entropy_y=2.0, n_samples=256, provenance={})


ONE = trajectory(
    *(
        pair("net", step, layer, 5.0 - k - 0.1 * step, 1.0 + 0.1 * step, stderr=0.1, null=0.02)
        for step in (0, 1, 4)
        for k, layer in enumerate(("conv", "fc"))
    )
)
TWO = trajectory(
    *(
        pair(name, step, layer, 3.0 + step, 0.5 * step)
        for name, layer in (("teacher", "block3"), ("teacher", "fc"), ("student", "out"))
        for step in (2, 0, 1)
    )
)


def markers_of(ax: Any) -> list[Any]:
    return [c for c in ax.collections if isinstance(c, PathCollection) and len(np.asarray(c.get_offsets()))]


def legend_of(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line_at(ax: Any, label: str) -> Any:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def test_every_layer_and_step_is_a_marker_coloured_by_step_and_layers_are_joined() -> None:
    ax: Any = information_plane(ONE)
    conv, fc = markers_of(ax)
    np.testing.assert_allclose(conv.get_offsets(), [[5.0, 1.0], [4.9, 1.1], [4.6, 1.4]])
    np.testing.assert_allclose(fc.get_offsets()[:, 0], [4.0, 3.9, 3.6])
    np.testing.assert_array_equal(conv.get_array(), [0, 1, 4])
    joined = [
        line for line in ax.lines if len(line.get_xdata()) == 2 and not line.get_label().startswith(("H", "s", "l"))
    ]
    np.testing.assert_allclose(joined[1].get_xdata(), [4.9, 3.9])
    assert legend_of(ax) == ["conv", "fc", "H(Y)", "shuffled labels"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("I(X;F) (bits)", "I(F;Y) (bits)")
    assert conv.colorbar is None
    assert fc.colorbar.ax.get_ylabel() == "epoch"


def test_errors_reach_one_standard_error_to_both_sides() -> None:
    ax: Any = information_plane(ONE, layers=["fc"])
    bars = [segment for c in ax.containers for lines in c.lines[2] for segment in lines.get_segments()]
    assert len(bars) == 6
    assert {round(float(np.ptp(bar, axis=0).max()), 9) for bar in bars} == {0.2}
    assert not information_plane(ONE, error_bars=False).containers


def test_log_spaced_steps_have_logarithmic_colours_and_named_ticks() -> None:
    run = trajectory(*(pair("net", step, "fc", 1.0 + step, 1.0) for step in (0, 1, 2, 5, 10, 20, 50, 100, 200)))
    ax: Any = information_plane(run, step_name="batch")
    (points,) = markers_of(ax)
    assert isinstance(points.norm, SymLogNorm)
    ticks = [tick.get_text() for tick in points.colorbar.ax.get_yticklabels()]
    assert ticks[0] == "0"
    assert ticks[-1] == "200"
    assert points.colorbar.ax.get_ylabel() == "batch"
    assert len(ticks) == 7


def test_one_step_alone_is_drawn() -> None:
    (points,) = markers_of(information_plane(ONE.select(step=0.0), layers=["fc"]))
    assert len(points.get_offsets()) == 1


def test_networks_are_trajectories_in_order_of_steps_from_hollow_to_full() -> None:
    ax: Any = information_plane(TWO, kind="networks", layers={"teacher": "block3"})
    assert legend_of(ax) == ["teacher, block3", "student, out", "first epoch", "H(Y)"]
    for label in ("teacher, block3", "student, out"):
        line = line_at(ax, label)
        np.testing.assert_array_equal(line.get_xdata(), [3.0, 4.0, 5.0])
        np.testing.assert_array_equal(line.get_ydata(), [0.0, 0.5, 1.0])
    ends = [line for line in ax.lines if line.get_markersize() == 9]
    assert [float(line.get_xdata()[0]) for line in ends] == [3.0, 5.0] * 2
    assert ends[0].get_markerfacecolor() == "white"
    assert len({line_at(ax, label).get_linestyle() for label in legend_of(ax)[:2]}) == 2
    assert legend_of(information_plane(TWO, kind="networks"))[0] == "teacher, fc"
    assert legend_of(information_plane(TWO, kind="networks", networks=["student"]))[0] == "student, out"


def test_guides_are_at_h_y_log_n_and_the_null() -> None:
    plugin = trajectory(pair("net", 0, "fc", 7.9, 1.5, "binned", kind="plugin", null=0.4, saturated=True))
    ax: Any = information_plane(plugin)
    np.testing.assert_array_equal(line_at(ax, "H(Y)").get_ydata(), [2.0, 2.0])
    np.testing.assert_array_equal(line_at(ax, "log n").get_xdata(), [8.0, 8.0])
    np.testing.assert_array_equal(line_at(ax, "shuffled labels").get_ydata(), [0.4, 0.4])
    assert ax.get_ylim()[1] >= 2.1
    assert "log n" not in legend_of(information_plane(ONE))
    assert legend_of(information_plane(plugin, guides=False)) == ["fc", "at the estimator's cap"]


def test_saturated_points_alone_are_crossed_out() -> None:
    run = trajectory(pair("net", 0, "fc", 7.9, 1.5, saturated=True), pair("net", 1, "fc", 3.0, 1.5))
    crosses = markers_of(information_plane(run))[-1]
    assert crosses.get_label() == "at the estimator's cap"
    np.testing.assert_array_equal(crosses.get_offsets(), [[7.9, 1.5]])


def test_one_of_several_estimators_is_drawn() -> None:
    both = trajectory(pair("net", 0, "fc", 1.0, 1.0), pair("net", 0, "fc", 2.0, 1.0, "ksg"))
    (points,) = markers_of(information_plane(both, estimator="ksg"))
    np.testing.assert_array_equal(points.get_offsets(), [[2.0, 1.0]])


ATOMS_ALONE = PlaneTrajectory((PlanePoint("a & b", 0, "x & y", "synergy", "broja", 0.1),), "bits", 1.0, 10, {})


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: information_plane(ONE, kind="epochs"), "kind must be 'steps' or 'networks', not 'epochs'"),  # type: ignore[arg-type]
        (lambda: information_plane(3.0), "trajectory must be a PlaneTrajectory, not float"),  # type: ignore[arg-type]
        (lambda: information_plane(TWO), "networks must be one for kind='steps', not teacher, student; or use"),
        (lambda: information_plane(ONE, networks=["x"]), "networks holds 'x', which has no points; there are 'net'"),
        (lambda: information_plane(ONE, layers=["x"]), "layers holds 'x', which has no points; there are 'conv', 'fc'"),
        (lambda: information_plane(ONE, layers={"net": "fc"}), "layers must be a sequence of names for kind='steps'"),
        (
            lambda: information_plane(TWO, kind="networks", layers=["fc"]),
            "layers must be a dict of one layer a network",
        ),
        (
            lambda: information_plane(TWO, kind="networks", layers={"student": "fc"}),
            "layers holds 'fc', which has no points in 'student'; there are 'out'",
        ),
        (lambda: information_plane(ONE, estimator="ksg"), "estimator must be 'decoder', not 'ksg'"),
        (
            lambda: information_plane(trajectory(pair("n", 0, "f", 1, 1), pair("n", 0, "f", 1, 1, "ksg"))),
            "estimator must say which of 'decoder', 'ksg' to draw",
        ),
        (lambda: information_plane(ATOMS_ALONE), "holds no layer with both .* nothing to draw"),
    ],
)
def test_refusals(draw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw()


@pytest.mark.parametrize("kind", ["steps", "networks"])
def test_given_axes_are_drawn_on_and_settings_left_alone(kind: str, tmp_path: Any) -> None:
    before = dict(mpl.rcParams)
    given = Figure(layout="constrained").subplots(1, 2)[1]
    assert information_plane(ONE, kind=kind, ax=given) is given  # type: ignore[arg-type]
    assert information_plane(ONE, kind=kind) is not given  # type: ignore[arg-type]
    assert dict(mpl.rcParams) == before
    save_figure(given, tmp_path / "plane.png")
    assert (tmp_path / "plane.png").stat().st_size > 5000
