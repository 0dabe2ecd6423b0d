"""Entropies and mutual information of discrete distributions, in nats.

H(X) = -sum p log p, with 0 log 0 = 0; I(X; Y) = sum p log( p / (p(x) p(y)) )   (Cover & Thomas 2006, ch. 2).
These functions check nothing: the public functions check their input once and convert units at the end.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from scipy.special import entr

from pidkit.types import FloatArray

__all__ = [
    "conditional_entropy",
    "conditional_mutual_information",
    "entropy",
    "joint_mutual_information",
    "mutual_information",
]

LARGEST_BIAS_SHARE = 0.1
"""Share of a plug-in information from which its predicted upward bias calls for a warning."""


def entropy(p: FloatArray) -> float:
    """Compute the entropy -sum p log p of an array of masses of any shape, in nats.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> round(entropy(np.array([0.5, 0.25, 0.25])) / math.log(2.0), 12)
    1.5
    """
    return float(entr(p).sum())


def entropies(*parts: FloatArray) -> FloatArray:
    """Compute the entropies of several arrays of masses in one pass, in nats: for many small ones at once.

    Examples
    --------
    >>> import numpy as np
    >>> (entropies(np.array([0.5, 0.5]), np.array([[0.25, 0.25], [0.25, 0.25]])) / np.log(2.0)).round(12)
    array([1., 2.])
    """
    starts = list(accumulate((part.size for part in parts[:-1]), initial=0))
    sums: FloatArray = np.add.reduceat(entr(np.concatenate([part.ravel() for part in parts])), starts)
    return sums


def entropy_of_each(parts: FloatArray) -> FloatArray:
    """Compute the entropies of many distributions, the first axis counting them, in nats.

    Examples
    --------
    >>> import numpy as np
    >>> (entropy_of_each(np.array([[0.5, 0.5], [1.0, 0.0]])) / np.log(2.0)).round(12)
    array([1., 0.])
    """
    sums: FloatArray = entr(parts).reshape(len(parts), -1).sum(1)
    return sums


def conditional_entropy(p_yx: FloatArray) -> float:
    """Compute H(Y|X) = -sum p(y, x) log p(y|x) of p[y, x], in nats.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> conditional_entropy(np.array([[0.5, 0.0], [0.0, 0.5]])) == 0.0
    True
    """
    p_x = p_yx.sum(0)
    y, x = np.nonzero(p_yx)
    mass = p_yx[y, x]
    return float(-(mass * np.log(mass / p_x[x])).sum())


def mutual_information(p_yx: FloatArray) -> float:
    """Compute I(Y; X) = sum p(y, x) log( p(y, x) / (p(y) p(x)) ) of p[y, x], in nats.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> round(mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]])) / math.log(2.0), 12)
    1.0
    """
    p_y, p_x = p_yx.sum(1), p_yx.sum(0)
    y, x = np.nonzero(p_yx)
    mass = p_yx[y, x]
    # Two quotients, because p(y) p(x) underflows before either factor does.
    return float((mass * np.log(mass / p_x[x] / p_y[y])).sum())


def joint_mutual_information(p: FloatArray) -> float:
    """Compute I(Y; X1, X2, ...) of p[y, x1, x2, ...], all sources taken together, in nats.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> xor = np.zeros((2, 2, 2)); xor[[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> round(joint_mutual_information(xor) / math.log(2.0), 12)
    1.0
    """
    together = p.reshape(p.shape[0], -1)
    h_y, h_x, h_yx = entropies(together.sum(1), together.sum(0), together).tolist()
    return float(h_y + h_x - h_yx)


def conditional_mutual_information(p: FloatArray, *, a: int = 0, b: int = 1) -> float:
    """Compute I(A; B | C) = H(A, C) + H(B, C) - H(A, B, C) - H(C) of a joint, in nats.

    A and B are the axes `a` and `b` of `p`, C is all the others together; without others it is I(A; B). Of
    p[y, x1, x2] the defaults give I(Y; X1 | X2).

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> xor = np.zeros((2, 2, 2)); xor[[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> round(conditional_mutual_information(xor) / math.log(2.0), 12)
    1.0
    """
    h_ac, h_bc, h_abc, h_c = entropies(p.sum(b), p.sum(a), p, np.atleast_1d(p.sum((a, b)))).tolist()
    return float(h_ac + h_bc - h_abc - h_c)
