"""Accuracy over the epochs of training, the mean and a band over seeds for each method and teacher (RID, Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from pidkit.arguments import items_of, mapping_of, real_number
from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.plot.plane import LINE_STYLES, MARKERS, NETWORK_COLOURS
from pidkit.plot.style import new_axes
from pidkit.types import FloatArray

PERCENT_FROM = 1.0
"""The largest accuracy that is a share of the samples: what lies above is in per cent."""

MARKED = 9
"""Markers along a curve, by which a print in grey tells the curves apart."""


def accuracy_over_epochs(
    accuracies: Mapping[str | tuple[str, str], ArrayLike],
    *,
    epochs: Sequence[float] | None = None,
    split: str = "test",
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracy over the epochs, the mean of the seeds as a line and one standard deviation around it as a band.

    The deviation is that of the sample, sqrt(sum (a - mean)^2 / (n_seeds - 1)); a single seed has no band. An accuracy
    that is NaN, training having diverged, is left out of mean and band from there on; a cross marks the last epoch
    before a seed is lost.

    Parameters
    ----------
    accuracies : dict of str, or of (str, str), to array, shape (n_seeds, n_epochs)
        By label; or by (method, teacher), and then methods have colours and markers, teachers kinds of lines.
    epochs : sequence of float, optional
        Where the columns lie, rising; None counts them from 1, the accuracy after the first epoch.
    split : str
        What the accuracy was measured on, for the label.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        If there is nothing to draw, an array has no such shape, an accuracy is negative or infinite, or `epochs` does
        not fit or does not rise.

    Source: Dissanayake et al., AISTATS 2025, Fig. 4.

    Examples
    --------
    >>> runs = {("RID", "trained"): [[0.3, 0.5], [0.4, 0.6]], ("RID", "untrained"): [[0.2, 0.4], [0.2, 0.3]]}
    >>> ax = accuracy_over_epochs(runs)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_legend_handles_labels()[1][0]
    ('epoch', 'test accuracy', 'RID, trained')
    """
    curves = _checked_curves(accuracies)
    lengths = {curve.shape[1] for curve in curves.values()}
    places = None if epochs is None else _checked_epochs(epochs, lengths)
    methods = list(dict.fromkeys(key if isinstance(key, str) else key[0] for key in curves))
    teachers = list(dict.fromkeys(key[1] for key in curves if not isinstance(key, str)))
    ax = new_axes(ax, 8.4, 4.2)
    has_bands = has_crosses = False
    for number, (key, curve) in enumerate(curves.items()):
        method, of_teacher = (key, number) if isinstance(key, str) else (key[0], teachers.index(key[1]))
        look: dict[str, Any] = {"color": NETWORK_COLOURS[methods.index(method) % len(NETWORK_COLOURS)]}
        at = np.arange(1.0, curve.shape[1] + 1.0) if places is None else places
        mean, deviation = mean_of_seeds(curve), deviation_of_seeds(curve)
        each = max(1, len(at) // MARKED)
        ax.plot(
            at,
            mean,
            label=key if isinstance(key, str) else ", ".join(key),
            marker=MARKERS[methods.index(method) % len(MARKERS)],
            markevery=((number * each) // max(1, len(curves)), each),
            markersize=5,
            linestyle=LINE_STYLES[of_teacher % len(LINE_STYLES)],
            linewidth=1.5,
            zorder=3,
            **look,
        )
        if np.isfinite(deviation).any():
            has_bands = True
            ax.fill_between(at, mean - deviation, mean + deviation, alpha=0.18, linewidth=0.5, zorder=1, **look)
        for column in _columns_of_loss(curve):
            has_crosses = True
            ax.plot(at[column], mean[column], "x", markersize=14, markeredgewidth=2.5, zorder=5, **look)
    if has_bands:
        ax.fill_between([], [], [], color="0.6", alpha=0.5, label="± standard deviation of seeds")
    if has_crosses:
        ax.plot([], [], "x", color="black", markersize=10, markeredgewidth=2.5, label="a seed diverged after this")
    ax.set(xlabel="epoch", ylabel=accuracy_label(split, curves.values()))
    # Long handles: a kind of line is told from another by more than one of its dashes.
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, fontsize="small", handlelength=4.0)
    return ax


def accuracy_label(split: str, values: Any) -> str:
    """Return the label of an axis of accuracies, which are in per cent where one is above 1."""
    return f"{split} accuracy" + (" (%)" if max(float(np.nanmax(one)) for one in values) > PERCENT_FROM else "")


def checked_accuracies(name: str, values: object, ndim: int, shape: str) -> FloatArray:
    """Return an array of accuracies: of `ndim` axes, none empty, each entry at least 0, or NaN, and not all are NaN."""
    try:
        array = plain_array(values, name)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers of shape {shape}, all rows of one length") from error
    if array.ndim != ndim or array.size == 0 or array.dtype.kind not in "iuf":
        raise InputError(f"{name} must be numbers of shape {shape}, not {array.dtype} {array.shape}")
    array = array.astype(np.float64)
    if np.isinf(array).any() or (array < 0.0).any():
        raise InputError(f"{name} holds a negative or infinite accuracy; NaN says that a run diverged")
    if np.isnan(array).all():
        raise InputError(f"{name} holds nothing but NaN: there is nothing to draw; leave it out")
    return array


def _checked_curves(accuracies: object) -> dict[str | tuple[str, str], FloatArray]:
    """Return the arrays by label."""
    curves: dict[str | tuple[str, str], FloatArray] = {}
    for key, values in mapping_of("accuracies", accuracies).items():
        if not isinstance(key, str) and not (
            isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key)
        ):
            raise InputError(f"accuracies must have labels or pairs (method, teacher) as keys, not {key!r}")
        curves[key] = checked_accuracies(f"accuracies[{key!r}]", values, 2, "(n_seeds, n_epochs)")
    if not curves:
        raise InputError("accuracies must hold at least one curve; it is empty")
    return curves


def _checked_epochs(epochs: object, lengths: set[int]) -> FloatArray:
    """Return where the columns lie."""
    places = np.array([real_number("every one of epochs", one) for one in items_of("epochs", epochs)])
    if lengths != {len(places)}:
        raise InputError(f"epochs has {len(places)} entries, and the accuracies have {sorted(lengths)} columns")
    if (np.diff(places) <= 0.0).any():
        raise InputError("epochs must rise from column to column")
    return places


def mean_of_seeds(values: FloatArray) -> FloatArray:
    """Return the mean over the first axis of what is finite, NaN where nothing is."""
    n = np.isfinite(values).sum(0)
    mean: FloatArray = np.nansum(values, 0) / np.where(n > 0, n, np.nan)
    return mean


def deviation_of_seeds(values: FloatArray) -> FloatArray:
    """Return the sample's standard deviation over the first axis of what is finite, NaN where that is not two seeds."""
    n = np.isfinite(values).sum(0)
    squares = np.nansum((values - mean_of_seeds(values)) ** 2, 0)
    deviation: FloatArray = np.sqrt(squares / np.where(n > 1, n - 1.0, np.nan))
    return deviation


def _columns_of_loss(curve: FloatArray) -> list[int]:
    """Return the columns after which a seed that was finite is NaN."""
    finite = np.isfinite(curve)
    return [int(column) for column in np.flatnonzero((finite[:, :-1] & ~finite[:, 1:]).any(0))]
