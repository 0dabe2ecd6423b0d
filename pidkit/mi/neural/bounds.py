"""Bounds of the mutual information as pure functions: a matrix of scores in, nats out.

scores[..., i, j] = T(a_i, b_j): the diagonal holds pairs of the joint (p), the rest pairs of the product of the
marginals (q). All take (..., K, K) with K >= 2, but for `jsd_of_pairs`, and return (...); all are differentiable.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from pidkit.arguments import real_number


def jsd(scores: Tensor) -> Tensor:
    """Compute the Jensen-Shannon objective E_p[-softplus(-T)] - E_q[softplus(T)] <= 2 JSD - 2 log 2 <= 0.

    An objective, never a mutual information. Its best critic is log p(a, b) / p(a) p(b), which the others then read.
    Source: Hjelm et al., Deep InfoMax, ICLR 2019, eq. 4.

    Examples
    --------
    >>> import torch
    >>> round(float(jsd(torch.zeros(3, 3))), 4)
    -1.3863
    """
    return jsd_of_pairs(joint(scores), product(scores))


def jsd_of_pairs(positives: Tensor, negatives: Tensor) -> Tensor:
    """Compute the objective of `jsd` from scores of the joint (..., K) and of the product (..., K') apart.

    For when there is no matrix of scores, but a few negatives for each sample.

    Examples
    --------
    >>> import torch
    >>> round(float(jsd_of_pairs(torch.zeros(3), torch.zeros(1))), 4)
    -1.3863
    """
    return -F.softplus(-positives).mean(-1) - F.softplus(negatives).mean(-1)


def dv(scores: Tensor) -> Tensor:
    """Compute Donsker and Varadhan's bound E_p[T] - log E_q[e^T] <= I; it ignores a constant added to T.

    Source: Belghazi et al., MINE, ICML 2018, eq. 5.

    Examples
    --------
    >>> import torch
    >>> round(float(dv(torch.full((3, 3), 5.0))), 4) + 0.0
    0.0
    """
    return joint(scores).mean(-1) - _log_mean_exp(product(scores))


def nwj(scores: Tensor) -> Tensor:
    """Compute Nguyen, Wainwright and Jordan's bound 1 + E_p[T] - E_q[e^T] <= I, at most `dv` on the same scores.

    Written for T = log p(a, b) / p(a) p(b) at the optimum, which `jsd` trains; the literature's critic is T + 1.
    Source: Poole et al., On variational bounds of mutual information, ICML 2019, eq. 4.

    Examples
    --------
    >>> import torch
    >>> round(float(nwj(torch.zeros(3, 3))), 4)
    0.0
    """
    return 1.0 + joint(scores).mean(-1) - product(scores).exp().mean(-1)


def smile(scores: Tensor, clip: float = 5.0) -> Tensor:
    """Compute SMILE's estimate E_p[T] - log E_q[e^clip(T, -clip, clip)]: less variance than `dv`, and no bound.

    Source: Song & Ermon, Understanding the limitations of variational mutual information estimators, ICLR 2020, eq. 17.

    Raises
    ------
    InputError
        If `clip` is not a finite number above 0.

    Examples
    --------
    >>> import torch
    >>> bool(smile(torch.eye(3) * 9.0) == dv(torch.eye(3) * 9.0))
    True
    """
    clip = real_number("clip", clip, above=0.0)
    return joint(scores).mean(-1) - _log_mean_exp(product(scores).clamp(-clip, clip))


def mean_score(scores: Tensor) -> Tensor:
    """Compute E_p[T]: the mutual information if T is the log density ratio, and no bound otherwise.

    Examples
    --------
    >>> import torch
    >>> float(mean_score(torch.eye(3)))
    1.0
    """
    return joint(scores).mean(-1)


def infonce(scores: Tensor) -> Tensor:
    """Compute log K + mean_i [T_ii - logsumexp_j T_ij], a lower bound of I and never above log K.

    Of a matrix (K', K) with more columns than rows, the further columns are more draws of b, negatives for every row.

    Source: van den Oord et al., Representation learning with contrastive predictive coding, 2018; Poole et al., eq. 10.

    Examples
    --------
    >>> import torch
    >>> round(float(infonce(100.0 * torch.eye(8))) - math.log(8), 6)
    0.0
    """
    return math.log(scores.shape[-1]) + (joint(scores) - scores.logsumexp(-1)).mean(-1)


def joint(scores: Tensor) -> Tensor:
    """Return the scores of the joint, the diagonal: (..., K)."""
    return scores.diagonal(dim1=-2, dim2=-1)


def product(scores: Tensor) -> Tensor:
    """Return the scores of the product of the marginals, everything else: (..., K (K - 1))."""
    k = scores.shape[-1]
    # Without its first entry, the flattened matrix has the diagonal at the end of every K + 1.
    shifted = scores.flatten(-2)[..., 1:].reshape(*scores.shape[:-2], k - 1, k + 1)
    return shifted[..., :-1].flatten(-2)


def _log_mean_exp(scores: Tensor) -> Tensor:
    return scores.logsumexp(-1) - math.log(scores.shape[-1])


BOUNDS = {"dv": dv, "nwj": nwj, "smile": smile, "mean": mean_score, "infonce": infonce}
"""The functions whose value estimates a mutual information; `jsd` is not among them."""


class MovingAverageDV:
    """MINE's surrogate of `dv`: its gradient divides by a moving average of E_q[e^T], which lessens the batch's bias.

    Belghazi et al., MINE, ICML 2018, section 3.2. For gradients alone; its value means nothing.
    """

    def __init__(self, rate: float = 0.01) -> None:
        """Start without an average; the first batch sets it."""
        self.rate = rate
        self.average: Tensor | None = None

    def __call__(self, scores: Tensor) -> Tensor:
        """Return E_p[T] - E_q[e^T] / average."""
        mean_exp = product(scores).exp().mean(-1)
        now = mean_exp.detach()
        self.average = now if self.average is None else self.average.lerp(now, self.rate)
        return joint(scores).mean(-1) - mean_exp / self.average
