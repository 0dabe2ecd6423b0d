"""What a batch returns: arrays of atoms, potentials and certificates, the batch as their first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.pid.result import ATOMS, INFORMATION, PIDResult, SolverReport
from pidkit.results import Row, UnitResult, summary_rows
from pidkit.types import FloatArray, IntArray


@dataclass(frozen=True)
class BROJABatch(UnitResult):
    """The optima of many BROJA problems of one shape; every array has the batch as its first axis.

    Attributes
    ----------
    redundancy, unique_1, unique_2, mi_1, mi_2 : ndarray, shape (n,)
        In `unit`.
    lam, mu : ndarray (or tensor, as the marginals were), shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Dual-feasible log potentials, -inf off the supports: what the gradient is made of. They are natural
        logarithms of probabilities, whatever the unit.
    weights : ndarray, shape (n, n_x1, n_x2)
        Q(x1, x2) of the couplings, up to the certified gap.
    gap, marginal_residual : ndarray, shape (n,)
        The certified gap of each problem in `unit`, and the largest marginal error of its coupling.
    iterations : ndarray of int, shape (n,)
    status : ndarray of str, shape (n,)
        "converged", "max_iter" or "stalled".
    solver : str
        The one that solved them all.
    tol : float
        The gap asked for, in `unit`.
    seconds : float
        Wall time of the whole batch.
    unit : str
    """

    _information = ("redundancy", "unique_1", "unique_2", "mi_1", "mi_2", "gap", "tol")

    redundancy: FloatArray
    unique_1: FloatArray
    unique_2: FloatArray
    mi_1: FloatArray
    mi_2: FloatArray
    lam: FloatArray
    mu: FloatArray
    weights: FloatArray
    gap: FloatArray
    marginal_residual: FloatArray
    iterations: IntArray
    status: npt.NDArray[np.str_]
    solver: str
    tol: float
    seconds: float
    unit: str

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Which problems reached `tol`."""
        return np.asarray(self.status == "converged")

    def __len__(self) -> int:
        """Return the number of problems."""
        return int(self.redundancy.size)

    def _rows(self) -> Sequence[Row]:
        """Return a row for each number that every problem has."""
        return summary_rows({name: getattr(self, name) for name in self._information if name != "tol"})

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return f"BROJABatch ({self.unit}): {len(self)} problems, {int(self.converged.sum())} converged; {self.solver}"

    def __repr__(self) -> str:
        """Show how many problems there are and how well they are solved."""
        return (
            f"BROJABatch(n={len(self)}, converged={int(self.converged.sum())}, unit={self.unit!r}, "
            f"largest gap={self.gap.max():.1e})"
        )


@dataclass(frozen=True)
class PIDBatch(UnitResult):
    """The decompositions of many joints of one shape: arrays of atoms, or one `PIDResult` by its index.

    Attributes
    ----------
    redundancy, unique_1, unique_2, synergy, mi_1, mi_2, mi_joint : ndarray, shape (n,)
        In `unit`.
    unit : str
    solutions : BROJABatch
        Potentials, couplings' pair masses and certificates.
    """

    _information = (*ATOMS, *INFORMATION, "solutions")

    redundancy: FloatArray
    unique_1: FloatArray
    unique_2: FloatArray
    synergy: FloatArray
    mi_1: FloatArray
    mi_2: FloatArray
    mi_joint: FloatArray
    unit: str
    solutions: BROJABatch

    def __len__(self) -> int:
        """Return the number of decompositions."""
        return int(self.redundancy.size)

    def __getitem__(self, index: int) -> PIDResult:
        """Return one decomposition; its report carries the mean time of the batch."""
        found = self.solutions
        report = SolverReport(
            solver=found.solver,
            status=str(found.status[index]),
            gap=float(found.gap[index]),
            tol=found.tol,
            marginal_residual=float(found.marginal_residual[index]),
            iterations=int(found.iterations[index]),
            seconds=found.seconds / len(self),
            unit=self.unit,
        )
        values = {name: float(getattr(self, name)[index]) for name in (*ATOMS, *INFORMATION)}
        return PIDResult(**values, unit=self.unit, report=report)  # type: ignore[arg-type]

    def _rows(self) -> Sequence[Row]:
        """Return a row for each atom and each information."""
        return summary_rows({name: getattr(self, name) for name in (*ATOMS, *INFORMATION)})

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return f"PIDBatch ({self.unit}): {len(self)} joints, largest certified gap {self.solutions.gap.max():.1e}"

    def __repr__(self) -> str:
        """Show the mean of each atom and the largest gap."""
        means = ", ".join(f"{name}={getattr(self, name).mean():z.4f}" for name in ATOMS)
        return (
            f"PIDBatch(n={len(self)}, means: {means}, unit={self.unit!r}, largest gap={self.solutions.gap.max():.1e})"
        )
