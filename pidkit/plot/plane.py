"""The information plane: I(F;Y) against I(X;F), as points coloured by step or as one trajectory a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm

from pidkit.arguments import flag, items_of, one_of
from pidkit.errors import InputError
from pidkit.plot.style import new_axes
from pidkit.records.plane_point import PLANE_QUANTITIES, PlanePoint
from pidkit.records.trajectory import PlaneTrajectory
from pidkit.types import FloatArray

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
"""Markers of layers or networks, in order; beyond twelve they begin again."""

NETWORK_COLOURS = ("#0072B2", "#E06A1B", "#009E73", "#CC79A7", "#56B4E9", "#7F5F00", "#000000")
"""Colours of networks, after Okabe and Ito, which most colour-blind readers tell apart."""

LINE_STYLES = ("-", "--", "-.", ":")
"""Line styles of networks, so that a print in grey can be read."""

LOGARITHMIC_FROM = 20.0
"""Ratio of the last step to the first above zero from which colours follow the logarithm of the step."""


PlaneKind = Literal["steps", "networks"]
"""What is joined by lines: the layers of a step, or the steps of a network."""


def information_plane(
    trajectory: PlaneTrajectory,
    *,
    kind: PlaneKind = "steps",
    networks: Sequence[str] | None = None,
    layers: Sequence[str] | Mapping[str, str] | None = None,
    estimator: str | None = None,
    step_name: str = "epoch",
    error_bars: bool = True,
    guides: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw I(F;Y) against I(X;F) over training.

    Both axes have standard errors where there are any. A cross marks points whose estimator has run into its cap: they
    say that the truth is not below. The guide lines are H(Y), the most that any layer can know of the label; log n,
    where plug-in values end, if there are any; and the mean of I(F;Y) under shuffled labels.

    Parameters
    ----------
    trajectory : PlaneTrajectory
    kind : str
        "steps": a marker for every layer and step, coloured by step, with thin lines that join the layers of a step
        (Shwartz-Ziv and Tishby, 2017). "networks": one trajectory a network (SFKD, Fig. 2), through time, from a hollow
        marker to a full one.
    networks : sequence of str, optional
        Which to draw; all that have points on the plane. kind="steps" tells layers apart, so it takes one.
    layers : sequence of str, or dict of str to str, optional
        Which to draw; for kind="networks" one layer of each network, by name; None takes the last one recorded.
    estimator : str, optional
        Whose points; needed where several were tracked.
    step_name : str
        What a step is.
    error_bars, guides : bool
    ax : matplotlib Axes, optional
        Legend and colour bar go to its right, for which a figure with layout="constrained" makes room.

    Raises
    ------
    InputError
        If there is nothing to draw, or an option is unknown or left open.

    Examples
    --------
    >>> def point(step, quantity, value):
    ...     return PlanePoint("student", step, "fc", quantity, "decoder", value)
    >>> points = [point(s, q, v) for s in (0, 1) for q, v in (("mi_input", 2.0 - s), ("mi_label", 0.5 * s))]
    >>> run = PlaneTrajectory(tuple(points), "bits", entropy_y=1.0, n_samples=100, provenance={})
    >>> ax = information_plane(run)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('I(X;F) (bits)', 'I(F;Y) (bits)')
    """
    one_of("kind", kind, get_args(PlaneKind))
    flag("error_bars", error_bars)
    flag("guides", guides)
    pairs = _pairs(trajectory, estimator)
    names = _selected(pairs, networks, "networks", 0)
    if kind == "steps" and len(names) > 1:
        raise InputError(f"networks must be one for kind='steps', not {', '.join(names)}; or use kind='networks'")
    drawn: list[tuple[PlanePoint, PlanePoint]] = []
    ax = new_axes(ax, 6.8, 4.4)
    if kind == "steps":
        if isinstance(layers, Mapping):
            raise InputError("layers must be a sequence of names for kind='steps', not a dict")
        one = [pair for pair in pairs if pair[0].network == names[0]]
        drawn = _draw_steps(ax, one, _selected(one, layers, "layers", 2), step_name, error_bars=error_bars)
    else:
        for number, (network, layer) in enumerate(_one_layer_each(pairs, names, layers).items()):
            mine = sorted((p for p in pairs if (p[0].network, p[0].layer) == (network, layer)), key=_step)
            _draw_network(ax, mine, number, f"{network}, {layer}", error_bars=error_bars)
            drawn += mine
        hollow: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "white", "markersize": 8}
        ax.plot([], [], marker="o", color="0.3", label=f"first {step_name}", **hollow)
    _mark_saturated(ax, drawn)
    if guides:
        _draw_guides(ax, trajectory, drawn)
    ax.set(xlabel=f"I(X;F) ({trajectory.unit})", ylabel=f"I(F;Y) ({trajectory.unit})")
    # Below the axes: the room to the right belongs to the colour bar.
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, borderaxespad=0.0, fontsize="small")
    return ax


