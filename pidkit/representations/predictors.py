"""Predictors of the target from codes, fitted to counts and shrunk until they give no symbol probability zero.

A mutual information is H(Y) plus the best mean log score that a predictor can reach, and so is the union information
of BROJA. These are the predictors that `held_out` scores: one from each source, one from both sources that obeys the
constraint of BROJA's dual, and one from the pair of codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.types import FloatArray, IntArray

HALF_COUNT = 0.5
"""What a symbol counts for before it is seen (Krichevsky & Trofimov 1981): one that a fold lacks keeps some mass."""

STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0, 1e6)
"""How many samples a prior may count for; the last one leaves the counts no say."""

POOLINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Exponents of the conditionally independent predictor in the prior of a pair of codes; the rest is the union's."""


@dataclass(frozen=True)
class SourcePredictors:
    """What each source alone predicts, and the pair marginals that belong to it.

    Attributes
    ----------
    p_y : ndarray, shape (n_y,)
        The frequencies of the target, every symbol counted HALF_COUNT times more.
    q_1, q_2 : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        q(y|x1) and q(y|x2).
    counts_1, counts_2 : ndarray
        The counts that they come from.
    strength_1, strength_2 : float
        How many samples the prior counts for in each column.
    """

    p_y: FloatArray
    q_1: FloatArray
    q_2: FloatArray
    counts_1: FloatArray
    counts_2: FloatArray
    strength_1: float
    strength_2: float

    def pair_marginals(self) -> tuple[FloatArray, FloatArray]:
        """Return P(y, x1) and P(y, x2) with these conditionals and one P(y), as `solve_broja` needs them."""
        return _joint(self.q_1, self.counts_1, self.p_y), _joint(self.q_2, self.counts_2, self.p_y)


def fit_sources(
    counts_1: FloatArray, counts_2: FloatArray, priors: tuple[FloatArray, FloatArray] | None = None
) -> SourcePredictors:
    """Fit q(y|x) = (c(y, x) + a r(y, x)) / (c(x) + a) to the counts of both sources, a by leave-one-out likelihood.

    The priors r(., x) are the target's frequencies p(y), unless others are known, such as what a decoder says of the
    rows of every code.
    """
    p_y = _frequencies(counts_1)
    r_1, r_2 = (p_y[:, None], p_y[:, None]) if priors is None else priors
    (q_1, strength_1), (q_2, strength_2) = _shrink(counts_1, r_1), _shrink(counts_2, r_2)
    return SourcePredictors(p_y, q_1, q_2, counts_1, counts_2, strength_1, strength_2)


def fit_source(counts: FloatArray) -> FloatArray:
    """Return q(y|x) of one source's counts [y, x], shrunk as `fit_sources` shrinks it."""
    return _shrink(counts, _frequencies(counts)[:, None])[0]


def count_table(y: IntArray, x: IntArray, n_y: int, n_x: int) -> FloatArray:
    """Return how often each symbol of y occurs with each of x, shape (n_y, n_x).

    Examples
    --------
    >>> count_table(np.array([0, 1, 1]), np.array([2, 0, 0]), 2, 3)
    array([[0., 0., 1.],
           [2., 0., 0.]])
    """
    return np.bincount(y * n_x + x, minlength=n_y * n_x).reshape(n_y, n_x).astype(np.float64)


