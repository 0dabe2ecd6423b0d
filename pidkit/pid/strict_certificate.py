"""The two bounds of `certificate` once more in 60 decimal digits: slow, and free of rounding that matters.

The problem proved here is the one closest to the tables given: float64 sums leave P(y) of the two pair marginals
different in the last digit, and no coupling has both. P(y, x1) is divided by its sum, and each row of P(y, x2) scaled
to the P(y) of the first table.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Any

import numpy as np

from pidkit.pid.certificate import FactoredCoupling, FeasiblePotentials
from pidkit.types import FloatArray

DIGITS = 60
"""Digits of the arithmetic."""

MARGIN = Decimal("1e-45")
"""Nats by which both bounds are moved outwards for the rounding of decimals: that of 1e6 terms of up to 1e9 each."""

_ZERO, _ONE = Decimal(0), Decimal(1)

_decimals: Any = np.frompyfunc(Decimal, 1, 1)
_exp: Any = np.frompyfunc(lambda x: _ZERO if x == -math.inf else Decimal(x).exp(), 1, 1)
_at_most_one: Any = np.frompyfunc(lambda target, mass: target / mass if mass > target else _ONE, 2, 1)
_or_one: Any = np.frompyfunc(lambda x: x if x > _ZERO else _ONE, 1, 1)
_not_negative: Any = np.frompyfunc(lambda x: max(x, _ZERO), 1, 1)
_times_log: Any = np.frompyfunc(lambda x, y: x * y.ln() if x > _ZERO else _ZERO, 2, 1)


def strictly_below(p_yx1: FloatArray, p_yx2: FloatArray, proof: FeasiblePotentials) -> FeasiblePotentials:
    """Return the potentials with the lower bound of F* that they prove in 60 digits, rounded down.

    All constraints at once are met by subtracting c = max log sum_y exp(lam + mu) from every lam, which costs c.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.pid.certificate import feasible_potentials
    >>> coin, tails = np.array([[0.5], [0.5]]), np.log([[0.5], [0.5]])
    >>> strictly_below(coin, coin, feasible_potentials(coin, coin, tails, 0.0 * tails)).value  # -H(Y), one bit in nats
    -0.6931471805599454
    """
    with localcontext(_context()):
        p1, p2 = _exact_tables(p_yx1, p_yx2)
        sums = _exp(proof.lam).T @ _exp(proof.mu)
        worst = sums[np.ix_(p_yx1.any(0), p_yx2.any(0))].max()
        value = sum(_weighted(p1, proof.lam), _ZERO) + sum(_weighted(p2, proof.mu), _ZERO) - worst.ln() - MARGIN
        return replace(proof, value=math.nextafter(float(value), -math.inf))


def strictly_above(p_yx1: FloatArray, p_yx2: FloatArray, proof: FactoredCoupling) -> FactoredCoupling:
    """Return the coupling with the upper bound of F* that its factors prove in 60 digits, rounded up.

    The rows and columns of a w b are shrunk to the marginals and what is lacking is filled up by a product for each y,
    as in `certificate.bound_above`.
    """
    with localcontext(_context()):
        p1, p2 = _exact_tables(p_yx1, p_yx2)
        a, b, w = _decimals(proof.a), _decimals(proof.b), _decimals(proof.w)
        a = a * _at_most_one(p1, a * (b @ w.T))
        b = b * _at_most_one(p2, b * (a @ w))
        rows, columns, product = a * (b @ w.T), b * (a @ w), a.T @ b
        r, c = _not_negative(p1 - rows), _not_negative(p2 - columns)
        shares = c / _or_one(c.sum(1, keepdims=True))
        rest = r.T @ shares
        terms = (_times_log(rows, a), _times_log(columns, b), -_times_log(w * product, product))
        terms_of_rest = (
            _times_log(r, r),
            _times_log(r.sum(1, keepdims=True) * shares, shares),
            -_times_log(rest, rest),
        )
        value = sum((part.sum() for part in (*terms, *terms_of_rest)), MARGIN)
        return replace(proof, value=math.nextafter(float(value), math.inf))


def _context() -> Context:
    """Return arithmetic in DIGITS digits, in which nothing overflows or underflows."""
    return Context(prec=DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX)


def _exact_tables(p_yx1: FloatArray, p_yx2: FloatArray) -> tuple[Any, Any]:
    """Return the pair marginals as decimals with one and the same P(y), which sums to one."""
    first, second = _decimals(p_yx1), _decimals(p_yx2)
    first = first / first.sum()
    second = second * (first.sum(1, keepdims=True) / _or_one(second.sum(1, keepdims=True)))
    return first, second


def _weighted(p: Any, potentials: FloatArray) -> Any:
    """Return the products of masses and potentials on the support."""
    has = p > _ZERO
    return p[has] * _decimals(potentials[has])
