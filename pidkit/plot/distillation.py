"""Figures of distillation: atoms over epochs (the RID paper's Fig. 4 and 5), and accuracy against the weight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pidkit.arguments import flag, items_of, mapping_of, one_of, real_number
from pidkit.errors import InputError
from pidkit.plot.accuracy import deviation_of_seeds
from pidkit.plot.plane import LINE_STYLES, MARKERS, NETWORK_COLOURS
from pidkit.plot.style import new_axes
from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import DISTILLATION_ATOMS

ATOM_LINES: dict[str, dict[str, Any]] = {
    "redundancy": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "unique_teacher": {"color": "#E06A1B", "marker": "^", "linestyle": "--"},
    "unique_student": {"color": "#56B4E9", "marker": "v", "linestyle": "-."},
    "synergy": {"color": "#8A7A00", "marker": "s", "linestyle": ":"},
}
"""The line of each atom: markers and dashes differ beside the colours, so that a print in grey can be read."""

ATOM_LABELS = {
    "redundancy": "redundancy",
    "unique_teacher": "teacher only",
    "unique_student": "student only",
    "synergy": "synergy",
}
"""The label of each atom in a legend."""

SHADES = {"warm-up": "0.86", "teacher-filter": "0.93"}
"""Greys behind the phases in which the student does not learn, by the name of the phase."""


def atoms_over_epochs(
    records: AtomRecords,
    *,
    teacher: str | None = None,
    pair: tuple[str, str] | None = None,
    atoms: Sequence[str] = DISTILLATION_ATOMS,
    null: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the atoms of a pair of layers over the epochs of a distillation, with H(Y).

    Bands around the atoms of decoded layers are their 95 % intervals. Of codes, thin bands near zero are the central
    95 % of the same atom under shuffled labels: what chance and bias make of it. Epochs in which the student does not
    learn are shaded where the probe knew the phases.

    Parameters
    ----------
    records : AtomRecords
        `probe.records`, or `AtomRecords.load(path)`.
    teacher : str, optional
        Needed where there are several.
    pair : (str, str), optional
        (layer of the teacher, layer of the student); None takes the last one recorded but the logits.
    atoms : sequence of str
        Which to draw.
    null : bool
        Whether to draw the bands of shuffled labels, where a null was measured.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If there is nothing to draw, or a name is unknown or left open.

    Examples
    --------
    >>> from pidkit.records.atom_record import AtomRecord
    >>> rows = [AtomRecord(e, "t", "a", "b", 0.1 * e, 1 - 0.1 * e, 0, 0, 1, 0.1 * e, 1, 0, 9, 9, 0.01) for e in (0, 5)]
    >>> ax = atoms_over_epochs(AtomRecords(tuple(rows), entropy_y=1.0, n_samples=100, phases=(), provenance={}))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'information about Y (bits)')
    """
    if not isinstance(records, AtomRecords):
        raise InputError(f"records must be AtomRecords, such as probe.records, not {type(records).__name__}")
    atoms = [one_of("atoms", atom, DISTILLATION_ATOMS) for atom in items_of("atoms", atoms)]
    if not atoms:
        raise InputError(f"atoms must be among {', '.join(DISTILLATION_ATOMS)}, at least one; it is empty")
    flag("null", null)
    who, theirs, ours = _one_pair(records, teacher, pair)
    of_pair = records.select(teacher=who, teacher_layer=theirs, student_layer=ours)
    ax = new_axes(ax, 6.4, 4.0)
    _shade_phases(ax, records)
    ordered = sorted(of_pair.records, key=lambda record: record.epoch)
    banded: set[str] = set()
    for atom in atoms:
        epochs, values = of_pair.curve(atom)
        ax.plot(epochs, values, label=ATOM_LABELS[atom], markersize=4.5, linewidth=1.5, zorder=3, **ATOM_LINES[atom])
        nulls = [(r.epoch, r.null[atom].low, r.null[atom].high) for r in ordered if null and r.null is not None]
        intervals = [(r.epoch, *r.decoded.interval[atom]) for r in ordered if r.decoded is not None]
        for what, bounds, alpha in (("95 % interval", intervals, 0.15), ("labels shuffled, 95 %", nulls, 0.22)):
            if bounds:
                at, low, high = np.array(bounds).T
                banded.add(what)
                ax.fill_between(at, low, high, color=ATOM_LINES[atom]["color"], alpha=alpha, linewidth=0.6, zorder=1)
    for what in sorted(banded):
        ax.fill_between([], [], [], color="0.6", alpha=0.5, label=what)
    ax.axhline(records.entropy_y, color="0.35", linestyle=(0, (6, 3)), linewidth=1.0, label="H(Y)", zorder=0)
    ax.axhline(0.0, color="black", linewidth=0.6, zorder=0)
    ax.set_ylim(top=max(ax.get_ylim()[1], 1.05 * records.entropy_y))
    layers = f"layer {theirs}" if theirs == ours else f"layers {theirs} and {ours}"
    title = f"{who}, {layers}" if len({name for name, _, _ in records.pairs}) > 1 else layers
    ax.set(xlabel="epoch", ylabel=f"information about Y ({records.unit})", title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize="small")
    return ax