def predict_pairs(
    counts: FloatArray, sources: SourcePredictors, lam: FloatArray, mu: FloatArray, x1: IntArray, x2: IntArray
) -> FloatArray:
    """Fit q(y|x1, x2) = (c(y, x1, x2) + a r(y)) / (c(x1, x2) + a) to the counts of pairs of codes.

    The prior r is proportional to u^(1 - t) v^t. u = exp(lam + mu) is the union predictor, the best that BROJA allows
    without synergy; v = q(y|x1) q(y|x2) / p(y) is right where the sources are independent given the target, as two
    noisy looks at it are. Strength a and exponent t are those of the highest leave-one-out likelihood, so that synergy
    appears only where rows bear it out.

    Parameters
    ----------
    counts : ndarray, shape (n_y, n_pairs)
    sources : SourcePredictors
    lam, mu : ndarray, shape (n_y, n_x1) and (n_y, n_x2)
        BROJA's potentials for the pair marginals of `sources`.
    x1, x2 : ndarray of int, shape (n_pairs,)
        The codes of every pair.

    Returns
    -------
    ndarray, shape (n_y, n_pairs)
    """
    log_u = lam[:, x1] + mu[:, x2]
    log_v = np.log(sources.q_1[:, x1]) + np.log(sources.q_2[:, x2]) - np.log(sources.p_y)[:, None]
    y, pair = np.nonzero(counts)
    number, total = counts[y, pair], counts.sum(0)[pair]
    log_u_seen, log_v_seen = log_u[:, pair], _leave_one_out(log_v[:, pair], sources, y, x1[pair], x2[pair])
    best, strength, pooling = -np.inf, STRENGTHS[-1], 0.0
    for t in POOLINGS:
        own = _normalised((1.0 - t) * log_u_seen + t * log_v_seen)[y, np.arange(y.size)]
        for a in STRENGTHS:
            likelihood = float((number * np.log((number - 1.0 + a * own) / (total - 1.0 + a))).sum())
            if likelihood > best:
                best, strength, pooling = likelihood, a, t
    prior = _normalised((1.0 - pooling) * log_u + pooling * log_v)
    return np.asarray((counts + strength * prior) / (counts.sum(0) + strength))


def _frequencies(counts: FloatArray) -> FloatArray:
    """Return the frequencies of the target in counts [y, x], every symbol counted HALF_COUNT times more."""
    totals = counts.sum(1)
    return np.asarray((totals + HALF_COUNT) / (totals.sum() + HALF_COUNT * totals.size))


def _shrink(counts: FloatArray, prior: FloatArray) -> tuple[FloatArray, float]:
    """Return q(y|x) with the strength of the highest leave-one-out likelihood, and that strength."""
    y, x = np.nonzero(counts)
    number, total, own = counts[y, x], counts.sum(0)[x], np.broadcast_to(prior, counts.shape)[y, x]
    scores = [(number * np.log((number - 1.0 + a * own) / (total - 1.0 + a))).sum() for a in STRENGTHS]
    strength = STRENGTHS[int(np.argmax(scores))]
    return (counts + strength * prior) / (counts.sum(0) + strength), strength


def _leave_one_out(log_v: FloatArray, sources: SourcePredictors, y: IntArray, x1: IntArray, x2: IntArray) -> FloatArray:
    """Return log q(y|x1) q(y|x2) / p(y) of cells (y, x1, x2) without one sample of the cell itself, up to a constant.

    Only the entry of the cell's own y changes but for a factor common to all y: its counts lose one, and every other
    entry grows by (c(x) + a) / (c(x) - 1 + a), which is put into the own entry instead.
    """
    changed = log_v.copy()
    own = np.arange(y.size)
    for q, counts, strength, x in (
        (sources.q_1, sources.counts_1, sources.strength_1, x1),
        (sources.q_2, sources.counts_2, sources.strength_2, x2),
    ):
        rest = counts[y, x] - 1.0 + strength * sources.p_y[y]
        changed[y, own] += np.log(rest / (counts.sum(0)[x] + strength)) - np.log(q[y, x])
    return changed


def _joint(q: FloatArray, counts: FloatArray, p_y: FloatArray) -> FloatArray:
    """Return P(y, x) with conditionals near q(y|x), all x with mass, and exactly P(y) = p_y."""
    mass = counts.sum(0) + HALF_COUNT
    joint = q * (mass / mass.sum())
    joint *= (p_y / joint.sum(1))[:, None]
    return np.asarray(joint / joint.sum())


def _normalised(log_q: FloatArray) -> FloatArray:
    """Return exp(log_q) with columns that sum to one."""
    q = np.exp(log_q - log_q.max(0))
    return np.asarray(q / q.sum(0))
