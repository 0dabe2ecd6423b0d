"""A batch is solved by "scaling" in stacks that fit the cache, on numpy arrays or on the device of the tensors."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers.problem import Candidate, CandidateBatch
from pidkit.pid.solvers.scaling.solver import solve_scaling_stack
from pidkit.pid.solvers.scaling.tensors import TensorBackend
from pidkit.types import FloatArray

STACK_ON_HOST = 2**15
"""Pairs (x1, x2) of one stack of numpy arrays: its weights take 256 KiB, and all its arrays stay in the cache."""

STACK_ON_DEVICE = 2**25
"""The same for tensors on a device, which work best on large arrays: each array of weights takes 256 MiB."""


def solve_in_stacks(
    p_yx1: FloatArray,
    p_yx2: FloatArray,
    *,
    tol: float,
    max_iter: int | None = None,
    backend: TensorBackend | None = None,
) -> CandidateBatch:
    """Solve a batch of marginals, given as arrays, with `solve_scaling_stack`; on tensors at `backend` if there is one.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Pair marginals with the same P(y); symbols without mass are allowed.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Iterations allowed for each problem, as in `solve_scaling`.
    backend : TensorBackend, optional
        The library and device to solve on. The batch's lam, mu and weights are then tensors there; all else is arrays.
    """
    pairs = p_yx1.shape[2] * p_yx2.shape[2]
    size = max(1, (STACK_ON_HOST if backend is None else STACK_ON_DEVICE) // pairs)
    candidates: list[Candidate] = []
    for start in range(0, len(p_yx1), size):
        first, second = p_yx1[start : start + size], p_yx2[start : start + size]
        if backend is not None:
            first, second = backend.put(first), backend.put(second)
        candidates += solve_scaling_stack(first, second, tol=tol, max_iter=max_iter)
    join = np.stack if backend is None else backend.library.stack
    return CandidateBatch(
        lam=join([candidate.lower.lam for candidate in candidates]),
        mu=join([candidate.lower.mu for candidate in candidates]),
        weights=join([candidate.upper.pair_mass() for candidate in candidates]),
        lower=np.array([candidate.lower.value for candidate in candidates]),
        upper=np.array([candidate.upper.value for candidate in candidates]),
        marginal_residual=np.array([candidate.upper.marginal_residual for candidate in candidates]),
        iterations=np.array([candidate.iterations for candidate in candidates]),
        status=np.array([candidate.status for candidate in candidates]),
    )
