"""What `estimate_pid` returns: estimated atoms, their intervals, and what to believe of each."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pidkit.pid.result import ATOMS, SolverReport
from pidkit.representations.finite_samples import Spread
from pidkit.units import NATS_PER_UNIT, check_unit, convert

SIGNIFICANT = 0.05
"""The p-value up to which an atom is called above chance."""

WIDE, WIDE_SHARE = 0.1, 0.5
"""An interval this many bits wide, and this share of its estimate, is called limited by the sample."""


@dataclass(frozen=True)
class PIDEstimate:
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
        return {name: getattr(self, name) for name in ATOMS}

    def to(self, unit: str) -> PIDEstimate:
        """Return the same estimate in another unit."""
        check_unit(unit)

        def change(value: float) -> float:
            return convert(value, old=self.unit, new=unit)

        def change_spreads(values: Mapping[str, Spread] | None) -> dict[str, Spread] | None:
            if values is None:
                return None
            return {n: Spread(change(s.mean), change(s.std), change(s.low), change(s.high)) for n, s in values.items()}

        scalars = (*ATOMS, "mi_1", "mi_2", "union", "mi_joint", "entropy_y")
        tables = ("standard_error", "held_out", "in_sample", "plug_in")
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in scalars}
        changed |= {name: {k: change(v) for k, v in getattr(self, name).items()} for name in tables}
        return replace(
            self,
            **changed,
            interval={name: (change(low), change(high)) for name, (low, high) in self.interval.items()},
            null=change_spreads(self.null),
            bootstrap=change_spreads(self.bootstrap),
            unit=unit,
            report=self.report.to(unit),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings and nested dictionaries, ready for JSON."""
        found = asdict(self)
        found["interval"] = {name: list(ends) for name, ends in self.interval.items()}
        found["n_symbols"] = list(self.n_symbols)
        return found

    def verdict(self, atom: str) -> str:
        """Return in a few words what to believe of an atom: whether it is above chance, and what limits it."""
        low, high = self.interval[atom]
        p_value = self.p_value[atom]
        wide = WIDE * NATS_PER_UNIT["bits"] / NATS_PER_UNIT[self.unit]
        words = "above chance" if p_value <= SIGNIFICANT else "not told from zero"
        if high - low > max(wide, WIDE_SHARE * abs(getattr(self, atom))):
            words += ", limited by the sample"
        return f"{words} (p = {p_value:.2g})"

    def table(self) -> list[dict[str, str]]:
        """Return the rows of the printed table, as strings."""
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

    def __repr__(self) -> str:
        """Show the table and the summary line."""
        rows = self.table()
        widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
        lines = ["PIDEstimate (BROJA)", "  " + "  ".join(f"{key:>{width}}" for key, width in widths.items())]
        lines += ["  " + "  ".join(f"{row[key]:>{width}}" for key, width in widths.items()) for row in rows]
        return "\n".join([*(line.rstrip() for line in lines), "  " + self.summary()])

    def _repr_html_(self) -> str:
        """Show the same table in a notebook."""
        rows = self.table()
        head = "".join(f"<th>{html.escape(key)}</th>" for key in rows[0])
        cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        caption = f"<caption>{html.escape(self.summary())}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
