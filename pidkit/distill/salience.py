"""The greatest entries of each sample: masks of exactly the top fraction, and tensors with the rest replaced."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal, get_args

import torch
from torch import Tensor

from pidkit.arguments import one_of, real_number
from pidkit.errors import InputError

Ranking = Literal["value", "magnitude"]
"""How entries are ranked: by their value, or by their absolute value."""


def keep_top(x: Tensor, keep: float, *, by: Ranking = "value", fill: float = 0.0) -> Tensor:
    """Return `x` with only the top fraction of each sample's entries kept, the rest replaced by `fill`.

    Parameters
    ----------
    x, keep, by
        As in `top_fraction_mask`.
    fill : float
        Infinity is allowed: -inf takes an entry out of a softmax.

    Raises
    ------
    InputError
        As `top_fraction_mask`, or if `fill` is no real number.

    Examples
    --------
    >>> keep_top(torch.tensor([[1.0, -3.0, 2.0]]), 0.5, by="magnitude")
    tensor([[ 0., -3.,  2.]])
    """
    fill = real_number("fill", fill, finite=False)
    return torch.where(top_fraction_mask(x, keep, by=by), x, fill)


def top_fraction_mask(x: Tensor, keep: float, *, by: Ranking = "value") -> Tensor:
    """Return which entries are the k = max(1, ceil(keep n)) greatest of each sample's n: exactly k, whatever the ties.

    Of equal entries the first are kept. A sample that holds NaN is kept whole, so that the NaN is not hidden.

    Parameters
    ----------
    x : Tensor, shape (n_samples, ...)
    keep : float
        0 < keep <= 1.
    by : "value" or "magnitude"

    Returns
    -------
    Tensor of bool, the shape of `x`

    Raises
    ------
    InputError
        If `keep` is not in (0, 1], `by` is unknown, or the samples have no entries.

    Examples
    --------
    >>> top_fraction_mask(torch.tensor([[1.0, -3.0, 2.0, 2.0]]), 0.5)
    tensor([[False, False,  True,  True]])
    >>> top_fraction_mask(torch.tensor([[1.0, -3.0, 2.0, 2.0]]), 0.5, by="magnitude")
    tensor([[False,  True,  True, False]])
    """
    one_of("by", by, get_args(Ranking))
    if x.ndim < 2 or x[:1].numel() == 0:
        raise InputError(f"x must have shape (n_samples, ...) with entries for each sample, not {tuple(x.shape)}")
    rows = x.detach().flatten(1)
    rows = rows.abs() if by == "magnitude" else rows
    k = n_kept(keep, rows.shape[1])
    least = rows.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    above, equal = ~(rows <= least), rows == least
    n_ties = k - above.sum(1, keepdim=True)
    return (above | (equal & (equal.cumsum(1) <= n_ties))).reshape(x.shape)


def n_kept(keep: float, n: int) -> int:
    """Return k = max(1, ceil(keep n)), the number of entries kept of n.

    Raises
    ------
    InputError
        If `keep` is not in (0, 1].

    Examples
    --------
    >>> n_kept(0.5, 9), n_kept(0.07, 100), n_kept(0.01, 3)
    (5, 7, 1)
    """
    keep = check_share(keep)
    # As a fraction: in floating point .07 * 100 is a little over 7, and its ceiling 8.
    return max(1, math.ceil(Fraction(keep).limit_denominator(10**6) * n))


def check_share(keep: object) -> float:
    """Return the share of entries to keep if it lies in (0, 1], else raise InputError."""
    return real_number("keep", keep, above=0.0, most=1.0, remedy="1 keeps everything")
