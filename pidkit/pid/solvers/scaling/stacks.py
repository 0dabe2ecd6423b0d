"""Solve a batch by "scaling": stacks of problems side by side, on numpy arrays or on the device of the tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from pidkit.pid.solvers.problem import CONTRADICTION, STATUS_NAMES, Candidate
from pidkit.pid.solvers.scaling.solver import solve_scaling_stack
from pidkit.pid.solvers.scaling.tensors import TensorBackend
from pidkit.types import FloatArray
from pidkit.units import NATS_PER_UNIT

STACK_ON_HOST = 2**15
"""Pairs (x1, x2) of one stack of numpy arrays: its weights take 256 KiB, and all its arrays stay in the cache."""

STACK_ON_DEVICE = 2**25
"""The same for tensors on a device, which work best on large arrays: each array of weights takes 256 MiB."""


def solve_in_stacks(
    first: FloatArray, second: FloatArray, *, tol: float, max_iter: int | None, backend: TensorBackend | None
) -> dict[str, Any]:
    """Solve a batch of marginals, given as arrays, with `solve_scaling_stack`; on tensors at `backend` if there is one.

    Parameters
    ----------
    first, second : ndarray, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        The pair marginals.
    tol : float
        The certified gap to reach, in nats.

    Returns
    -------
    dict
        lam, mu, weights (arrays or tensors), lower, upper, residual, iterations and status (a number, as the compiled
        solver's), problem by problem.
    """
    pairs = first.shape[2] * second.shape[2]
    size = max(1, (STACK_ON_HOST if backend is None else STACK_ON_DEVICE) // pairs)
    candidates: list[Candidate] = []
    for start in range(0, len(first), size):
        p1, p2 = first[start : start + size], second[start : start + size]
        if backend is not None:
            p1, p2 = backend.put(p1), backend.put(p2)
        candidates += solve_scaling_stack(p1, p2, tol=tol, max_iter=max_iter)
    join = np.stack if backend is None else backend.library.stack
    return {
        "lam": join([candidate.lower.lam for candidate in candidates]),
        "mu": join([candidate.lower.mu for candidate in candidates]),
        "weights": join([candidate.upper.pair_mass() for candidate in candidates]),
        "lower": np.array([candidate.lower.value for candidate in candidates]),
        "upper": np.array([candidate.upper.value for candidate in candidates]),
        "residual": np.array([candidate.upper.marginal_residual for candidate in candidates]),
        "iterations": np.array([candidate.iterations for candidate in candidates]),
        "status": np.array([STATUS_NAMES.index(_status(candidate)) for candidate in candidates]),
    }


def _status(candidate: Candidate) -> str:
    """Return the status; bounds that contradict each other are a fault, not an answer."""
    return candidate.status if candidate.gap >= -CONTRADICTION * NATS_PER_UNIT["bits"] else "stalled"
