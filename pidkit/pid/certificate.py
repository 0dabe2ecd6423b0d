"""Certify any candidate from both sides: feasible potentials below, an exactly feasible coupling above.

BROJA's one optimisation is, in nats,

    F* = min over Q in Delta_P of  -H_Q(Y|X1,X2) = min sum Q log Q(y|x1,x2),

and every atom is F* plus terms of the pair marginals. Whatever a solver returns, be it converged, truncated or
wrong, this module turns it into two numbers with  lower <= F* <= upper  and into the objects that prove them.
Everything here is matrix products of thin factors: no array of n_y n_x1 n_x2 cells exists at any time. The arrays
are numpy's or torch's; `bound_below` and `bound_above` take stacks of problems as well, and symbols without mass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from pidkit.pid.array_math import LAST_TWO, Array, finite_maximum, logarithm, ratio, times_log
from pidkit.types import FloatArray

ROUNDOFF_FACTOR = 8.0
"""Multiples of machine epsilon, per unit of summed magnitude, by which both bounds are moved outwards for rounding.
Each term is good to about two epsilon; the rest is for the sums."""

SUM_FLOOR = 1e-290
"""Added to sums of exponentials after the largest is taken out, so that their logarithm is finite: far below any sum
that matters, and above the smallest normal float64."""
LARGEST_LOG_WEIGHT = 460.0
"""Largest log weight of a candidate: exp(460) is 1e200, and products with masses do not overflow. Larger weights may be
cut, because the certificate holds for any candidate."""

EPSILON = float(np.finfo(np.float64).eps)
"""Machine epsilon of float64, 2.2e-16."""


@dataclass(frozen=True)
class FeasiblePotentials:
    """Potentials with sum_y exp(lam[y, x1] + mu[y, x2]) <= 1 everywhere, and the lower bound of F* they prove."""

    lam: FloatArray
    mu: FloatArray
    value: float


@dataclass(frozen=True)
class FactoredCoupling:
    """A coupling Q in Delta_P kept as thin factors: Q[y] = a[y] w b[y] + r[y] c[y]' / m[y].

    Attributes
    ----------
    a, r : ndarray, shape (n_y, n_x1)
        Row factors of the scaled part, and row sums of the rank-one rest (r >= 0).
    b, c : ndarray, shape (n_y, n_x2)
        The same for the columns.
    w : ndarray, shape (n_x1, n_x2)
        Shared weights of the scaled part.
    value : float
        An upper bound of sum Q log Q(y|x1,x2), hence of F*, in nats. It exceeds the sum itself by no more than
        the rank-one rest can matter: the sum is convex and homogeneous in Q, so F(Q1 + Q2) <= F(Q1) + F(Q2).
    marginal_residual : float
        Largest error of the marginals of Q, measured on the factors.
    """

    a: FloatArray
    b: FloatArray
    w: FloatArray
    r: FloatArray
    c: FloatArray
    value: float
    marginal_residual: float

    def block(self, y: int) -> FloatArray:
        """Return Q[y], shape (n_x1, n_x2): one block of the coupling, the others never built."""
        scaled: FloatArray = self.a[y][:, None] * self.w * self.b[y]
        mass = self.r[y].sum()
        return scaled + self.r[y][:, None] * (self.c[y] / mass) if mass > 0.0 else scaled

    def pair_mass(self) -> FloatArray:
        """Return Q(x1, x2), the coupling summed over y, shape (n_x1, n_x2)."""
        rest = self.r.T @ ratio(self.c, self.r.sum(1, keepdims=True))
        mass_of_pairs: FloatArray = self.w * (self.a.T @ self.b) + rest
        return mass_of_pairs

    def to_dense(self) -> FloatArray:
        """Return Q[y, x1, x2], built block by block."""
        dense: FloatArray = array_namespace(self.a).stack([self.block(y) for y in range(self.a.shape[0])])
        return dense


def centre_gauge(lam: FloatArray, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the same potentials in the gauge max over x1 of lam[y] = 0: (lam[y] + k, mu[y] - k) changes nothing."""
    shift = finite_maximum(lam, axis=-1)
    return lam - shift, mu + shift


