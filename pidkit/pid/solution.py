"""What `solve_broja` returns: atoms, potentials, a coupling with exact marginals, and the bounds that certify them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.pid.problem import Candidate, Start
from pidkit.pid.result import SolverReport

FloatArray = npt.NDArray[np.float64]
Kept = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""The symbols of y, x1 and x2 that have mass; only those reach a solver."""


@dataclass(frozen=True)
class BROJASolution:
    """The optimum of BROJA's problem, with what proves it. Source 1 is x1, source 2 is x2.

    Attributes
    ----------
    redundancy, unique_1, unique_2 : float
        In `unit`, those of the returned coupling.
    mi_1, mi_2 : float
        I(Y; X1) and I(Y; X2), in `unit`.
    lower, upper : float
        Bounds of the minimum of sum Q log Q(y|x1,x2) over Delta_P, in nats; `report.gap` is their difference.
    lam, mu : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        Dual-feasible log potentials: sum_y exp(lam[y,x1] + mu[y,x2]) <= 1. -inf off the supports.
    weights : ndarray, shape (n_x1, n_x2)
        Q(x1, x2) of the returned coupling. Where it is positive, exp(lam + mu) is Q(y|x1,x2), so
        exp(lam[y]) weights exp(mu[y]) is the coupling up to the certified gap; `coupling_block` is the exact one.
    unit : str
    report : SolverReport

    Notes
    -----
    The optimal coupling is in general not unique; its value, and so every atom, is.
    """

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
    _candidate: Candidate
    _kept: Kept

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
        if not -n_y <= y < n_y:
            raise InputError(f"y = {y} is not a target symbol; there are {n_y}")
        kept_y, kept_1, kept_2 = self._kept
        block = np.zeros(self.weights.shape)
        place = np.flatnonzero(kept_y == y % n_y)
        if place.size:
            block[np.ix_(kept_1, kept_2)] = self._candidate.upper.block(int(place[0]))
        return block

    def coupling(self) -> FloatArray:
        """Return Q[y, x1, x2], the dense array of all blocks."""
        return np.stack([self.coupling_block(y) for y in range(self.lam.shape[0])])

    def __repr__(self) -> str:
        """Show the atoms and the certificate; the arrays are there to be asked for."""
        return (
            f"BROJASolution(redundancy={self.redundancy:.6f}, unique_1={self.unique_1:.6f}, "
            f"unique_2={self.unique_2:.6f}, unit={self.unit!r}, gap={self.gap:.1e})"
        )
