"""What a batch returns: arrays of atoms, potentials and certificates, the batch as their first axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pidkit.pid.result import ATOMS, INFORMATION, PIDResult, SolverReport
from pidkit.types import FloatArray
from pidkit.units import NATS_PER_UNIT, check_unit


@dataclass(frozen=True)
class BROJABatch:
    """The optima of many BROJA problems of one shape; every array has the batch as its first axis.

    Attributes
    ----------
    redundancy, unique_1, unique_2, mi_1, mi_2 : ndarray, shape (n,)
        In `unit`.
    lam, mu : ndarray (or tensor, as the marginals were), shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Dual-feasible log potentials, -inf off the supports: what the gradient is made of.
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
    iterations: npt.NDArray[np.int64]
    status: npt.NDArray[np.str_]
    solver: str
    tol: float
    seconds: float
    unit: str

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Which problems reached `tol`."""
        return np.asarray(self.status == "converged")

    def to(self, unit: str) -> BROJABatch:
        """Return the same solutions in another unit."""
        factor = NATS_PER_UNIT[self.unit] / NATS_PER_UNIT[check_unit(unit)]
        names = ("redundancy", "unique_1", "unique_2", "mi_1", "mi_2", "gap")
        values = {name: getattr(self, name) * factor for name in names}
        return replace(self, **values, tol=self.tol * factor, unit=unit)

    def __len__(self) -> int:
        """Return the number of problems."""
        return int(self.redundancy.size)

    def __repr__(self) -> str:
        """Show how many problems there are and how well they are solved."""
        return (
            f"BROJABatch(n={len(self)}, converged={int(self.converged.sum())}, unit={self.unit!r}, "
            f"largest gap={self.gap.max():.1e})"
        )


@dataclass(frozen=True)
class PIDBatch:
    """The decompositions of many joints of one shape: arrays of atoms, or one `PIDResult` by its index.

    Attributes
    ----------
    redundancy, unique_1, unique_2, synergy, mi_1, mi_2, mi_joint : ndarray, shape (n,)
        In `unit`.
    unit : str
    solutions : BROJABatch
        Potentials, couplings' pair masses and certificates.
    """

    redundancy: FloatArray
    unique_1: FloatArray
    unique_2: FloatArray
    synergy: FloatArray
    mi_1: FloatArray
    mi_2: FloatArray
    mi_joint: FloatArray
    unit: str
    solutions: BROJABatch

    def to(self, unit: str) -> PIDBatch:
        """Return the same decompositions in another unit."""
        factor = NATS_PER_UNIT[self.unit] / NATS_PER_UNIT[check_unit(unit)]
        values = {name: getattr(self, name) * factor for name in (*ATOMS, *INFORMATION)}
        return replace(self, **values, unit=unit, solutions=self.solutions.to(unit))

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

    def __repr__(self) -> str:
        """Show the mean of each atom and the largest gap."""
        means = ", ".join(f"{name}={getattr(self, name).mean():z.4f}" for name in ATOMS)
        return (
            f"PIDBatch(n={len(self)}, means: {means}, unit={self.unit!r}, largest gap={self.solutions.gap.max():.1e})"
        )
