"""The solver "scaling" is an accelerated mirror ascent on weights of the pairs (x1, x2), made of matrix products alone.

The optimal coupling is Q[y] = A[y] W B[y] with A = exp(lam), B = exp(mu) and weights W >= 0 on the pairs (x1, x2).
For given W, the potentials lam and mu solve n_y matrix scalings with the shared kernel W (`matrix_scaling`). What
remains is to maximise a concave function of W alone. Its gradient is A'B - 1, and the multiplicative step

    W <- W (A'B)^step

is mirror ascent on it. This step alone converges sublinearly where the optimum is degenerate. Nesterov's momentum in
log W makes it ten to a hundred times faster, under three conditions that were found by measurement:

- If the momentum of all pairs together points downhill, it is set to zero. If that of a single pair opposes the
  gradient, it is damped.
- In one iteration the momentum may change a log weight only a little.
- The scalings are fitted so accurately that the gradient can be trusted.

The method is written once, for a stack of problems of one shape, on numpy arrays or on torch tensors (CPU or GPU).
Every problem has its own momentum, accuracy and certificate, and it leaves the stack when it is solved. A single
problem is a stack of one. The iteration is in `weight_ascent`, and `precision` decides when it runs in float32.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from pidkit.pid.array_math import Array
from pidkit.pid.solvers.problem import Candidate, Progress, Start
from pidkit.pid.solvers.scaling.precision import starts_single
from pidkit.pid.solvers.scaling.weight_ascent import WeightAscent

SCALING_ITERATIONS = 50_000
"""Iterations allowed where the caller sets no limit: more than problems that converge take, while those that stall end
earlier by themselves."""

CHECK_EVERY = 30
"""Iterations between two certificates, at first; later a tenth of the iterations done. A certificate costs the matrix
products of one to two iterations, so that it takes a few percent of the time."""


def solve_scaling(
    p_yx1: Array,
    p_yx2: Array,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    precision: str = "auto",
    progress: Progress | None = None,
) -> Candidate:
    """Minimise sum Q log Q(y|x1,x2) over the couplings of two pair marginals, by accelerated scaling.

    With L = log A'B at the weights V, one iteration is

        log W' = log V + step L,   log V' = log W' + k/(k+3) (log W' - log W),
        then A, B fitted to the marginals with kernel V',

    where k is the age of the momentum. It grows by one an iteration; it shrinks for a pair whose L and log W' - log W
    differ in sign; and it starts again from zero for all pairs when sum V L (log W' - log W) < 0 (O'Donoghue & Candes
    2015). An iteration costs four or more matrix products of n_y n_x1 n_x2 multiplications each. The memory is
    proportional to n_x1 n_x2 + n_y (n_x1 + n_x2).

    Parameters
    ----------
    p_yx1, p_yx2 : array, shape (n_y, n_x1) and (n_y, n_x2)
        Pair marginals with the same P(y), float64, both numpy arrays or both torch tensors on one device. Zeros are
        allowed; so are symbols without mass, whose potentials are -inf and whose weights are zero.
    tol : float
        The certified gap to reach, in nats.
    max_iter : int, optional
        Iterations allowed; None is SCALING_ITERATIONS.
    init : tuple of array, optional
        lam, mu and weights to start from, such as those of a neighbouring problem.
    precision : str
        With "double", all iterates are float64. With "mixed", they are float32 until the gap comes near the rounding
        of float32 or stops falling, provided that float32 can hold the range of the marginals. "auto" takes "mixed"
        where that saves time. The certificate is always float64.
    progress : callable, optional
        Called at every certificate with the iteration and the gap in nats.

    Returns
    -------
    Candidate
        The last iterate and the best bounds met; status "converged", "max_iter", or "stalled" where the gap has
        stopped falling: near machine precision, and on counts so sparse (about ten for each target symbol) that the
        tables fall apart into blocks, whose potentials then drift and hold the lower bound back.

    References
    ----------
    Bertschinger, Rauh, Olbrich, Jost & Ay, Entropy 16(4), 2014 (the problem).
    O'Donoghue & Candes, Foundations of Computational Mathematics 15, 2015 (restarting Nesterov's momentum).

    Examples
    --------
    The target of an AND gate, and its two inputs:

    >>> import numpy as np
    >>> p = np.array([[0.5, 0.25], [0.0, 0.25]])
    >>> candidate = solve_scaling(p, p, tol=1e-9)
    >>> candidate.status, candidate.gap < 1e-9
    ('converged', True)
    """
    stack = None if init is None else (init[0][None], init[1][None], init[2][None])
    return solve_scaling_stack(
        p_yx1[None], p_yx2[None], tol=tol, max_iter=max_iter, init=stack, precision=precision, progress=progress
    )[0]


def solve_scaling_stack(
    p_yx1: Array,
    p_yx2: Array,
    *,
    tol: float,
    max_iter: int | None = None,
    init: Start | None = None,
    precision: str = "auto",
    progress: Progress | None = None,
) -> list[Candidate]:
    """Solve many problems of one shape side by side; each gets what `solve_scaling` gives it alone, but for rounding.

    Parameters
    ----------
    p_yx1, p_yx2 : array, shape (b, n_y, n_x1) and (b, n_y, n_x2)
        Pair marginals as `solve_scaling` takes them, one problem after the other. Joints with fewer symbols can be
        padded with symbols without mass.
    tol, max_iter, precision
        As in `solve_scaling`, for each problem. All problems change from float32 to float64 together.
    init : tuple of array, optional
        Stacks of lam, mu and weights to start from.
    progress : callable, optional
        Called with the iteration and the largest gap, in nats, of the problems not yet solved.

    Returns
    -------
    list of Candidate
        One for each problem, in order; their arrays are of the library, and on the device, of the marginals.

    Examples
    --------
    AND, and a target that its first input alone decides:

    >>> import numpy as np
    >>> p_yx1 = np.array([[[0.5, 0.25], [0.0, 0.25]], [[0.5, 0.0], [0.0, 0.5]]])
    >>> p_yx2 = np.array([[[0.5, 0.25], [0.0, 0.25]], [[0.25, 0.25], [0.25, 0.25]]])
    >>> [candidate.status for candidate in solve_scaling_stack(p_yx1, p_yx2, tol=1e-9)]
    ['converged', 'converged']
    """
    limit = SCALING_ITERATIONS if max_iter is None else max_iter
    candidates: dict[int, Candidate] = {}
    single = starts_single(p_yx1, p_yx2, precision=precision)
    ascent, next_check = WeightAscent(p_yx1, p_yx2, tol, init, single=single), 0
    for iteration in range(limit + 1):
        if iteration in (next_check, limit):
            ascent.certify(iteration)
            if progress is not None:
                progress(iteration, float(array_namespace(p_yx1).max(ascent.bounds.gap)))
            leaving = (ascent.bounds.gap <= tol) | ascent.bounds.stalled(iteration) | (iteration == limit)
            candidates |= ascent.candidates(leaving, iteration, tol)
            if len(candidates) == p_yx1.shape[0]:
                break
            if bool(leaving.any()):
                ascent = ascent[ascent.xp.nonzero(~leaving)[0]]
            ascent.adapt(iteration, restore=iteration == 0 and init is not None)
            next_check = iteration + max(CHECK_EVERY, iteration // 10)
        ascent.iterate()
    return [candidates[index] for index in range(p_yx1.shape[0])]