Pair = tuple[PlanePoint, PlanePoint]
"""I(X;F) and I(F;Y) of one layer at one step."""


def _pairs(trajectory: PlaneTrajectory, estimator: str | None) -> list[Pair]:
    """Return the points of the plane: both quantities of one layer at one step by one estimator."""
    if not isinstance(trajectory, PlaneTrajectory):
        raise InputError(f"trajectory must be a PlaneTrajectory, not {type(trajectory).__name__}")
    on_plane = [point for point in trajectory.points if point.quantity in PLANE_QUANTITIES]
    names = list(dict.fromkeys(point.estimator for point in on_plane))
    if estimator is None and len(names) > 1:
        raise InputError(f"estimator must say which of {', '.join(map(repr, names))} to draw")
    if estimator is not None:
        one_of("estimator", estimator, names)
    by_layer: dict[tuple[str, float, str], dict[str, PlanePoint]] = {}
    for point in on_plane:
        if estimator in (None, point.estimator):
            by_layer.setdefault((point.network, point.step, point.layer), {})[point.quantity] = point
    pairs = [(both["mi_input"], both["mi_label"]) for both in by_layer.values() if len(both) == 2]
    if not pairs:
        raise InputError("trajectory holds no layer with both I(X;F) and I(F;Y): there is nothing to draw")
    return pairs


def _step(pair: Pair) -> float:
    return pair[0].step


def _selected(pairs: Sequence[Pair], names: Sequence[str] | None, name: str, position: int) -> list[str]:
    """Return the networks (`place` 0 of a key) or layers (2) asked for, all of them where none are."""
    known = list(dict.fromkeys(str(pair[0].key[position]) for pair in pairs))
    selected = known if names is None else [names] if isinstance(names, str) else list(items_of(name, names))
    for one in selected:
        if one not in known:
            raise InputError(f"{name} holds {one!r}, which has no points; there are {', '.join(map(repr, known))}")
    return selected


def _one_layer_each(
    pairs: Sequence[Pair], networks: Sequence[str], layers: Sequence[str] | Mapping[str, str] | None
) -> dict[str, str]:
    """Return the layer to draw of every network."""
    if layers is not None and not isinstance(layers, Mapping):
        raise InputError("layers must be a dict of one layer a network for kind='networks', such as {'student': 'fc'}")
    layer_of: dict[str, str] = {}
    for network in networks:
        known = list(dict.fromkeys(pair[0].layer for pair in pairs if pair[0].network == network))
        layer_of[network] = known[-1] if layers is None else layers.get(network, known[-1])
        if layer_of[network] not in known:
            listed = ", ".join(map(repr, known))
            raise InputError(
                f"layers holds {layer_of[network]!r}, which has no points in {network!r}; there are {listed}"
            )
    return layer_of


def _coordinates(pairs: Sequence[Pair]) -> tuple[FloatArray, FloatArray]:
    """Return the coordinates of points, I(X;F) and I(F;Y)."""
    return np.array([pair[0].value for pair in pairs]), np.array([pair[1].value for pair in pairs])


def _draw_errors(ax: Axes, pairs: Sequence[Pair], colours: Any) -> None:
    """Draw standard errors behind the markers."""
    x, y = _coordinates(pairs)
    errors = [[0.0 if point.stderr is None else point.stderr for point in axis] for axis in zip(*pairs, strict=True)]
    ax.errorbar(x, y, yerr=errors[1], xerr=errors[0], fmt="none", ecolor=colours, elinewidth=0.8, alpha=0.5, zorder=2)


