"""Scale n_y tables to given margins at once, all with the same kernel of weights: sweeps, then Newton steps by CG.

For each y the factors a[y], b[y] are sought with row sums a (W b) = P(y, x1) and column sums b (W'a) = P(y, x2).
Sinkhorn's sweeps do that, slowly where W nearly falls apart into blocks (two sources that almost agree): the error
shrinks by the mass between the blocks. With a eliminated, log b maximises the concave function

    sum_x2 P(y, x2) log b - sum_x1 P(y, x1) log (W b)[x1],   Hessian  -(diag(q2) - Q' diag(1 / q1) Q),   Q = a W b,

whose Newton equation conjugate gradients solve with two matrix products an iteration, for all y side by side; between
near-blocks the scaled eigenvalues of the Hessian are small but alike, which CG does not mind.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SWEEPS = 3
"""Sweeps before each Newton step; most calls need no more than one."""

NEWTON_STEPS = 2
"""Newton steps in one call at most; the next call goes on from there."""

CG_ITERATIONS = 60
"""Iterations of CG for one Newton step at most."""

CG_ACCURACY = 0.3
"""Share of the residual, in the norm of the preconditioner, at which CG stops."""

LONGEST_STEP = 1.0
"""Nats by which a Newton step may change a factor."""


class MatrixScalings:
    """The n_y scaling problems of two pair marginals; the kernel of weights changes from call to call."""

    def __init__(self, p_yx1: FloatArray, p_yx2: FloatArray) -> None:
        """Take the marginals to fit: shapes (n_y, n_x1) and (n_y, n_x2), the same P(y)."""
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        self.p_y = p_yx2.sum(1, keepdims=True)
        # Added to denominators off the supports, where numerator and denominator are both zero.
        self.off_1, self.off_2 = (p_yx1 == 0.0).astype(np.float64), (p_yx2 == 0.0).astype(np.float64)

    def fit(self, b: FloatArray, weights: FloatArray, *, accuracy: float) -> tuple[FloatArray, FloatArray]:
        """Improve b, and return a, b with exact column sums and row sums off by no more than `accuracy` in total.

        The accuracy is what is aimed at: the work is limited, and a call that falls short hands its progress on in b.

        Parameters
        ----------
        b : ndarray, shape (n_y, n_x2)
            Column factors to start from, positive on the support.
        weights : ndarray, shape (n_x1, n_x2)
            The kernel, positive for every pair (x1, x2) that shares a y.
        accuracy : float
            Total error of the row sums, in probability.
        """
        rows = b @ weights.T
        for newton_steps_left in range(NEWTON_STEPS, -1, -1):
            for _ in range(SWEEPS):
                a = self.p_yx1 / (rows + self.off_1)
                b = self.p_yx2 / (a @ weights + self.off_2)
                rows = b @ weights.T
                if np.abs(a * rows - self.p_yx1).sum() <= accuracy:
                    return a, b
            if newton_steps_left:
                b = b * np.exp(self._newton_step(b, weights, rows))
                rows = b @ weights.T
        return a, b

    def _newton_step(self, b: FloatArray, weights: FloatArray, rows: FloatArray) -> FloatArray:
        """Return the change of log b, at most LONGEST_STEP, from the Newton equation of each y."""
        a = self.p_yx1 / (rows + self.off_1)
        columns = b * (a @ weights)
        # Q' diag(1/q1) Q x = b W' (middle * (W b x)), as q1 = P(y, x1) once a is eliminated.
        middle = a / (rows + self.off_1)
        diagonal = columns - b * b * (middle @ (weights * weights))
        # The diagonal is a difference; where rounding eats it, any positive value is a preconditioner.
        diagonal = np.maximum(diagonal, 1e-10 * columns) + self.off_2
        residual = self.p_yx2 - columns
        step = np.zeros_like(b)
        direction = scaled = residual / diagonal
        size = (residual * scaled).sum(1, keepdims=True)
        enough = CG_ACCURACY**2 * size.sum()
        for _ in range(CG_ITERATIONS):
            image = columns * direction - b * ((middle * ((b * direction) @ weights.T)) @ weights)
            length = _ratio(size, (direction * image).sum(1, keepdims=True))
            step = step + length * direction
            residual = residual - length * image
            scaled = residual / diagonal
            new_size = (residual * scaled).sum(1, keepdims=True)
            if new_size.sum() <= enough:
                break
            direction = scaled + _ratio(new_size, size) * direction
            size = new_size
        # Constants are the null vectors of the Hessian: take them out, so that the gauge does not drift.
        step = (step - (self.p_yx2 * step).sum(1, keepdims=True) / self.p_y) * (1.0 - self.off_2)
        longest = np.abs(step).max(1, keepdims=True)
        shortened: FloatArray = step * _ratio(np.minimum(longest, LONGEST_STEP), longest)
        return shortened


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient, zero where the denominator is not positive: a y whose equation is solved stands still."""
    quotient: FloatArray = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0.0)
    return quotient
