"""What `solve_broja` returns: atoms, potentials, a coupling with exact marginals, and the bounds that certify them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace

from pidkit.arguments import whole_number
from pidkit.pid.atoms import PairAtoms
from pidkit.pid.certificate import FactoredCoupling
from pidkit.pid.result import SolverReport
from pidkit.pid.solvers.kept_symbols import KeptSymbols, put_back
from pidkit.pid.solvers.problem import Candidate, Start
from pidkit.results import UnitResult
from pidkit.types import Certify, FloatArray
from pidkit.units import from_nats


@dataclass(frozen=True)
class BROJASolution(UnitResult):
    """The optimum of BROJA's problem, with what proves it. Source 1 is x1, source 2 is x2.

    Attributes
    ----------
    redundancy, unique_1, unique_2 : float
        In `unit`, those of the returned coupling.
    mi_1, mi_2 : float
        I(Y; X1) and I(Y; X2), in `unit`.
    lower, upper : float
        Bounds of F* = min over Delta_P of sum Q log Q(y|x1,x2), in `unit`; `report.gap` is their difference.
    lam, mu : ndarray (or tensor, as the marginals were), shape (n_y, n_x1) and (n_y, n_x2)
        Dual-feasible log potentials: sum_y exp(lam[y,x1] + mu[y,x2]) <= 1. -inf off the supports. They are natural
        logarithms of probabilities, whatever the unit.
    weights : ndarray, shape (n_x1, n_x2)
        Q(x1, x2) of the returned coupling. Where it is positive, exp(lam + mu) is Q(y|x1,x2), so
        exp(lam[y]) weights exp(mu[y]) is the coupling up to the certified gap; `coupling_block` is the exact one.
    unit : str
    report : SolverReport

    Notes
    -----
    The optimal coupling is in general not unique; its value, and so every atom, is.

    Examples
    --------
    >>> from pidkit import gate, solve_broja
    >>> p = gate("AND").joint
    >>> found = solve_broja(p.sum(2), p.sum(1))
    >>> abs(found.upper - found.lower - found.report.gap) < 1e-15
    True
    """

    _information = ("redundancy", "unique_1", "unique_2", "mi_1", "mi_2", "lower", "upper", "report")

    redundancy: float
    unique_1: float
    unique_2: float
    mi_1: float
    mi_2: float
    lower: float
    upper: float
    lam: FloatArray
    mu: FloatArray
    weights: FloatArray
    unit: str
    report: SolverReport
    _upper: FactoredCoupling = field(repr=False)
    _kept: KeptSymbols = field(repr=False)

    @property
    def gap(self) -> float:
        """The certified gap, in `unit`."""
        return self.report.gap

    @property
    def start(self) -> Start:
        """The warm start for a neighbouring problem of the same shape: pass it as `init`."""
        return self.lam, self.mu, self.weights

    def coupling_block(self, y: int) -> FloatArray:
        """Return Q[y], shape (n_x1, n_x2): one block of a coupling in Delta_P, the other blocks never built.

        Raises
        ------
        InputError
            If there is no target symbol `y`.
        """
        n_y = self.lam.shape[0]
        whole_number("y", y, least=-n_y, most=n_y - 1, limit="the last target symbol")
        place = y % n_y
        if self._kept.y is not None:
            found = np.flatnonzero(self._kept.y == place)
            if not found.size:
                return 0.0 * self.weights
            place = int(found[0])
        block = self._upper.block(place)
        return put_back(block, self._kept.x1, self._kept.x2, (self.lam.shape[1], self.mu.shape[1]), 0.0)

    def coupling(self) -> FloatArray:
        """Return Q[y, x1, x2], the dense array of all blocks."""
        dense: FloatArray = array_namespace(self.lam).stack([self.coupling_block(y) for y in range(self.lam.shape[0])])
        return dense

    def _caption(self) -> str:
        """Return the line above the table of a notebook."""
        return f"BROJASolution ({self.unit}): {self.report.summary()}"

    def __repr__(self) -> str:
        """Show the atoms and the certificate; the arrays are there to be asked for."""
        return (
            f"BROJASolution(redundancy={self.redundancy:.6f}, unique_1={self.unique_1:.6f}, "
            f"unique_2={self.unique_2:.6f}, unit={self.unit!r}, gap={self.gap:.1e})"
        )


class Solved(NamedTuple):
    """What a solve leaves behind, in nats, before anyone asks for arrays or units.

    `bivariate_pid` needs the numbers only; `solve_broja` turns it into a `BROJASolution`.
    """

    candidate: Candidate
    kept: KeptSymbols
    atoms: PairAtoms[float]
    solver: str
    status: str
    tol: float
    seconds: float
    certify: Certify

    def report(self, unit: str) -> SolverReport:
        """Return how the atoms were obtained, in `unit`."""
        return SolverReport(
            solver=self.solver,
            status=self.status,
            gap=from_nats(self.candidate.gap, unit),
            tol=from_nats(self.tol, unit),
            marginal_residual=self.candidate.upper.marginal_residual,
            iterations=self.candidate.iterations,
            seconds=self.seconds,
            unit=unit,
            certify=self.certify,
        )

    def solution(self, unit: str, shape: tuple[int, int, int]) -> BROJASolution:
        """Return the solution in `unit`, its arrays back on the full alphabets (n_y, n_x1, n_x2) = `shape`."""
        kept, lower, upper = self.kept, self.candidate.lower, self.candidate.upper
        n_y, n_1, n_2 = shape
        redundancy, unique_1, unique_2, mi_1, mi_2 = self.atoms
        return BROJASolution(
            redundancy=from_nats(redundancy, unit),
            unique_1=from_nats(unique_1, unit),
            unique_2=from_nats(unique_2, unit),
            mi_1=from_nats(mi_1, unit),
            mi_2=from_nats(mi_2, unit),
            lower=from_nats(lower.value, unit),
            upper=from_nats(upper.value, unit),
            lam=put_back(lower.lam, kept.y, kept.x1, (n_y, n_1), -np.inf),
            mu=put_back(lower.mu, kept.y, kept.x2, (n_y, n_2), -np.inf),
            weights=put_back(upper.pair_mass(), kept.x1, kept.x2, (n_1, n_2), 0.0),
            unit=unit,
            report=self.report(unit),
            _upper=upper,
            _kept=kept,
        )
