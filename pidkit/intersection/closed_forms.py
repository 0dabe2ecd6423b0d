"""Redundancies in closed form, for any number of sources: minimum mutual information and Williams and Beer's I_min."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pidkit.info import mutual_information
from pidkit.joint import check_joint
from pidkit.types import FloatArray, Unit
from pidkit.units import check_unit, from_nats


def mmi_redundancy(p: npt.ArrayLike, *, unit: Unit = "bits") -> float:
    """Compute the minimum mutual information min_i I(Y; X_i), an upper bound of every redundancy here.

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, ..., n_xk)
        Joint probabilities, target first.
    unit : str
        "bits" or "nats".

    Raises
    ------
    InputError
        If `p` is not a joint or `unit` is unknown.

    References
    ----------
    Barrett, Physical Review E 91(5), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> copy = np.zeros((4, 2, 2)); copy[[0, 1, 2, 3], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> mmi_redundancy(copy)
    1.0
    """
    check_unit(unit)
    return from_nats(min(mutual_information(pair) for pair in source_pairs(check_joint(p, n_axes=None))), unit)


def williams_beer_redundancy(p: npt.ArrayLike, *, unit: Unit = "bits") -> float:
    """Compute I_min = sum_y p(y) min_i sum_x p(x_i|y) log( p(y|x_i) / p(y) ).

    Parameters
    ----------
    p : array_like, shape (n_y, n_x1, ..., n_xk)
        Joint probabilities, target first.
    unit : str
        "bits" or "nats".

    Raises
    ------
    InputError
        If `p` is not a joint or `unit` is unknown.

    References
    ----------
    Williams & Beer, arXiv:1004.2515, 2010, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> copy = np.zeros((4, 2, 2)); copy[[0, 1, 2, 3], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> williams_beer_redundancy(copy)
    1.0
    """
    check_unit(unit)
    specific = [_specific_information(pair) for pair in source_pairs(check_joint(p, n_axes=None))]
    return from_nats(float(np.min(specific, axis=0).sum()), unit)


def source_pairs(p: FloatArray) -> list[FloatArray]:
    """Return the pair marginals p[y, x_i] of p[y, x1, ..., xk], one a source.

    Examples
    --------
    >>> import numpy as np
    >>> [pair.shape for pair in source_pairs(np.full((2, 3, 4), 1 / 24))]
    [(2, 3), (2, 4)]
    """
    axes = range(1, p.ndim)
    return [p.sum(tuple(other for other in axes if other != axis)) for axis in axes]


def _specific_information(p_yx: FloatArray) -> FloatArray:
    """Compute p(y) I(Y=y; X) = sum_x p(y, x) log( p(y|x) / p(y) ) for every y, in nats."""
    y, x = np.nonzero(p_yx)
    mass = p_yx[y, x]
    terms = mass * np.log(mass / p_yx.sum(0)[x] / p_yx.sum(1)[y])
    return np.asarray(np.bincount(y, weights=terms, minlength=len(p_yx)), dtype=np.float64)
