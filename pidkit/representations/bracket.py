"""The interval in which the atoms of two layers' posteriors lie: what their codes lost, bounded from both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.representations.coded_model import CodedModel
from pidkit.representations.market import market_advantage
from pidkit.representations.posterior_codes import coding_loss
from pidkit.types import FloatArray

MARKET_ROWS = 5000
"""Rows up to which a market is tried on all of them; of more, an even selection of as many is taken."""

MARKET_TOL = 1e-4
"""Nats; how closely the growth rate of each of these rows is bounded."""


@dataclass(frozen=True)
class Bracket:
    """Bounds of the atoms of the posteriors themselves, which the codes stand for; in nats.

    They are relative to the decoders: a better decoder may find more of either.

    Attributes
    ----------
    redundancy, unique_1, unique_2 : tuple of float
        The lower and the upper end.
    mi_1, mi_2 : float
        I(Y;T') and I(Y;S') of the posteriors taken at their word.
    coding_loss_1, coding_loss_2 : float
        What of it the codes lost.
    upper_by_coding, upper_by_market : float
        The upper ends of the redundancy from the coding losses alone, and from the markets of either side.
    """

    redundancy: tuple[float, float]
    unique_1: tuple[float, float]
    unique_2: tuple[float, float]
    mi_1: float
    mi_2: float
    coding_loss_1: float
    coding_loss_2: float
    upper_by_coding: float
    upper_by_market: float


def atom_bracket(model: CodedModel) -> Bracket:
    """Bound the redundancy and the unique atoms of the posteriors from those of their codes.

    With l_1 and l_2 the coding losses,

        Red(C) <= Red(T',S') <= min(Red(C) + l_1 + l_2,  I(Y;T') - m_1,  I(Y;S') - m_2,  I(Y;T'),  I(Y;S')),

    since a garbling lowers redundancy, and lowers a unique atom by at most what it loses. m_1 <= Uni(Y:T' \\ S') is the
    advantage in growth of the first layer in the market whose assets are exp(lam(., t)), one for each of its codes, and
    m_2 that of the second with exp(mu(., s)). Uni_i = I_i - Red has the mirrored interval.

    Parameters
    ----------
    model : CodedModel

    Returns
    -------
    Bracket
        In nats. Beyond MARKET_ROWS rows, the market's end is a mean over a part of the rows, with its sampling error.

    Examples
    --------
    >>> from pidkit.representations.coded_model import coded_model
    >>> q = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]])
    >>> codes = np.array([0, 0, 1, 1])
    >>> found = atom_bracket(coded_model(q, q, codes, codes, np.array([0.5, 0.5])))
    >>> low, high = found.redundancy  # of two equal layers it is I(Y;T')
    >>> bool(low < found.mi_1 < high + 1e-9), bool(found.unique_1[0] < 1e-9)
    (True, True)
    """
    q_1, q_2, solution = model.posteriors_1, model.posteriors_2, model.solution
    mi_1, mi_2 = (float(_information(q, model.p_y).mean()) for q in (q_1, q_2))
    loss_1 = coding_loss(q_1, model.codes_1, model.centroids_1)
    loss_2 = coding_loss(q_2, model.codes_2, model.centroids_2)
    low = float(solution.redundancy)
    by_coding = low + float(solution.gap) + loss_1 + loss_2
    by_market = min(
        _upper_by_market(q_1, q_2, np.exp(solution.lam.T), model.p_y),
        _upper_by_market(q_2, q_1, np.exp(solution.mu.T), model.p_y),
    )
    high = max(low, min(by_coding, by_market, mi_1, mi_2))
    return Bracket(
        redundancy=(low, high),
        unique_1=(max(mi_1 - high, 0.0), mi_1 - low),
        unique_2=(max(mi_2 - high, 0.0), mi_2 - low),
        mi_1=mi_1,
        mi_2=mi_2,
        coding_loss_1=loss_1,
        coding_loss_2=loss_2,
        upper_by_coding=by_coding,
        upper_by_market=by_market,
    )


def _information(q: FloatArray, p_y: FloatArray) -> FloatArray:
    """Return KL(posterior, p_y) of every row; its mean is I(Y;T')."""
    return np.asarray((q * (np.log(q) - np.log(p_y))).sum(1))


def _upper_by_market(own: FloatArray, other: FloatArray, assets: FloatArray, p_y: FloatArray) -> float:
    """Return I(Y;T') - (E h_U(p_T) - E h_U(p_S)) in a market: an upper bound of the redundancy."""
    if len(own) > MARKET_ROWS:
        chosen = np.linspace(0, len(own) - 1, MARKET_ROWS).astype(np.int64)
        own, other = own[chosen], other[chosen]
    return float(_information(own, p_y).mean()) - market_advantage(own, other, assets, tol=MARKET_TOL)
