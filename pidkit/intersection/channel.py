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