def log_dual_slack(lam: FloatArray, mu: FloatArray) -> FloatArray:
    """Compute log sum_y exp(lam[y, x1] + mu[y, x2]), shape (n_x1, n_x2).

    Where x1 and x2 share no y the sum is zero; there, and where it underflows, the result is a finite upper bound:
    the floor of the sum when the largest potential of x1 and that of x2 are taken out of it.
    """
    a, b, top = _scaled_exponentials(lam, mu)
    result: FloatArray = array_namespace(a).log(a.mT @ b + SUM_FLOOR) + top
    return result


def _scaled_exponentials(lam: Array, mu: Array) -> tuple[Array, Array, Array]:
    """Return a, b, top with a[y, x1] b[y, x2] exp(top[x1, x2]) = exp(lam + mu) and no entry of a or b above one."""
    xp = array_namespace(lam)
    lam, mu = centre_gauge(lam, mu)
    top1, top2 = finite_maximum(lam, axis=-2), finite_maximum(mu, axis=-2)
    return xp.exp(lam - top1), xp.exp(mu - top2), top1.mT + top2


def feasible_potentials(p_yx1: FloatArray, p_yx2: FloatArray, lam: FloatArray, mu: FloatArray) -> FeasiblePotentials:
    """Shift the potentials of one problem into the dual feasible set: `bound_below`, its value a float."""
    lam, mu, value = bound_below(p_yx1, p_yx2, lam, mu)
    return FeasiblePotentials(lam, mu, float(value))


def bound_below(p_yx1: Array, p_yx2: Array, lam: Array, mu: Array) -> tuple[Array, Array, Array]:
    """Shift any potentials into the dual feasible set and evaluate the bound they prove.

    The dual of F* is max sum P(y,x1) lam + sum P(y,x2) mu subject to L(x1,x2) = log sum_y exp(lam + mu) <= 0.
    Subtracting f(x1) from lam and g(x2) from mu with f + g >= L makes any pair feasible at the price
    sum P(x1) f + sum P(x2) g; f = max_x2 L followed by g = max_x1 (L - f) is one such choice, the mirror image
    another, and the cheaper of the two is taken.

    Parameters
    ----------
    p_yx1, p_yx2 : array, shape (..., n_y, n_x1) and (..., n_y, n_x2)
        Pair marginals; a symbol without mass constrains nothing.
    lam, mu : array, same shapes
        Any potentials, finite on the supports and -inf off them.

    Returns
    -------
    lam, mu : array, same shapes
        Feasible potentials.
    value : array, shape (...)
        The lower bound of F* in nats.
    """
    xp = array_namespace(p_yx1)
    lam, mu = centre_gauge(lam, mu)
    p_x1, p_x2 = p_yx1.sum(-2, keepdims=True), p_yx2.sum(-2, keepdims=True)
    slack = xp.where((p_x1.mT > 0.0) & (p_x2 > 0.0), log_dual_slack(lam, mu), -xp.inf)
    # Either way round f and g are rows, [..., 1, x1] and [..., 1, x2].
    f, g = _c_transform(slack)
    g_first, f_second = _c_transform(slack.mT)
    price, other = ((p_x1 * x).sum(-1) + (p_x2 * y).sum(-1) for x, y in ((f, g), (f_second, g_first)))
    cheaper = (price <= other)[..., None]
    f, g = xp.where(cheaper, f, f_second), xp.where(cheaper, g, g_first)
    lam, mu = centre_gauge(lam - f, mu - g)
    terms_1, terms_2 = _weighted(p_yx1, lam), _weighted(p_yx2, mu)
    # Subtracting a large shift rounds the potentials by as much as an epsilon of the shift, and may leave them
    # infeasible by that much; so do large mu that cancel large lam.
    top = xp.max(xp.where(p_yx2 > 0.0, mu, 0.0), axis=LAST_TWO)
    cancelled = ROUNDOFF_FACTOR * EPSILON * (xp.max(abs(f), axis=LAST_TWO) + xp.max(abs(g), axis=LAST_TWO) + top)
    value = terms_1.sum(LAST_TWO) + terms_2.sum(LAST_TWO) - _roundoff(terms_1, terms_2) - cancelled
    return lam, mu, value


