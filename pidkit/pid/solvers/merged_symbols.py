"""Merge source symbols that say the same about the target: what is left of large alphabets in samples.

Two symbols with P(y|x) = P(y|x') are one symbol to every quantity here: I(Y;X) and F* = min -H_Q(Y|X1,X2) are the same
with them merged. (A coupling of the merged symbol is split in proportion to P(x) and P(x'), which changes no
Q(y|x1,x2); and merging never raises H_Q(Y|X1,X2) of a coupling by convexity.) Of 20,000 codes in 20,000 samples some
400 are left.
"""

from __future__ import annotations

import numpy as np

from pidkit.types import FloatArray

MANY_SYMBOLS = 200
"""Symbols of a source from which equal ones are looked for: below, the search costs more than it saves."""

ALIKE = 40
"""Binary digits to which two posteriors agree that count as one; counts of up to 1e6 samples differ before."""


def merge_symbols(p_yx: FloatArray) -> FloatArray:
    """Return P(y, x), shape (n_y, n_x), with the symbols of one posterior merged; itself where there are few.

    Examples
    --------
    >>> import numpy as np
    >>> once = np.repeat(np.eye(2), 300, axis=1) / 600
    >>> merge_symbols(once)
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    p_x = p_yx.sum(0)
    if p_yx.shape[1] < MANY_SYMBOLS or not p_x.all():
        return p_yx
    posterior = np.rint(np.ldexp(p_yx / p_x, ALIKE)).astype(np.int64)
    kinds, kind = np.unique(posterior, axis=1, return_inverse=True)
    merged = np.zeros((len(p_yx), kinds.shape[1]))
    np.add.at(merged.T, kind.ravel(), p_yx.T)
    return merged
