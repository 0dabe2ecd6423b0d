"""Matrix scaling fits n_y tables with one shared kernel of weights to given margins, by Sinkhorn and Newton steps.

For each y we look for factors a[y], b[y] with row sums a (W b) = P(y, x1) and column sums b (W'a) = P(y, x2).
Sinkhorn's sweeps find them, but slowly if W nearly falls apart into blocks, as it does for two sources that almost
agree: each sweep then reduces the error only in proportion to the mass between the blocks. If a is eliminated, log b
maximises the concave function

    sum_x2 P(y, x2) log b - sum_x1 P(y, x1) log (W b)[x1],   Hessian  -(diag(q2) - Q' diag(1 / q1) Q),   Q = a W b.

Conjugate gradients (CG) solve its Newton equation, for all y at once, with two matrix products an iteration. They need
few iterations in the case that is hard for Sinkhorn, because the small eigenvalues that near-blocks give the scaled
Hessian lie close together.

Everything is written for stacks of problems on numpy or torch: arrays have one axis more, and each problem its kernel.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from pidkit.pid.array_math import LAST_TWO, Array, Stack, ratio

SWEEPS = 3
"""Sinkhorn sweeps before each Newton step. Most calls need only one; a Newton step costs as much as many sweeps."""

NEWTON_STEPS_PER_CALL = 2
"""Newton steps at most in one call, because the weights change before the next call anyway and it goes on from here."""

CG_ITERATIONS = 60
"""Iterations of conjugate gradients at most for one Newton step."""

CG_ACCURACY = 0.3
"""Conjugate gradients stop when the residual, in the norm of the preconditioner, has fallen to this share of its start:
the step is damped anyway, so that a more exact one gains little."""

LONGEST_STEP = 1.0
"""Largest change of a log factor in one Newton step, in nats: the quadratic model holds no further."""


class MatrixScalings(Stack):
    """The n_y scaling problems of two pair marginals; the kernel of weights changes from call to call."""

    def __init__(self, p_yx1: Array, p_yx2: Array) -> None:
        """Take the marginals to fit: shapes (..., n_y, n_x1) and (..., n_y, n_x2), the same P(y)."""
        self.xp = xp = array_namespace(p_yx1, p_yx2)
        self.p_yx1, self.p_yx2 = p_yx1, p_yx2
        # Added to denominators off the supports, where numerator and denominator are both zero.
        self.off_1, self.off_2 = xp.astype(p_yx1 == 0.0, p_yx1.dtype), xp.astype(p_yx2 == 0.0, p_yx2.dtype)

    def fit(self, b: Array, weights: Array, *, accuracy: Array) -> tuple[Array, Array]:
        """Improve b, and return a, b with exact column sums and row sums off by no more than `accuracy` in total.

        The accuracy is a goal and no promise, because the work of a call is limited; the next call continues from the
        b of this one. A problem of a stack that has reached its accuracy is not changed while the others go on.

        Parameters
        ----------
        b : array, shape (..., n_y, n_x2)
            Column factors to start from, positive on the support.
        weights : array, shape (..., n_x1, n_x2)
            The kernel, positive for every pair (x1, x2) that shares a y.
        accuracy : float or array, shape (...)
            Total error of the row sums, in probability; for a stack one for each problem.
        """
        return self._sweep(0, b, weights, accuracy)

    def _sweep(self, first: int, b: Array, weights: Array, accuracy: Array) -> tuple[Array, Array]:
        """Do the sweeps from number `first` on, with a Newton step after each SWEEPS of them."""
        last = SWEEPS * (NEWTON_STEPS_PER_CALL + 1) - 1
        rows = b @ weights.mT
        for sweep in range(first, last + 1):
            if sweep and sweep % SWEEPS == 0:
                b = b * self.xp.exp(self._newton_step(b, weights, rows))
                rows = b @ weights.mT
            rows += self.off_1
            a = self.p_yx1 / rows
            columns = a @ weights
            columns += self.off_2
            b = self.p_yx2 / columns
            if sweep == last:
                break
            rows = b @ weights.mT
            error = a * rows
            error -= self.p_yx1
            short = abs(error).sum(LAST_TWO) > accuracy
            flags = short.reshape(-1).tolist()
            if True not in flags:
                break
            if False in flags:
                rest = self.xp.nonzero(short)[0]
                a[rest], b[rest] = self[rest]._sweep(sweep + 1, b[rest], weights[rest], accuracy[rest])
                break
        return a, b

    def _newton_step(self, b: Array, weights: Array, rows: Array) -> Array:
        """Return the change of log b, at most LONGEST_STEP, from the Newton equation of each y."""
        xp = self.xp
        a = self.p_yx1 / (rows + self.off_1)
        columns = b * (a @ weights)
        # Q' diag(1/q1) Q x = b W' (middle * (W b x)), as q1 = P(y, x1) once a is eliminated.
        middle = a / (rows + self.off_1)
        diagonal = columns - b * b * (middle @ (weights * weights))
        # The diagonal is a difference and may vanish by rounding; any positive value then serves as preconditioner.
        diagonal = xp.maximum(diagonal, 1e-10 * columns) + self.off_2
        residual = self.p_yx2 - columns
        step = xp.zeros_like(b)
        direction = scaled = residual / diagonal
        size = (residual * scaled).sum(-1, keepdims=True)
        enough = CG_ACCURACY**2 * size.sum(LAST_TWO, keepdims=True)
        going = enough >= 0.0
        for _ in range(CG_ITERATIONS):
            image = columns * direction - b * ((middle * ((b * direction) @ weights.mT)) @ weights)
            # A y whose equation is solved no longer changes, nor does a problem whose equations are solved well enough.
            length = going * ratio(size, (direction * image).sum(-1, keepdims=True))
            step = step + length * direction
            residual = residual - length * image
            scaled = residual / diagonal
            new_size = (residual * scaled).sum(-1, keepdims=True)
            going = new_size.sum(LAST_TWO, keepdims=True) > enough
            if True not in going.reshape(-1).tolist():
                break
            direction = scaled + ratio(new_size, size) * direction
            size = new_size
        # Adding a constant to log b changes nothing but a, so the equation leaves it open: we subtract the mean change.
        drift = ratio((self.p_yx2 * step).sum(-1, keepdims=True), self.p_yx2.sum(-1, keepdims=True))
        step = (step - drift) * (1.0 - self.off_2)
        longest = xp.max(abs(step), axis=-1, keepdims=True)
        return step * ratio(longest.clip(0.0, LONGEST_STEP), longest)
