"""The Blackwell cone: channels P(q | x_i), one for each source, with one P(y, q) in common; any number of sources.

With a_i(x_i) = P(q, x_i):   u(y) = sum_x1 P(y|x1) a_1(x1) = ... = sum_xk P(y|xk) a_k(xk)   for all y.
Only the pair marginals P(y, x_i) matter (Kolchinsky, Entropy 24(3), 2022, eq. 20 and Section 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pidkit.intersection.cone import Cone, refuse_tiny_masses
from pidkit.types import FloatArray


def blackwell_cone(pairs: Sequence[FloatArray]) -> Cone:
    """Build the cone of (P(q, x1), ..., P(q, xk)) from the pair marginals p[y, x_i], zero-mass symbols pruned.

    Examples
    --------
    >>> import numpy as np
    >>> blackwell_cone([np.full((2, 3), 1 / 6), np.full((2, 2), 0.25)]).equalities.shape
    (2, 5)
    """
    for p_yx in pairs:
        refuse_tiny_masses(p_yx)
    p_y = pairs[0].sum(1)
    used = p_y > 0.0
    with_mass = [p_yx[np.ix_(used, p_yx.sum(0) > 0.0)] for p_yx in pairs]
    sizes = [p_yx.shape[1] for p_yx in with_mass]
    starts = np.cumsum([0, *sizes])
    n = int(starts[-1])
    conditionals = [p_yx / p_yx.sum(0) for p_yx in with_mass]
    to_target = np.zeros((int(used.sum()), n))
    to_target[:, : sizes[0]] = conditionals[0]
    rows = []
    for i in range(1, len(with_mass)):
        block = np.zeros((int(used.sum()), n))
        block[:, : sizes[0]] = conditionals[0]
        block[:, starts[i] : starts[i + 1]] = -conditionals[i]
        rows.append(block)
    equalities = np.vstack(rows) if rows else np.zeros((0, n))
    scale = np.abs(equalities).max(1, initial=0.0, keepdims=True)
    total = np.concatenate([p_yx.sum(0) for p_yx in with_mass])
    return Cone(equalities / scale, to_target, total, p_y[used])


def source_channels(masses: FloatArray, totals: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
    """Turn masses P(q, x_i) of the symbols that have any into channels P(q | x_i); symbols without mass get P(q).

    Parameters
    ----------
    masses : ndarray, shape (n_q, sum of the numbers of symbols with mass)
    totals : sequence of ndarray
        P(x_i), zeros included.

    Returns
    -------
    tuple of ndarray, shapes (n_q, n_xi)
    """
    channels = []
    start = 0
    for p_x in totals:
        with_mass = np.flatnonzero(p_x)
        block = masses[:, start : start + len(with_mass)]
        channel = np.repeat(block.sum(1, keepdims=True) / block.sum(), len(p_x), axis=1)
        channel[:, with_mass] = block / block.sum(0)
        channels.append(channel)
        start += len(with_mass)
    return tuple(channels)