def accuracy_against_weight(
    accuracies: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    baseline: Sequence[float] | None = None,
    chosen: Mapping[str, float] | None = None,
    split: str = "validation",
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracy against the weight lambda of the objective, on a logarithmic axis, for several methods.

    Points are means over seeds, bars one standard deviation of the sample, sqrt(sum (a - mean)^2 / (n_seeds - 1)); a
    single seed has none. Seeds whose accuracy is NaN, training having diverged, are left out of both; their point
    carries a cross in the method's colour, on the axis below where all have.

    Parameters
    ----------
    accuracies : dict of str to dict of float to sequence of float
        Method, weight, one accuracy a seed.
    baseline : sequence of float, optional
        Of the student without a teacher, one a seed: a line at the mean, a band of one such deviation.
    chosen : dict of str to float, optional
        The weight that validation chose for a method: ringed.
    split : str
        What the accuracy was measured on, for the label.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If there is nothing to draw, a weight is not above zero, `baseline` holds no accuracies, or `chosen`
        names what is not there.

    Examples
    --------
    >>> ax = accuracy_against_weight({"RID": {0.1: [0.7, 0.8], 1.0: [0.8, 0.9]}}, baseline=[0.7], chosen={"RID": 1.0})
    >>> ax.get_xscale(), ax.get_ylabel()
    ('log', 'validation accuracy')
    """
    accuracies = _checked_accuracies(accuracies)
    chosen = {} if chosen is None else mapping_of("chosen", chosen)
    for method, weight in chosen.items():
        real_number(f"chosen[{method!r}]", weight, above=0.0)
        if weight not in accuracies.get(method, {}):
            raise InputError(f"chosen holds {method!r} at {weight!r}, which is not among the accuracies")
    plain = None if baseline is None else _checked_baseline(baseline)
    ax = new_axes(ax, 6.8, 4.2)
    if plain is not None:
        level, spread = float(np.mean(plain)), float(deviation_of_seeds(np.array(plain)))
        if math.isfinite(spread):
            ax.axhspan(level - spread, level + spread, color="0.85", zorder=0)
        ax.axhline(level, color="0.2", linewidth=1.1, linestyle=(0, (6, 3)), label="no distillation", zorder=1)
    lost: list[tuple[float, float, str]] = []
    for number, (method, curve) in enumerate(accuracies.items()):
        colour, marker = NETWORK_COLOURS[number % len(NETWORK_COLOURS)], MARKERS[number % len(MARKERS)]
        weights = np.array(sorted(curve))
        finite = [np.array([a for a in curve[weight] if np.isfinite(a)]) for weight in weights]
        means = np.array([seeds.mean() if seeds.size else np.nan for seeds in finite])
        stds = np.array([deviation_of_seeds(seeds) for seeds in finite])
        # A little apart, so that the bars of methods at one weight can be told from each other.
        shift = 1.0 + 0.02 * (number - (len(accuracies) - 1) / 2)
        lacking = zip(weights, means, finite, strict=True)
        lost += [(w * shift, m, colour) for w, m, seeds in lacking if seeds.size < len(curve[w])]
        ax.errorbar(
            weights * shift,
            means,
            yerr=stds,
            color=colour,
            marker=marker,
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            markersize=5,
            linewidth=1.4,
            elinewidth=0.9,
            capsize=2.5,
            label=method,
            zorder=3,
        )
        if method in chosen:
            best = int(np.flatnonzero(weights == chosen[method])[0])
            ring: dict[str, Any] = {"marker": "o", "markersize": 12, "markerfacecolor": "none", "linestyle": "none"}
            ax.plot(weights[best] * shift, means[best], markeredgecolor="black", zorder=4, **ring)
    if chosen:
        ax.plot(
            [], [], "o", markersize=9, markerfacecolor="none", markeredgecolor="black", label="chosen on validation"
        )
    if lost:
        floor = ax.get_ylim()[0]
        for at, mean, colour in lost:
            ax.plot(at, floor if np.isnan(mean) else mean, "x", color=colour, markersize=11, zorder=5, clip_on=False)
        ax.plot([], [], "x", color="black", markersize=9, label="a seed diverged")
        ax.set_ylim(bottom=floor)
    ax.set_xscale("log")
    ax.set(xlabel="weight λ of the objective", ylabel=f"{split} accuracy")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize="small")
    return ax


def _checked_accuracies(accuracies: object) -> dict[str, dict[float, tuple[float, ...]]]:
    """Return the accuracies by method and weight, each a number of at least 0, or NaN where a seed diverged."""
    checked: dict[str, dict[float, tuple[float, ...]]] = {}
    for method, curve in mapping_of("accuracies", accuracies).items():
        name = f"accuracies[{method!r}]"
        checked[method] = {}
        for weight, seeds in mapping_of(name, curve).items():
            weight = real_number(f"every weight in {name}", weight, above=0.0)
            values = items_of(f"{name}[{weight:g}]", seeds)
            if not values:
                raise InputError(f"{name} has no accuracy at weight {weight:g}; give at least one")
            checked[method][weight] = tuple(
                math.nan if value != value else real_number(f"every accuracy in {name}", value, least=0.0)
                for value in values
            )
    if not checked or not all(checked.values()):
        raise InputError("accuracies must hold at least one method, each with a weight and its accuracies")
    return checked


def _checked_baseline(baseline: object) -> list[float]:
    """Return the accuracies without a teacher: here a seed that diverged would take the line and the band with it."""
    remedy = "leave out seeds that diverged"
    seeds = items_of("baseline", baseline)
    if not seeds:
        raise InputError("baseline holds no accuracies; give at least one, or leave it out")
    return [real_number("every accuracy in baseline", seed, least=0.0, remedy=remedy) for seed in seeds]


def _one_pair(records: AtomRecords, teacher: str | None, pair: tuple[str, str] | None) -> tuple[str, str, str]:
    """Return the pair to draw."""
    if not records.pairs:
        raise InputError("records are empty: there is nothing to draw; call probe.step first")
    teachers = list(dict.fromkeys(name for name, _, _ in records.pairs))
    if teacher is None and len(teachers) > 1:
        raise InputError(f"teacher must say which of {', '.join(map(repr, teachers))} to draw")
    who = teachers[0] if teacher is None else teacher
    there = [(theirs, ours) for name, theirs, ours in records.pairs if name == who]
    if not there:
        raise InputError(f"teacher must be one of {', '.join(map(repr, teachers))}, not {who!r}")
    if pair is None:
        pair = ([one for one in there if one != ("(logits)", "(logits)")] or there)[-1]
    if items_of("pair", pair) not in there:
        raise InputError(f"pair must be one of {there}, not {pair!r}")
    return who, pair[0], pair[1]


def _shade_phases(ax: Axes, records: AtomRecords) -> None:
    """Shade the epochs in which the student does not learn, each kind named once."""
    named: set[str] = set()
    for start, stop, name in records.phases:
        if name in SHADES:
            label = None if name in named else f"{name} epochs"
            ax.axvspan(start, stop, color=SHADES[name], linewidth=0, zorder=-1, label=label)
            named.add(name)
