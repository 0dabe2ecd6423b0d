"""Certify any candidate from both sides: feasible potentials below, an exactly feasible coupling above.

BROJA's one optimisation is, in nats,

    F* = min over Q in Delta_P of  -H_Q(Y|X1,X2) = min sum Q log Q(y|x1,x2),

and every atom is F* plus terms of the pair marginals. Whatever a solver returns, be it converged, truncated or
wrong, this module turns it into two numbers with  lower <= F* <= upper  and into the objects that prove them.
Everything here is matrix products of thin factors: no array of n_y n_x1 n_x2 cells exists at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

ROUNDOFF_FACTOR = 8.0
"""Multiples of machine epsilon, per unit of summed magnitude, by which both bounds are moved outwards."""
SUM_FLOOR = 1e-290
"""Sums of exponentials, the largest taken out, do not count as smaller than this."""
LARGEST_LOG_WEIGHT = 460.0
"""Log of the largest weight of a candidate; larger ones are cut, which any candidate may be, and nothing overflows."""


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
        return scaled + np.outer(self.r[y], self.c[y] / mass) if mass > 0.0 else scaled

    def pair_mass(self) -> FloatArray:
        """Return Q(x1, x2), the coupling summed over y, shape (n_x1, n_x2)."""
        mass = self.r.sum(1, keepdims=True)
        rest = self.r.T @ np.divide(self.c, mass, out=np.zeros_like(self.c), where=mass > 0.0)
        mass_of_pairs: FloatArray = self.w * (self.a.T @ self.b) + rest
        return mass_of_pairs

    def to_dense(self) -> FloatArray:
        """Return Q[y, x1, x2], built block by block."""
        return np.stack([self.block(y) for y in range(self.a.shape[0])])


def centre_gauge(lam: FloatArray, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the same potentials in the gauge max over x1 of lam[y] = 0: (lam[y] + k, mu[y] - k) changes nothing."""
    shift = lam.max(1, keepdims=True)
    return lam - shift, mu + shift


def log_dual_slack(lam: FloatArray, mu: FloatArray) -> FloatArray:
    """Compute log sum_y exp(lam[y, x1] + mu[y, x2]), shape (n_x1, n_x2).

    Where x1 and x2 share no y the sum is zero; there, and where it underflows, the result is a finite upper bound:
    the floor of the sum when the largest potential of x1 and that of x2 are taken out of it.
    """
    a, b, top = _scaled_exponentials(lam, mu)
    result: FloatArray = np.log(a.T @ b + SUM_FLOOR) + top
    return result


