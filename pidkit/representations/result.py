"""The result of `representation_pid`: raw atoms beside their caps, bias, null, spread and provenance."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pidkit.pid.result import ATOMS, INFORMATION, PIDResult
from pidkit.representations.finite_samples import Spread
from pidkit.units import check_unit, convert


@dataclass(frozen=True)
class RepresentationPID:
    """The atoms of two quantised representations about labels, with their caps, bias, null and spread.

    Attributes
    ----------
    pid : PIDResult
        The plug-in atoms, I(Y;X1), I(Y;X2), I(Y;X1,X2) and the certified gap.
    entropy_y : float
        H(Y): no atom, and no information, exceeds it.
    cap_1, cap_2 : float
        log n_codes_1 and log n_codes_2: no code can say more about anything.
    n_samples : int
        Rows measured.
    bias : dict of str to float
        Predicted upward bias of mi_1, mi_2 and mi_joint.
    corrected : dict of str to float or None
        Atoms after the bias correction asked for; they can be negative.
    null, bootstrap : dict of str to Spread, or None
        Atoms under permuted labels, and their spread over resamples.
    unit : str
    provenance : dict
        Quantiser and its parameters, correction, seed, rows, and the versions of the packages involved.
    """

    pid: PIDResult
    entropy_y: float
    cap_1: float
    cap_2: float
    n_samples: int
    bias: Mapping[str, float]
    corrected: Mapping[str, float] | None
    null: Mapping[str, Spread] | None
    bootstrap: Mapping[str, Spread] | None
    unit: str
    provenance: Mapping[str, Any]

    @property
    def redundancy(self) -> float:
        """What both representations tell about Y, each alone."""
        return self.pid.redundancy

    @property
    def unique_1(self) -> float:
        """What only the first representation tells."""
        return self.pid.unique_1

    @property
    def unique_2(self) -> float:
        """What only the second representation tells."""
        return self.pid.unique_2

    @property
    def synergy(self) -> float:
        """What only both together tell."""
        return self.pid.synergy

    def to(self, unit: str) -> RepresentationPID:
        """Return the same result in another unit."""
        check_unit(unit)

        def change(value: float) -> float:
            return convert(value, old=self.unit, new=unit)

        def change_all(values: Mapping[str, float] | None) -> dict[str, float] | None:
            return None if values is None else {name: change(value) for name, value in values.items()}

        def change_spread(spreads: Mapping[str, Spread] | None) -> dict[str, Spread] | None:
            if spreads is None:
                return None
            return {
                name: Spread(change(s.mean), change(s.std), change(s.low), change(s.high))
                for name, s in spreads.items()
            }

        return replace(
            self,
            pid=self.pid.to(unit),
            entropy_y=change(self.entropy_y),
            cap_1=change(self.cap_1),
            cap_2=change(self.cap_2),
            bias=change_all(self.bias) or {},
            corrected=change_all(self.corrected),
            null=change_spread(self.null),
            bootstrap=change_spread(self.bootstrap),
            unit=unit,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings and nested dictionaries, ready for JSON."""
        return asdict(self)

    def table(self) -> list[dict[str, str]]:
        """Return the rows of the printed table, one an atom or information, as strings."""
        rows = []
        for name in (*ATOMS, *INFORMATION):
            row = {"": name, self.unit: f"{getattr(self.pid, name):z.4f}"}
            if self.corrected is not None:
                row["corrected"] = f"{self.corrected[name]:z.4f}" if name in self.corrected else ""
            if self.null is not None:
                row["null"] = f"{self.null[name].mean:z.4f} ± {self.null[name].std:z.4f}" if name in self.null else ""
            if self.bootstrap is not None:
                # The spread alone: a resample adds the bias once more, so its centre is not where the truth is.
                row["bootstrap std"] = f"{self.bootstrap[name].std:z.4f}" if name in self.bootstrap else ""
            row["predicted bias"] = f"{self.bias[name]:z.4f}" if name in self.bias else ""
            rows.append(row)
        return rows

    def summary(self) -> str:
        """Return one line: H(Y), the caps, the sample and the certificate."""
        report = self.pid.report
        return (
            f"H(Y) = {self.entropy_y:z.4f}, code caps {self.cap_1:z.4f} and {self.cap_2:z.4f}, "
            f"n = {self.n_samples}; {report.solver}, certified gap {report.gap:.1e} {report.unit}"
        )

    def __repr__(self) -> str:
        """Show the table and the summary line."""
        rows = self.table()
        widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
        lines = ["RepresentationPID"]
        lines.append("  " + "  ".join(f"{key:>{width}}" for key, width in widths.items()))
        lines += ["  " + "  ".join(f"{row[key]:>{width}}" for key, width in widths.items()) for row in rows]
        return "\n".join([*lines, "  " + self.summary()])

    def _repr_html_(self) -> str:
        """Show the same table in a notebook."""
        rows = self.table()
        head = "".join(f"<th>{html.escape(key)}</th>" for key in rows[0])
        cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        caption = f"<caption>{html.escape(self.summary())}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