def _draw_steps(
    ax: Axes, pairs: Sequence[Pair], layers: Sequence[str], step_name: str, *, error_bars: bool
) -> list[Pair]:
    """Draw one marker a layer and step, coloured by step, and the lines that join the layers of a step."""
    drawn = [pair for pair in pairs if pair[0].layer in layers]
    steps = sorted({pair[0].step for pair in drawn})
    positive = [step for step in steps if step > 0.0]
    logarithmic = len(positive) > 1 and positive[-1] / positive[0] >= LOGARITHMIC_FROM
    norm = (
        SymLogNorm(positive[0], linscale=0.4, vmin=steps[0], vmax=steps[-1])
        if logarithmic
        else Normalize(steps[0], steps[-1] if len(steps) > 1 else steps[0] + 1.0)
    )
    colour_map = colormaps["viridis"]
    for step in steps:
        at_step = {pair[0].layer: pair for pair in drawn if pair[0].step == step}
        x, y = _coordinates([at_step[layer] for layer in layers if layer in at_step])
        ax.plot(x, y, color=colour_map(norm(step)), linewidth=0.7, alpha=0.6, zorder=1)
    artist = None
    for number, layer in enumerate(layers):
        mine = sorted((pair for pair in drawn if pair[0].layer == layer), key=_step)
        x, y = _coordinates(mine)
        shades = [pair[0].step for pair in mine]
        if error_bars:
            _draw_errors(ax, mine, colour_map(norm(shades)))
        marker = MARKERS[number % len(MARKERS)]
        artist = ax.scatter(
            x, y, c=shades, cmap=colour_map, norm=norm, marker=marker, s=34, edgecolor="black", linewidth=0.4, zorder=3
        )
        # The legend shows the shape alone, in no step's colour.
        ax.scatter([], [], marker=marker, color="0.6", edgecolor="black", linewidth=0.4, label=layer)
    if artist is not None:
        bar = ax.figure.colorbar(artist, ax=ax, label=step_name)
        if logarithmic:
            shown = np.array([steps[0], *positive])
            shown = shown[np.unique(np.linspace(0, len(shown) - 1, 7).round().astype(int))]
            bar.set_ticks(shown, labels=[f"{step:g}" for step in shown], minor=False)
            bar.ax.minorticks_off()
    return drawn


def _draw_network(ax: Axes, pairs: Sequence[Pair], number: int, label: str, *, error_bars: bool) -> None:
    """Draw the way of one layer of one network through the plane, from a hollow marker to a full one."""
    x, y = _coordinates(pairs)
    colour = NETWORK_COLOURS[number % len(NETWORK_COLOURS)]
    marker, line = MARKERS[number % len(MARKERS)], LINE_STYLES[number % len(LINE_STYLES)]
    if error_bars:
        _draw_errors(ax, pairs, colour)
    ax.plot(x, y, color=colour, linestyle=line, linewidth=1.4, marker=marker, markersize=3.5, label=label, zorder=3)
    ends: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 9, "zorder": 4}
    ax.plot(x[:1], y[:1], markerfacecolor="white", markeredgecolor=colour, **ends)
    ax.plot(x[-1:], y[-1:], markerfacecolor=colour, markeredgecolor="black", **ends)


def _mark_saturated(ax: Axes, pairs: Sequence[Pair]) -> None:
    """Cross out the points of which an axis has run into its estimator's cap."""
    capped = [pair for pair in pairs if pair[0].saturated or pair[1].saturated]
    if capped:
        x, y = _coordinates(capped)
        label = "at the estimator's cap"
        ax.scatter(x, y, marker="x", s=70, color="#D00000", linewidth=1.1, zorder=5, label=label)


def _draw_guides(ax: Axes, trajectory: PlaneTrajectory, pairs: Sequence[Pair]) -> None:
    """Draw H(Y), log n where plug-in values were measured, and the mean null of I(F;Y)."""
    ax.axhline(trajectory.entropy_y, color="0.35", linestyle="--", linewidth=1.0, label="H(Y)", zorder=0)
    if any(pair[0].kind == "plugin" for pair in pairs):
        ax.axvline(trajectory.log_n, color="0.35", linestyle="-.", linewidth=1.0, label="log n", zorder=0)
    nulls = [pair[1].null for pair in pairs if pair[1].null is not None]
    if nulls:
        level = float(np.mean(nulls))
        ax.axhline(level, color="0.35", linestyle=":", linewidth=1.0, label="shuffled labels", zorder=0)
    ax.set_ylim(top=max(ax.get_ylim()[1], 1.05 * trajectory.entropy_y))
