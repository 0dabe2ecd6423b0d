"""Gradients of the atoms with respect to the pair marginals, from the dual potentials of a solution.

F* = max P(y,x1)·lam + P(y,x2)·mu over feasible potentials, so by the envelope theorem its gradient is the optimal
(lam, mu) itself, and every atom is F* plus terms of the pair marginals with closed-form gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.types import FloatArray

PairGradient = tuple[FloatArray, FloatArray]
"""d/dP(y,x1) and d/dP(y,x2)."""


@dataclass(frozen=True)
class AtomGradients:
    """Gradients of three BROJA atoms with respect to the pair marginals, in nats.

    In coordinates of the joint, d/dp[y,x1,x2] is the first entry at (y, x1) plus the second at (y, x2).

    Attributes
    ----------
    redundancy, unique_1, unique_2 : tuple of two ndarray
        Shapes (..., n_y, n_x1) and (..., n_y, n_x2); zero where the marginal is zero, where the one-sided derivative
        may be infinite and what moves with the mass itself (a softmax) does not feel it.
    """

    redundancy: PairGradient
    unique_1: PairGradient
    unique_2: PairGradient


def atom_gradients(p_yx1: FloatArray, p_yx2: FloatArray, lam: FloatArray, mu: FloatArray) -> AtomGradients:
    """Compute the gradients of redundancy and unique information from the potentials of a solution.

    d unique_1  = ( lam,  mu - log P(y|x2) )
    d unique_2  = ( lam - log P(y|x1),  mu )
    d redundancy = ( log P(y,x1) / (P(y) P(x1)) - lam,  log P(y|x2) - mu )

    Only changes that keep the total mass and give both marginals the same P(y) mean anything: for them the gauge of
    the potentials and all constants drop out. Where the optimal potentials are not unique (an atom at a kink) these
    are subgradients.

    Parameters
    ----------
    p_yx1, p_yx2 : ndarray, shape (..., n_y, n_x1) and (..., n_y, n_x2)
        The pair marginals that were solved.
    lam, mu : ndarray, same shapes
        Potentials of `solve_broja` or `solve_broja_batch`.

    References
    ----------
    Danskin's theorem; the dual of Makkeh, Theis & Vicente, Entropy 20(4), 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import gate, solve_broja
    >>> p = gate("COPY").joint
    >>> pair = p.sum(2), p.sum(1)
    >>> found = solve_broja(*pair, unit="nats")
    >>> first, second = atom_gradients(*pair, found.lam, found.mu).unique_1
    >>> value = (first * pair[0]).sum() + (second * pair[1]).sum()  # homogeneous of degree one: Euler's identity
    >>> bool(abs(value - found.unique_1) < 1e-9)
    True
    """
    log1, log2 = _log(p_yx1), _log(p_yx2)
    given1 = log1 - _log(p_yx1.sum(-2, keepdims=True))
    given2 = log2 - _log(p_yx2.sum(-2, keepdims=True))
    pointwise1 = given1 - _log(p_yx1.sum(-1, keepdims=True))
    on1, on2 = p_yx1 > 0.0, p_yx2 > 0.0
    lam, mu = np.where(on1, lam, 0.0), np.where(on2, mu, 0.0)
    return AtomGradients(
        redundancy=(np.where(on1, pointwise1 - lam, 0.0), np.where(on2, given2 - mu, 0.0)),
        unique_1=(lam, np.where(on2, mu - given2, 0.0)),
        unique_2=(np.where(on1, lam - given1, 0.0), mu),
    )


def _log(p: FloatArray) -> FloatArray:
    """Return log p, zero where p is zero."""
    return np.log(p, out=np.zeros_like(p), where=p > 0.0)
