"""Many problems by scaling: stacks of them side by side, on arrays or where the tensors are."""

from __future__ import annotations

import numpy as np

from pidkit.pid.solvers.problem import Candidate, CandidateBatch
from pidkit.pid.solvers.scaling.solver import solve_scaling_stack
from pidkit.pid.solvers.scaling.tensors import TensorPlace
from pidkit.types import FloatArray

STACK_ON_HOST = 2**15
"""Pairs (x1, x2) of one stack of arrays: what a cache holds."""

STACK_ON_DEVICE = 2**25
"""The same on tensors: a quarter of a gibibyte for every array of weights."""


def solve_in_stacks(
    p_yx1: FloatArray, p_yx2: FloatArray, *, tol: float, max_iter: int | None = None, place: TensorPlace | None = None
) -> CandidateBatch:
    """Solve a batch of marginals, given as arrays, with `solve_scaling_stack`; on tensors at `place` if there is one.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (n, n_y, n_x1) and (n, n_y, n_x2)
        Pair marginals with the same P(y); symbols without mass are allowed.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Iterations allowed for each problem, as in `solve_scaling`.
    place : TensorPlace, optional
        Where tensors are solved; lam, mu and weights of the batch then are tensors there, all else is arrays.
    """
    pairs = p_yx1.shape[2] * p_yx2.shape[2]
    size = max(1, (STACK_ON_HOST if place is None else STACK_ON_DEVICE) // pairs)
    found: list[Candidate] = []
    for start in range(0, len(p_yx1), size):
        first, second = p_yx1[start : start + size], p_yx2[start : start + size]
        if place is not None:
            first, second = place.put(first), place.put(second)
        found += solve_scaling_stack(first, second, tol=tol, max_iter=max_iter)
    join = np.stack if place is None else place.library.stack
    return CandidateBatch(
        lam=join([candidate.lower.lam for candidate in found]),
        mu=join([candidate.lower.mu for candidate in found]),
        weights=join([candidate.upper.pair_mass() for candidate in found]),
        lower=np.array([candidate.lower.value for candidate in found]),
        upper=np.array([candidate.upper.value for candidate in found]),
        marginal_residual=np.array([candidate.upper.marginal_residual for candidate in found]),
        iterations=np.array([candidate.iterations for candidate in found]),
        status=np.array([candidate.status for candidate in found]),
    )
