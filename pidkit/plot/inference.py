"""Accuracy against the time a network takes to answer, with the networks that no other beats (MIMKD, Fig. 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from pidkit.arguments import items_of, mapping_of, real_number
from pidkit.errors import InputError
from pidkit.plot.accuracy import accuracy_label
from pidkit.plot.plane import MARKERS, NETWORK_COLOURS
from pidkit.plot.style import new_axes

PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
"""Units of time, each for medians from a tenth of it on."""


def accuracy_against_time(
    seconds: Mapping[str, Sequence[float]],
    accuracies: Mapping[str, Sequence[float]],
    *,
    split: str = "test",
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracy of networks against their time of inference, on a logarithmic axis.

    A point is the median time and the mean accuracy; horizontal bars go from the first to the third quartile of the
    times, vertical ones are a standard deviation (of the sample) of the seeds. Filled are the networks that no other
    one beats, being neither slower nor less accurate and better in one of the two; a line of steps joins them.

    Parameters
    ----------
    seconds : dict of str to sequence of float
        Network, times of one batch, such as `inference_seconds` returns; all of one batch and machine.
    accuracies : dict of str to sequence of float
        Network, one accuracy a seed.
    split : str
        What the accuracy was measured on, for the label.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If the two do not name the same networks, there are none, or a number is out of its range.

    Source: Shrivastava et al., 2021, Fig. 1.

    Examples
    --------
    >>> ax = accuracy_against_time({"WRN-40-2": [0.02], "WRN-16-1": [0.004]}, {"WRN-40-2": [76.3], "WRN-16-1": [67.1]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time of a batch (ms)', 'test accuracy (%)')
    """
    times = _checked("seconds", seconds, least=None)
    found = _checked("accuracies", accuracies, least=0.0)
    if set(times) != set(found):
        raise InputError(f"seconds and accuracies must name the same networks, not {sorted(times)} and {sorted(found)}")
    medians = {name: float(np.median(each)) for name, each in times.items()}
    means = {name: float(np.mean(found[name])) for name in times}
    fastest = min(medians.values())
    scale, unit = next((prefix for prefix in PREFIXES if fastest >= 0.1 * prefix[0]), PREFIXES[-1])
    unbeaten = [name for name in times if not any(_beats(other, name, medians, means) for other in times)]
    ax = new_axes(ax, 6.8, 4.0)
    steps = sorted(unbeaten, key=medians.__getitem__)
    ax.step(
        [medians[name] / scale for name in steps],
        [means[name] for name in steps],
        where="post",
        color="0.6",
        linewidth=1.0,
        zorder=1,
        label="not beaten by any other",
    )
    for number, name in enumerate(times):
        colour = NETWORK_COLOURS[number % len(NETWORK_COLOURS)]
        low, high = np.quantile(times[name], [0.25, 0.75])
        spread = float(np.std(found[name], ddof=1)) if len(found[name]) > 1 else 0.0
        at, value = medians[name], means[name]
        ax.errorbar(
            at / scale,
            value,
            xerr=[[(at - low) / scale], [(high - at) / scale]],
            yerr=spread,
            fmt=MARKERS[number % len(MARKERS)],
            color=colour,
            markerfacecolor=colour if name in unbeaten else "white",
            markersize=7,
            capsize=3,
            elinewidth=1.0,
            label=name,
            zorder=3,
        )
    ax.set_xscale("log")
    ax.set(xlabel=f"time of a batch ({unit})", ylabel=accuracy_label(split, found.values()))
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize="small")
    return ax


def _beats(first: str, second: str, medians: Mapping[str, float], means: Mapping[str, float]) -> bool:
    """Return whether one network is at least as fast and as accurate as another, and better in one of the two."""
    here, there = (-medians[first], means[first]), (-medians[second], means[second])
    return here[0] >= there[0] and here[1] >= there[1] and here != there


def _checked(name: str, values: object, *, least: float | None) -> dict[str, list[float]]:
    """Return numbers by network, at least one each, of at least `least` or else above 0."""
    checked: dict[str, list[float]] = {}
    for label, each in mapping_of(name, values).items():
        where = f"{name}[{label!r}]"
        checked[str(label)] = [
            real_number(f"every number in {where}", one, least=least, above=None if least == 0.0 else 0.0)
            for one in items_of(where, each)
        ]
        if not checked[str(label)]:
            raise InputError(f"{where} is empty; give at least one number")
    if not checked:
        raise InputError(f"{name} must hold at least one network; it is empty")
    return checked
