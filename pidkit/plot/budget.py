"""Where the bits of the label went: the atoms that were found, and what decoders did not learn or do not read."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.plot.style import EDGE, STYLE, atom_labels, new_axes
from pidkit.representations.result import RepresentationPID

UNKNOWN: dict[str, dict[str, Any]] = {
    "unlearned": {"facecolor": "0.8", "hatch": "--", **EDGE},
    "unread": {"facecolor": "white", "hatch": "xx", **EDGE},
}
"""The fill of what was not read: for want of rows to learn from, and by these decoders at all."""

NARROWEST_NAMED = 0.14
"""Share of H(Y) from which a part is named inside; narrower ones are named in the legend only."""


def plot_budget(result: RepresentationPID, *, sources: tuple[str, str] = ("x1", "x2"), ax: Axes | None = None) -> Axes:
    """Draw where the bits of H(Y) went, as one bar, with the three parts of the error below it.

    The upper bar is H(Y): redundancy, unique atoms, synergy, what the decoders have not learned from so few rows, and
    what they do not read (`RepresentationPID.budget`). The lower bars are the widest 95 % interval of an atom (what the
    sample leaves open), the redundancy that the codes lose (what they leave open), and the two parts that were not
    read. The last one bounds none of the atoms, since labels may be hidden in a layer from any decoder.

    Raises
    ------
    InputError
        If `result` is no RepresentationPID.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import representation_pid
    >>> labels = np.arange(400) % 2
    >>> x1, x2 = labels[:, None] + 0.5 * np.random.default_rng(0).normal(size=(2, 400, 2))
    >>> ax = plot_budget(representation_pid(labels=labels, x1=x1, x2=x2))
    >>> ax.get_xlabel()
    'bits'
    """
    if not isinstance(result, RepresentationPID):
        raise InputError(
            f"result must be what representation_pid returns without quantiser, not {type(result).__name__}"
        )
    labels = {**atom_labels(sources), "unlearned": "not learned from so few rows", "unread": "read by no decoder"}
    budget = result.budget()
    ax = new_axes(ax, 7.8, 2.8)
    left = 0.0
    for name, value in budget.items():
        shown = max(value, 0.0)
        ax.barh(0, shown, 0.7, left, label=f"{labels[name]} ({value:z.2f})", **{**STYLE, **UNKNOWN}[name])
        if shown > NARROWEST_NAMED * result.entropy_y:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
            ax.text(left + 0.5 * shown, 0, f"{value:.2f}", ha="center", va="center", fontsize="small", bbox=box)
        left += shown
    widest = max(ATOMS, key=lambda name: result.interval[name][1] - result.interval[name][0])
    low, high = result.interval[widest]
    rows = (
        (f"sample: 95 % interval, {labels[widest]}", high - low),
        ("codes: redundancy that they lose", max(result.redundancy - result.coded_redundancy, 0.0)),
        ("rows: not yet learned", max(budget["unlearned"], 0.0)),
        ("decoders: unread, no bound", max(budget["unread"], 0.0)),
    )
    for row, (_, width) in enumerate(rows, start=1):
        ax.barh(row, width, 0.45, facecolor="0.6", edgecolor="black", linewidth=0.7)
        ax.text(width, row, f" {width:.2f}", va="center", fontsize="small")
    ax.set_yticks(range(len(rows) + 1), ["H(Y)", *(name for name, _ in rows)])
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.08 * max(result.entropy_y, *(width for _, width in rows)))
    ax.set_xlabel(result.unit)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0, title="H(Y) is made of")
    return ax
