"""The Griffith-Ho cone: channels P(q | y, x1, x2) that keep Y - X1 - Q and Y - X2 - Q, as masses P(q, y, x1, x2).

With v(y, x1, x2) = P(q, y, x1, x2), a(x1) = P(q, x1) and b(x2) = P(q, x2) the two Markov chains are linear,
    sum_x2 v(y, x1, x2) = P(y|x1) a(x1),      sum_x1 v(y, x1, x2) = P(y|x2) b(x2)      for all y,
and u(y) = sum v(y, ., .). The cone separates over the connected components of the support of P(x1, x2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.intersection.cone import Cone, refuse_tiny_masses
from pidkit.types import FloatArray

OutcomeIndex = tuple[npt.NDArray[np.intp], ...]
"""Integer arrays that together index an array, one for each axis, as np.nonzero returns them."""


@dataclass(frozen=True)
class GriffithHo:
    """Hold the cone of a joint together with where its variables belong.

    Attributes
    ----------
    p : ndarray, shape (n_y, n_x1, n_x2)
    support : tuple of three index arrays
        The outcomes behind the first variables.
    symbols : tuple of two index arrays
        The x1 and then the x2 with mass, behind the remaining variables.
    cone : Cone
    """

    p: FloatArray
    support: OutcomeIndex
    symbols: OutcomeIndex
    cone: Cone


def griffith_ho_cone(p: FloatArray) -> GriffithHo:
    """Build the cone of P(q, y, x1, x2) under both Markov chains, for p[y, x1, x2] with zero-mass symbols pruned.

    Examples
    --------
    >>> import numpy as np
    >>> griffith_ho_cone(np.full((2, 2, 2), 0.125)).cone.equalities.shape
    (8, 12)
    """
    refuse_tiny_masses(p)
    support = np.nonzero(p)
    mass = p[support]
    n_outcomes = len(mass)
    used = np.flatnonzero(p.sum((1, 2)))
    symbols = (np.flatnonzero(p.sum((0, 2))), np.flatnonzero(p.sum((0, 1))))
    n = n_outcomes + len(symbols[0]) + len(symbols[1])
    blocks = []
    offset = n_outcomes
    for axis, kept in enumerate(symbols, start=1):
        p_yx = p.sum(3 - axis)
        pairs = np.argwhere(p_yx > 0.0)
        rows = np.zeros((len(pairs), n))
        here = (support[0] == pairs[:, :1]) & (support[axis] == pairs[:, 1:])
        rows[:, :n_outcomes] = here
        conditional = (p_yx / np.where(p_yx.sum(0) > 0.0, p_yx.sum(0), 1.0))[pairs[:, 0], pairs[:, 1]]
        rows[np.arange(len(pairs)), offset + np.searchsorted(kept, pairs[:, 1])] = -conditional
        offset += len(kept)
        blocks.append(rows)
    to_target = np.zeros((len(used), n))
    to_target[np.searchsorted(used, support[0]), np.arange(n_outcomes)] = 1.0
    total = np.concatenate([mass, p.sum((0, 2))[symbols[0]], p.sum((0, 1))[symbols[1]]])
    return GriffithHo(p, support, symbols, Cone(np.vstack(blocks), to_target, total, p.sum((1, 2))[used]))


def joint_channel(problem: GriffithHo, parts: FloatArray) -> FloatArray:
    """Turn masses of each symbol into P(q | y, x1, x2); outcomes without mass get P(q).

    Parameters
    ----------
    problem : GriffithHo
    parts : ndarray, shape (n_q, n)

    Returns
    -------
    ndarray, shape (n_q, n_y, n_x1, n_x2)
    """
    joint = parts[:, : len(problem.support[0])]
    marginal = joint.sum(1) / joint.sum()
    channel = np.broadcast_to(marginal[:, None, None, None], (len(parts), *problem.p.shape)).copy()
    y, x1, x2 = problem.support
    channel[:, y, x1, x2] = joint / joint.sum(0)
    return channel