def _c_transform(slack: Array) -> tuple[Array, Array]:
    """Return rows f, g with f[i] + g[j] >= slack[i, j]: f the row maxima, then g the column maxima of slack - f."""
    f = finite_maximum(slack, axis=-1)
    return f.mT, finite_maximum(slack - f, axis=-2)


def _weighted(p: Array, potentials: Array) -> Array:
    """Return the terms p · potential on the support of p (off it the potential is -inf and counts nothing)."""
    return p * array_namespace(p).where(p > 0.0, potentials, 0.0)


def _roundoff(*terms: Array) -> Array:
    """Bound the rounding error of the sum of all `terms` of a problem.

    Every term is a mass times a logarithm good to a few units in the last place, or, near zero, to a few epsilon;
    the masses of one sum add up to at most three.
    """
    return ROUNDOFF_FACTOR * EPSILON * (sum(abs(part).sum(LAST_TWO) for part in terms) + 1.0)


def feasible_coupling(
    p_yx1: FloatArray, p_yx2: FloatArray, lam: FloatArray, mu: FloatArray, weights: FloatArray
) -> FactoredCoupling:
    """Round the candidate of one problem to an exact coupling: `bound_above`, its numbers floats."""
    a, b, w, r, c, value, residual = bound_above(p_yx1, p_yx2, lam, mu, weights)
    return FactoredCoupling(a, b, w, r, c, float(value), float(residual))


def bound_above(p_yx1: Array, p_yx2: Array, lam: Array, mu: Array, weights: Array) -> tuple[Array, ...]:
    """Round any candidate to a coupling with exact marginals and bound its objective from above.

    The candidate exp(lam) W exp(mu) has its rows, then its columns, scaled down where they carry too much; what is
    missing then is added as one rank-one block for each y (Altschuler, Weed & Rigollet 2017, algorithm 2).

    Parameters
    ----------
    p_yx1, p_yx2, lam, mu : array, shape (..., n_y, n_x1) and (..., n_y, n_x2)
        As for `bound_below`.
    weights : array, shape (..., n_x1, n_x2)
        The weights of the candidate, not negative.

    Returns
    -------
    a, b, w, r, c, value, marginal_residual : array
        The attributes of `FactoredCoupling`; value and marginal_residual have shape (...).
    """
    xp = array_namespace(p_yx1)
    a, b, top = _scaled_exponentials(lam, mu)
    w = xp.exp((logarithm(weights) + top).clip(None, LARGEST_LOG_WEIGHT))
    a = a * _at_most_one(p_yx1, a * (b @ w.mT))
    b = b * _at_most_one(p_yx2, b * (a @ w))
    rows, columns = a * (b @ w.mT), b * (a @ w)
    r, c = (p_yx1 - rows).clip(0.0, None), (p_yx2 - columns).clip(0.0, None)
    mass_r, mass_c = r.sum(-1, keepdims=True), c.sum(-1, keepdims=True)
    # Equal but for rounding; a row whose rest is rounding alone on one side has none.
    rest = xp.where(xp.minimum(mass_r, mass_c) > 0.0, 0.5 * (mass_r + mass_c), 0.0)
    r, c = r * ratio(rest, mass_r), c * ratio(rest, mass_c)
    worst = [xp.max(abs(error), axis=LAST_TWO) for error in (rows + r - p_yx1, columns + c - p_yx2)]
    # sum Q log Q(y|x1,x2) is rows · log a + columns · log b - Q(x1,x2) log(a'b), for Q = a w b and for the rest.
    product, b_rest = a.mT @ b, ratio(c, rest)
    rest_product = r.mT @ b_rest
    terms = (
        times_log(rows, a),
        times_log(columns, b),
        -times_log(w * product, product),
        times_log(r, r),
        times_log(c, b_rest),
        -times_log(rest_product, rest_product),
    )
    value = sum(part.sum(LAST_TWO) for part in terms) + _roundoff(*terms)
    return a, b, w, r, c, value, xp.maximum(*worst)


def _at_most_one(target: Array, mass: Array) -> Array:
    """Return min(1, target / mass), and one where both are zero."""
    largest = array_namespace(mass).maximum(target, mass)  # and not min(1, target / mass): the quotient can overflow
    return ratio(target, largest) + (largest <= 0.0)