def _scaled_exponentials(lam: FloatArray, mu: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a, b, top with a[y, x1] b[y, x2] exp(top[x1, x2]) = exp(lam + mu) and no entry of a or b above one."""
    lam, mu = centre_gauge(lam, mu)
    top1, top2 = lam.max(0), mu.max(0)
    return np.exp(lam - top1), np.exp(mu - top2), top1[:, None] + top2


def feasible_potentials(p_yx1: FloatArray, p_yx2: FloatArray, lam: FloatArray, mu: FloatArray) -> FeasiblePotentials:
    """Shift any potentials into the dual feasible set and evaluate the bound they prove.

    The dual of F* is max sum P(y,x1) lam + sum P(y,x2) mu subject to L(x1,x2) = log sum_y exp(lam + mu) <= 0.
    Subtracting f(x1) from lam and g(x2) from mu with f + g >= L makes any pair feasible at the price
    sum P(x1) f + sum P(x2) g; f = max_x2 L followed by g = max_x1 (L - f) is one such choice, the mirror image
    another, and the cheaper of the two is taken.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        Pair marginals, every row and column with mass.
    lam, mu : ndarray, same shapes
        Any potentials, finite on the supports and -inf off them.
    """
    lam, mu = centre_gauge(lam, mu)
    slack = log_dual_slack(lam, mu)
    p_x1, p_x2 = p_yx1.sum(0), p_yx2.sum(0)
    rows_first = _c_transform(slack)
    columns_first = _c_transform(slack.T)[::-1]
    f, g = min((rows_first, columns_first), key=lambda shifts: float(p_x1 @ shifts[0] + p_x2 @ shifts[1]))
    lam, mu = centre_gauge(lam - f[:, None].T, mu - g)
    terms = np.concatenate([_weighted(p_yx1, lam), _weighted(p_yx2, mu)])
    # What the shifts cancel, they round: a large shift leaves the potentials that much short of feasible.
    cancelled = ROUNDOFF_FACTOR * np.finfo(np.float64).eps * (np.abs(f).max() + np.abs(g).max())
    return FeasiblePotentials(lam, mu, float(terms.sum() - _roundoff(terms) - cancelled))


def _c_transform(slack: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return f, g with f[i] + g[j] >= slack[i, j]: the row maxima, then what the columns can give back."""
    f = slack.max(1)
    return f, (slack - f[:, None]).max(0)


def _weighted(p: FloatArray, potentials: FloatArray) -> FloatArray:
    """Return the terms p · potential on the support of p (off it the potential is -inf and counts nothing)."""
    support = p > 0.0
    return p[support] * potentials[support]


def _roundoff(terms: FloatArray) -> float:
    """Bound what rounding can have done to the sum of `terms`.

    Every term is a mass times a logarithm good to a few units in the last place, or, near zero, to a few epsilon;
    the masses of one sum add up to at most three.
    """
    return float(ROUNDOFF_FACTOR * np.finfo(np.float64).eps * (np.abs(terms).sum() + 1.0))


def feasible_coupling(
    p_yx1: FloatArray, p_yx2: FloatArray, lam: FloatArray, mu: FloatArray, weights: FloatArray
) -> FactoredCoupling:
    """Round any candidate to a coupling with exact marginals and bound its objective from above.

    The candidate exp(lam) W exp(mu) has its rows, then its columns, scaled down where they carry too much; what is
    missing then is added as one rank-one block for each y (Altschuler, Weed & Rigollet 2017, algorithm 2).
    """
    a, b, top = _scaled_exponentials(lam, mu)
    with np.errstate(divide="ignore"):
        w = np.exp(np.minimum(np.log(weights) + top, LARGEST_LOG_WEIGHT))
    a = a * _at_most_one(p_yx1, a * (b @ w.T))
    b = b * _at_most_one(p_yx2, b * (a @ w))
    rows, columns = a * (b @ w.T), b * (a @ w)
    r, c = np.maximum(p_yx1 - rows, 0.0), np.maximum(p_yx2 - columns, 0.0)
    mass_r, mass_c = r.sum(1), c.sum(1)
    # Equal but for rounding; a row whose rest is rounding alone on one side has none.
    rest = np.where(np.minimum(mass_r, mass_c) > 0.0, 0.5 * (mass_r + mass_c), 0.0)
    r = r * np.divide(rest, mass_r, out=np.zeros_like(rest), where=mass_r > 0.0)[:, None]
    c = c * np.divide(rest, mass_c, out=np.zeros_like(rest), where=mass_c > 0.0)[:, None]
    residual = max(float(np.abs(rows + r - p_yx1).max()), float(np.abs(columns + c - p_yx2).max()))
    terms = np.concatenate([_objective_terms(a, b, w, rows, columns), _rest_terms(r, c, rest)])
    return FactoredCoupling(a, b, w, r, c, float(terms.sum() + _roundoff(terms)), residual)


def _at_most_one(wanted: FloatArray, have: FloatArray) -> FloatArray:
    """Return min(1, wanted / have), one where there is nothing to scale."""
    largest = np.maximum(wanted, have)  # and not min(1, wanted / have): the quotient can overflow
    return np.divide(wanted, largest, out=np.ones_like(have), where=largest > 0.0)


def _objective_terms(a: FloatArray, b: FloatArray, w: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Return the terms of sum Q log Q(y|x1,x2) for Q = a w b: rows · log a + columns · log b - Q(x1,x2) log(a'b)."""
    product = a.T @ b
    joint = w * product
    return np.concatenate([_times_log(rows, a), _times_log(columns, b), -_times_log(joint, product)])


def _rest_terms(r: FloatArray, c: FloatArray, rest: FloatArray) -> FloatArray:
    """Return the same terms for the rank-one rest r c' / rest, whose weights are one."""
    b = np.divide(c, rest[:, None], out=np.zeros_like(c), where=rest[:, None] > 0.0)
    product = r.T @ b
    return np.concatenate([_times_log(r, r), _times_log(c, b), -_times_log(product, product)])


def _times_log(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return x log y where x > 0, as a flat array."""
    positive = x > 0.0
    return x[positive] * np.log(y[positive])
