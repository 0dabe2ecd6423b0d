"""What `estimate_pid` returns: estimated atoms, their intervals, and what to believe of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pidkit.pid.result import ATOMS, SolverReport
from pidkit.representations.finite_samples import Spread
from pidkit.results import UnitResult, text_table
from pidkit.units import convert

SIGNIFICANT = 0.05
"""The p-value up to which an atom is called above chance."""

WIDE, WIDE_SHARE = 0.1, 0.5
"""An interval this many bits wide, and this share of its estimate, is called limited by the sample."""


SMALLEST_SHOWN = 1e-4
"""Smaller p-values are shown as smaller than this: they rest on the tails of a normal distribution."""


def p_text(p_value: float) -> str:
    """Return a p-value as tables show it.

    Examples
    --------
    >>> p_text(0.0312), p_text(1e-30), p_text(math.nan)
    ('p = 0.031', 'p < 0.0001', 'p = nan')
    """
    if math.isnan(p_value):
        return "p = nan"
    return f"p = {p_value:.2g}" if p_value >= SMALLEST_SHOWN else f"p < {SMALLEST_SHOWN}"


@dataclass(frozen=True)
class PIDEstimate(UnitResult):
    """Atoms of the distribution behind discrete samples, with intervals. All informations are in `unit`.

    Attributes
    ----------
    redundancy, unique_1, unique_2, synergy : float
        The estimated atoms.
    mi_1, mi_2, union, mi_joint : float
        The estimated I(Y;X1), I(Y;X2), union information I(Y;X1) + I(Y;X2) - redundancy, and I(Y;X1,X2).
    interval : dict of str to (float, float)
        The 95 % interval of every atom and information. An atom of zero has an interval that reaches below it.
    standard_error : dict of str to float
        Of the mean of the held-out scores.
    held_out, in_sample : dict of str to float
        Every number as scored on rows that the predictors had not seen, which is too low on average, and on those
        that they were fitted to, which is too high. (Of an atom, which is a difference, neither need hold.)
    plug_in : dict of str to float
        The atoms of the sample taken for the distribution, as `pid_from_samples` gives them.
    p_value : dict of str to float
        Of every atom, that it is zero: by the held-out rows, and by the nulls where there are any, the larger.
    null : dict of str to Spread, or None
        The plug-in value of every atom under the null that gave its p-value.
    bootstrap : dict of str to Spread, or None
        The plug-in atoms of resamples. They add the bias once more: read the spread, not the centre.
    entropy_y : float
        H(Y) of the sample: no atom exceeds it.
    n_samples : int
    n_symbols : tuple of int
        Symbols of y, x1 and x2 in the sample.
    unit : str
    report : SolverReport
        Of the plug-in decomposition.
    provenance : dict
    """

    _information = (
        *ATOMS,
        *("mi_1", "mi_2", "union", "mi_joint", "entropy_y"),
        *("interval", "standard_error", "held_out", "in_sample", "plug_in", "null", "bootstrap", "report"),
    )

    redundancy: float
    unique_1: float
    unique_2: float
    synergy: float
    mi_1: float
    mi_2: float
    union: float
    mi_joint: float
    interval: Mapping[str, tuple[float, float]]
    standard_error: Mapping[str, float]
    held_out: Mapping[str, float]
    in_sample: Mapping[str, float]
    plug_in: Mapping[str, float]
    p_value: Mapping[str, float]
    null: Mapping[str, Spread] | None
    bootstrap: Mapping[str, Spread] | None
    entropy_y: float
    n_samples: int
    n_symbols: tuple[int, ...]
    unit: str
    report: SolverReport
    provenance: Mapping[str, Any]

    @property
    def atoms(self) -> dict[str, float]:
        """The four estimated atoms by name."""
        return {name: float(getattr(self, name)) for name in ATOMS}

    def limits(self, atom: str) -> tuple[str, ...]:
        """Return what limits an atom: "the sample", where its interval is wide, or nothing of note."""
        return ("the sample",) if self._is_wide(atom) else ()

    def verdict(self, atom: str) -> str:
        """Return in a few words what to believe of an atom: whether it is above chance, and what limits it."""
        words = "above chance" if self.is_above_chance(atom) else "not told from zero"
        if limits := self.limits(atom):
            words += f", limited by {' and '.join(limits)}"
        return f"{words} ({p_text(self.p_value[atom])})"

    def is_above_chance(self, atom: str) -> bool:
        """Return whether the p-value of an atom, at most .05, tells it from zero."""
        return self.p_value[atom] <= SIGNIFICANT

    def _is_wide(self, atom: str) -> bool:
        """Whether the interval of an atom is wide, both in bits and beside the atom."""
        low, high = self.interval[atom]
        least = convert(WIDE, old="bits", new=self.unit)
        return high - low > max(least, WIDE_SHARE * abs(self.atoms[atom]))

    def _rows(self) -> list[dict[str, str]]:
        """Return a row for each atom and each information."""
        rows = []
        for name in (*ATOMS, "mi_1", "mi_2", "union", "mi_joint"):
            low, high = self.interval[name]
            rows.append(
                {
                    "": name,
                    self.unit: f"{getattr(self, name):z.4f}",
                    "95 % interval": f"[{low:z.3f}, {high:z.3f}]",
                    "held out": f"{self.held_out[name]:z.4f}",
                    "plug-in": f"{self.plug_in[name]:z.4f}",
                    "verdict": self.verdict(name) if name in ATOMS else "",
                }
            )
        return rows

    def summary(self) -> str:
        """Return one line: H(Y), the sample, the alphabets, and the certificate of the plug-in atoms."""
        n_y, n_1, n_2 = self.n_symbols
        return (
            f"H(Y) = {self.entropy_y:z.4f}, n = {self.n_samples}, {n_y} x {n_1} x {n_2} symbols, "
            f"{self.provenance['folds']} folds; certified gap {self.report.gap:.1e} {self.report.unit}"
        )

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return self.summary()

    def __repr__(self) -> str:
        """Show the table and the summary line."""
        return "\n".join(
            ["PIDEstimate (broja)", *("  " + line.rstrip() for line in text_table(self._rows())), "  " + self.summary()]
        )
