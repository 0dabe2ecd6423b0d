"""An atom of two tables as a loss with a known slope: the solver's value, its dual potentials, and its certificate."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pidkit.arguments import one_of
from pidkit.errors import SolverError, warn
from pidkit.pid.batch import solve_broja_batch
from pidkit.pid.batch_result import BROJABatch
from pidkit.pid.gradients import atom_gradients
from pidkit.types import FloatArray
from pidkit.units import from_nats

TrainedAtom = Literal["redundancy", "unique_teacher"]
"""The atoms that can be trained on; by Theorem 3.2 their gradients are the same but for the sign."""

FLOOR = 1e-9
"""Cells of P(y,t) and P(y,s) with less mass than this are left out: they hold less information than the tolerance and
no gradient to speak of, and they cost the solver iterations."""


MOST_UNCERTIFIED = 10
"""Steps of training in a row whose gap may stay above the tolerance before the run ends: it would train nothing."""


class CertifiedLoss:
    """-Red(Y:T,S) or Uni(Y:T\\S) of a joint in nats, with its derivative by P(y,s).

    Parameters
    ----------
    atom : "redundancy" or "unique_teacher"
    """

    def __init__(self, atom: TrainedAtom) -> None:
        """Check the atom."""
        self.atom: TrainedAtom = one_of("atom", atom, get_args(TrainedAtom))
        self._n_uncertified = 0

    def solve(self, p_yt: FloatArray, p_ys: FloatArray, *, tol: float, counts: bool) -> tuple[float, FloatArray]:
        """Return the loss of a joint and its derivative by P(y,s), the same for both atoms (the envelope theorem).

        A joint whose certified gap stays above `tol` bits warns and has the derivative zero.

        Raises
        ------
        SolverError
            If that was so in the last `MOST_UNCERTIFIED` calls that `counts`.
        """
        p_yt, p_ys = _without_traces(p_yt, p_ys)
        solution = solve_broja_batch(p_yt[None], p_ys[None], tol=tol, unit="nats", check=False)
        value = -solution.redundancy[0] if self.atom == "redundancy" else solution.unique_1[0]
        if not self._is_certified(solution, tol, counts=counts):
            return float(value), np.zeros_like(p_ys)
        slopes = atom_gradients(p_yt[None], p_ys[None], solution.lam, solution.mu).unique_1[1]
        return float(value), np.ascontiguousarray(slopes[0])

    def _is_certified(self, solution: BROJABatch, tol: float, *, counts: bool) -> bool:
        """Return whether the gap is at most the tolerance; else warn, or raise SolverError after too many in a row."""
        if solution.status[0] == "converged":
            self._n_uncertified = 0
            return True
        self._n_uncertified += counts
        what = f"{from_nats(float(solution.gap[0]), 'bits'):.1e} bits, and tol is {tol:.1e}"
        if self._n_uncertified >= MOST_UNCERTIFIED:
            raise SolverError(f"the certified gap of {MOST_UNCERTIFIED} batches in a row stayed above tol: {what}")
        warn(f"ExactRedundancy leaves a batch out: the certified gap is {what}; this step has no gradient from it")
        return False


class _KnownSlope(torch.autograd.Function):
    """A scalar function of a table whose value and derivative are already known: the solver gives both at once."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, value: float, slope: Tensor) -> Tensor:
        """Return the value."""
        ctx.save_for_backward(slope)
        return table.new_tensor(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Return the derivative."""
        (slope,) = ctx.saved_tensors
        return grad * slope, None, None


def with_slope(table: Tensor, value: float, slope: FloatArray, *, times: float) -> Tensor:
    """Return a scalar that has this value and, by a table that has a graph, the slope times a factor."""
    known = torch.from_numpy(slope).to(table) * times
    return _KnownSlope.apply(table, value, known)  # type: ignore[no-untyped-call,no-any-return]


def _without_traces(p_yt: FloatArray, p_ys: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop cells below FLOOR, and classes with no other cells; rescale both tables to one P(y) and a sum of one."""
    p_y = p_yt.sum(1)
    p_y = p_y / p_y.sum()
    cells = [np.where(p >= FLOOR, p, 0.0) for p in (p_yt, p_ys)]
    p_y = np.where(cells[0].any(1) & cells[1].any(1), p_y, 0.0)
    p_y = p_y / p_y.sum()
    # Where nothing is left of a class p_y is zero.
    first, second = (p * (p_y / np.maximum(p.sum(1), FLOOR))[:, None] for p in cells)
    return first, second
