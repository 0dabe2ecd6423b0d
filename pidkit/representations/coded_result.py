"""The result of `coded_pid`: raw atoms beside their caps, bias, null, spread, and what a decoder reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pidkit.pid.result import ATOMS, INFORMATION, PIDResult
from pidkit.representations.finite_samples import Spread
from pidkit.results import UnitResult, text_table
from pidkit.units import convert

NOTABLE = 0.1
"""Bits that codes may lose before a warning says so."""


@dataclass(frozen=True)
class CodedPID(UnitResult):
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
    decoded_1, decoded_2 : float or None
        What decoders read out of x1 and x2, on rows that they had not seen. What I(Y; code) falls short of it was lost
        by the codes.
    unit : str
    provenance : dict
        Quantiser and its parameters, correction, seed, rows, and the versions of the packages involved.
    """

    _information = (
        "pid",
        "entropy_y",
        "cap_1",
        "cap_2",
        "bias",
        "corrected",
        "null",
        "bootstrap",
        "decoded_1",
        "decoded_2",
    )

    pid: PIDResult
    entropy_y: float
    cap_1: float
    cap_2: float
    n_samples: int
    bias: Mapping[str, float]
    corrected: Mapping[str, float] | None
    null: Mapping[str, Spread] | None
    bootstrap: Mapping[str, Spread] | None
    decoded_1: float | None
    decoded_2: float | None
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

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the codes of each layer lost of what the decoder reads, in sentences; none without a decoder."""
        notable = convert(NOTABLE, old="bits", new=self.unit)
        said = []
        for name, told, read, cap in (
            ("x1", self.pid.mi_1, self.decoded_1, self.cap_1),
            ("x2", self.pid.mi_2, self.decoded_2, self.cap_2),
        ):
            if read is None:
                continue
            if read - told > notable:
                said.append(
                    f"the codes of {name} tell {told:.3f} {self.unit} and a decoder reads {read:.3f}: the codes lost "
                    "the rest, and no atom has it; leave out quantiser, so that the layers are decoded"
                )
            elif cap < min(self.entropy_y, read) + notable and cap < self.entropy_y - notable:
                said.append(
                    f"the codes of {name} cannot tell more than {cap:.3f} {self.unit}, and H(Y) is "
                    f"{self.entropy_y:.3f}: use more codes"
                )
        return tuple(said)

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
            if self.decoded_1 is not None and self.decoded_2 is not None:
                read = {"mi_1": self.decoded_1, "mi_2": self.decoded_2}
                row["decoder reads"] = f"{read[name]:z.4f}" if name in read else ""
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
        lines = (f"  {line}" for line in text_table(self.table()))
        return "\n".join(["CodedPID", *lines, "  " + self.summary()])

    def _rows(self) -> list[dict[str, str]]:
        """Return the same rows for a notebook."""
        return self.table()

    def _caption(self) -> str:
        """Return the same line above the table of a notebook."""
        return self.summary()
