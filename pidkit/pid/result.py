"""What a decomposition returns: the four atoms, the information they split, and how well they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pidkit.results import UnitResult
from pidkit.types import AtomName, Certify

ATOMS: tuple[AtomName, ...] = get_args(AtomName)
"""The atoms of a bivariate decomposition, in the order of tables and figures."""

INFORMATION = ("mi_1", "mi_2", "mi_joint")
"""The mutual information that the atoms split."""


@dataclass(frozen=True)
class SolverReport(UnitResult):
    """How a number was obtained and how far it can be off.

    Attributes
    ----------
    solver : str
        "interior-point", "scaling", "conic", or "closed form" where nothing was iterated.
    status : str
        "converged", "max_iter" or "stalled".
    gap : float
        Certified distance between a primal and a dual bound, in `unit`: no atom is off by more.
    tol : float
        The gap that was asked for, in `unit`.
    marginal_residual : float
        Largest error of the marginals of the returned coupling, a probability; 0 for a measure without a coupling.
    iterations : int
    seconds : float
    unit : str
        "bits" or "nats", of `gap` and `tol`.
    certify : str
        "double" or "strict": the arithmetic in which the gap is proved.
    """

    _information = ("gap", "tol")

    solver: str
    status: str
    gap: float
    tol: float
    marginal_residual: float
    iterations: int
    seconds: float
    unit: str = "bits"
    certify: Certify = "double"

    def summary(self) -> str:
        """Return one line: the solver, its status and the certificate."""
        in_digits = " in 60 digits" if self.certify == "strict" else ""
        return f"{self.solver}, {self.status}: certified gap {self.gap:.1e} {self.unit}{in_digits}"


@dataclass(frozen=True)
class PIDResult(UnitResult):
    """A bivariate partial information decomposition of I(Y; X1, X2).

    redundancy + unique_1 = mi_1,  redundancy + unique_2 = mi_2,
    redundancy + unique_1 + unique_2 + synergy = mi_joint.

    Attributes
    ----------
    redundancy, unique_1, unique_2, synergy : float
        The atoms, in `unit`. They are those of a coupling that was found, so each differs from the exact value by
        at most `report.gap`, and an atom that is exactly zero may be reported as minus that much.
    mi_1, mi_2, mi_joint : float
        I(Y; X1), I(Y; X2) and I(Y; X1, X2), in `unit`.
    unit : str
        "bits" or "nats".
    report : SolverReport
    measure : str
        The redundancy measure behind the atoms, by the name that `pidkit.compare` takes.
    """

    _information = (*ATOMS, *INFORMATION, "report")

    redundancy: float
    unique_1: float
    unique_2: float
    synergy: float
    mi_1: float
    mi_2: float
    mi_joint: float
    unit: str
    report: SolverReport
    measure: str = "broja"

    @property
    def atoms(self) -> dict[str, float]:
        """The four atoms by name."""
        return {name: getattr(self, name) for name in ATOMS}

    def __repr__(self) -> str:
        """Show the atoms, the information and the certificate on a few lines."""
        width = max(len(name) for name in ATOMS)
        lines = [f"PIDResult ({self.measure}, {self.unit})"]
        lines += [f"  {name:<{width}}  {value: z.6f}" for name, value in self.atoms.items()]
        lines.append(f"  I(Y;X1) = {self.mi_1:z.6f}   I(Y;X2) = {self.mi_2:z.6f}   I(Y;X1,X2) = {self.mi_joint:z.6f}")
        lines.append(f"  {self.report.summary()}")
        return "\n".join(lines)

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return f"PIDResult ({self.measure}, {self.unit}): {self.report.summary()}"
