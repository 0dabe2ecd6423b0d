"""The informations of a channel P(q | y, x1, x2): I(Q;Y), and how far it is from the two Markov chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.info import mutual_information
from pidkit.types import FloatArray


@dataclass(frozen=True)
class ChannelInformation:
    """Hold I(Q;Y), I(Q;Y|X1) and I(Q;Y|X2) of a common variable, in nats."""

    target: float
    given_x1: float
    given_x2: float

    @property
    def residual(self) -> float:
        """The larger of the two conditional informations, zero under both Markov chains."""
        return max(self.given_x1, self.given_x2)


def channel_information(p: FloatArray, common: FloatArray) -> ChannelInformation:
    """Compute I(Q;Y), I(Q;Y|X1) and I(Q;Y|X2) of Q ~ P(q | y, x1, x2), in nats.

    Parameters
    ----------
    p : ndarray, shape (n_y, n_x1, n_x2)
    common : ndarray, shape (n_q, n_y, n_x1, n_x2)

    Examples
    --------
    >>> import numpy as np
    >>> xor = np.zeros((2, 2, 2)); xor[[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 1]] = 0.25
    >>> tells_y = np.broadcast_to(np.eye(2)[:, :, None, None], (2, 2, 2, 2))
    >>> round(channel_information(xor, tells_y).given_x1 / float(np.log(2.0)), 9)
    1.0
    """
    joint = common * p
    return ChannelInformation(
        target=max(mutual_information(joint.sum((2, 3))), 0.0),  # rounding may leave -1e-17
        given_x1=conditional_information(joint.sum(3)),
        given_x2=conditional_information(joint.sum(2)),
    )


def markov_deviation(p: FloatArray, common: FloatArray) -> float:
    """Compute the largest total variation between P(q | y, x_i) and P(q | x_i), of both sources and all (y, x_i).

    It is zero under both Markov chains, and unlike the conditional informations it does not weigh outcomes by their
    mass.

    Parameters
    ----------
    p : ndarray, shape (n_y, n_x1, n_x2)
    common : ndarray, shape (n_q, n_y, n_x1, n_x2)

    Examples
    --------
    >>> import numpy as np
    >>> rare = np.zeros((2, 2, 2)); rare[0, 0, 0] = rare[1, 1, 1] = 0.5 - 5e-10; rare[1, 1, 0] = 1e-9
    >>> tells_x1 = np.broadcast_to(np.eye(2)[:, None, :, None], (2, 2, 2, 2))
    >>> channel_information(rare, tells_x1).residual, markov_deviation(rare, tells_x1)  # doctest: +ELLIPSIS
    (2.1...e-08, 0.999999998...)
    """
    joint = common * p
    largest = 0.0
    for axis in (3, 2):
        masses, total = joint.sum(axis), p.sum(axis - 1)
        y, x = np.nonzero(total)
        given_both = masses[:, y, x] / total[y, x]
        given_x = masses.sum(1)[:, x] / total.sum(0)[x]
        largest = max(largest, float(np.abs(given_both - given_x).sum(0).max()) / 2.0)
    return largest


def conditional_information(p_qyx: FloatArray) -> float:
    """Compute I(Q;Y|X) = sum p(q,y,x) log( p(q,y,x) p(x) / (p(q,x) p(y,x)) ) of p[q, y, x], in nats.

    Examples
    --------
    >>> import numpy as np
    >>> conditional_information(np.full((2, 2, 2), 0.125))
    0.0
    """
    q, y, x = np.nonzero(p_qyx)
    mass = p_qyx[q, y, x]
    ratio = (mass / p_qyx.sum(0)[y, x]) / (p_qyx.sum(1)[q, x] / p_qyx.sum((0, 1))[x])
    return max(float((mass * np.log(ratio)).sum()), 0.0)  # rounding may leave -1e-17
