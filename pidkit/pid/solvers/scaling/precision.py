"""These rules decide when the scaling solver iterates in float32, which halves its time, and when in float64.

Only iterates are ever float32. The certificate is always evaluated in float64, so that it proves the same: a rounding
error of an iterate shows as a larger gap, and the float32 phase ends long before that matters.
"""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace

from pidkit.arguments import one_of
from pidkit.pid.array_math import Array
from pidkit.pid.solvers.problem import is_sparse
from pidkit.pid.solvers.scaling.weight_domain import LOG_FLOOR

SINGLE = np.finfo(np.float32)
"""The range and the rounding of float32."""

SINGLE_GAP = 12.0 * float(SINGLE.eps)
"""The gap, 1.4e-6 nats, at which iterates change to float64. In float32 they would stop at gaps of two to five times
its rounding; down to this gap they lose nothing."""

SMALLEST_MASS = math.sqrt(float(SINGLE.tiny))
"""The smallest cell, 1e-19, of marginals that are iterated on in float32: products of two are still normal numbers."""

SMALLEST_SYMBOL = math.sqrt(float(SINGLE.tiny) * math.exp(LOG_FLOOR))
"""The smallest mass of a symbol, 4e-12, for float32: the smallest weight that the solver keeps, P(x1) P(x2)
exp(-LOG_FLOOR), is then still a normal number."""

MIXED_CELLS = 8e4
"""Cells n_y n_x1 n_x2 from which "auto" takes float32. In smaller problems most of the time goes into calls."""

PRECISIONS = ("auto", "mixed", "double")
"""The precisions of the iterates that `solve_scaling` takes."""


def starts_single(p_yx1: Array, p_yx2: Array, *, precision: str) -> bool:
    """Return whether a stack of problems starts in float32.

    "double" never starts in float32. "mixed" does if float32 can hold the range of all marginals. "auto" does if, in
    addition, the problems are large enough to gain by it and their tables are not sparse, because kernels that fall
    apart into blocks need more digits.

    Raises
    ------
    InputError
        If `precision` is none of the three.
    """
    one_of("precision", precision, PRECISIONS)
    cells = math.prod(p_yx1.shape[1:]) * p_yx2.shape[-1]
    if precision == "double" or (precision == "auto" and (cells < MIXED_CELLS or is_sparse(p_yx1, p_yx2))):
        return False
    return all(_smallest(p) > SMALLEST_MASS and _smallest(p.sum(-2)) > SMALLEST_SYMBOL for p in (p_yx1, p_yx2))


def all_sound(factors: Array, p: Array) -> bool:
    """Return whether factors are finite, and positive wherever p is: no float32 has run out of its range."""
    xp = array_namespace(factors, p)
    return bool(xp.all((factors < xp.inf) & ((factors > 0.0) | (p == 0.0))))


def _smallest(mass: Array) -> float:
    """Return the smallest mass that is not zero."""
    xp = array_namespace(mass)
    return float(xp.min(xp.where(mass > 0.0, mass, 1.0)))
