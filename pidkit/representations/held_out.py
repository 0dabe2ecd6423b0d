"""Scores of rows under predictors that have not seen them, and of the rows that they were fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidkit.pid.batch import solve_broja_batch
from pidkit.representations.finite_samples import CodedSamples
from pidkit.representations.predictors import SourcePredictors, count_table, fit_sources, predict_pairs
from pidkit.types import FloatArray, IntArray

FOLD_TOL = 1e-6
"""Bits; what the union predictor of a fold may fall short of the best one. No score is invalid for it: the potentials
of any solve satisfy the dual constraint, so that their scores bound the union information from below all the same."""

INFORMATIONS = ("mi_1", "mi_2", "union", "mi_joint")
"""The four informations that rows are scored for, in the order of the columns."""

OF_ATOMS = np.array([[1.0, 1.0, -1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [-1.0, 0.0, 1.0, 0.0], [0.0, 0.0, -1.0, 1.0]])
"""The atoms, in the order of ATOMS, as combinations of INFORMATIONS (Bertschinger et al. 2014)."""


def atoms_of_rows(scores: FloatArray) -> FloatArray:
    """Return the atoms of every row, shape (n, 4), from its scores for the four informations.

    Where I12 is NaN, since nothing read both layers, the synergy alone is.

    Examples
    --------
    >>> atoms_of_rows(np.array([[0.75, 0.5, 1.0, np.nan]]))
    array([[0.25, 0.5 , 0.25,  nan]])
    """
    return np.stack([scores[:, used] @ row[used] for row in OF_ATOMS for used in [row != 0.0]], axis=1)


@dataclass(frozen=True)
class Scores:
    """Log scores log q(y | .) - log p(y) in nats, the columns in the order of INFORMATIONS.

    q and p are of one fit: what is learnt of the target's own frequencies cancels, and a source that tells nothing
    scores zero.

    Attributes
    ----------
    held_out : ndarray, shape (n, 4)
        Of every row under predictors fitted to the other folds.
    from_half : ndarray, shape (n, 4)
        The same under predictors fitted to half of the folds, none of them the row's own.
    in_sample : ndarray, shape (4,)
        Means over the rows that predictors were fitted to, averaged over the folds.
    share, half_share : float
        The shares of the rows that the predictors of `held_out` and of `from_half` were fitted to.
    """

    held_out: FloatArray
    from_half: FloatArray
    in_sample: FloatArray
    share: float
    half_share: float


def cross_validate(samples: CodedSamples, folds: IntArray) -> Scores:
    """Score every row under predictors fitted to other folds; the codes are ranks without gaps.

    The BROJA problems of all folds are one batch. In the first set of problems each fold is predicted from all the
    others, in the second from the half of the folds that follow it.
    """
    n_folds = int(folds.max()) + 1
    half = max(1, n_folds // 2)
    following = [[(k + 1 + j) % n_folds for j in range(half)] for k in range(n_folds)]
    training = [folds != k for k in range(n_folds)] + [np.isin(folds, chosen) for chosen in following]
    pairs, pair_of_row = np.unique(
        np.stack([samples.x1, samples.x2]), axis=1, return_inverse=True
    )  # the triple is needed only where a pair of codes occurs
    counts = [_count(samples, rows) for rows in training]
    sources = [fit_sources(*one) for one in counts]
    tables = [one.pair_marginals() for one in sources]
    solved = solve_broja_batch(
        np.stack([first for first, _ in tables]), np.stack([second for _, second in tables]), tol=FOLD_TOL, check=False
    )
    scores, in_sample = np.empty((2, samples.n, 4)), np.zeros(4)
    for number, rows in enumerate(training):
        fold = number % n_folds
        table = count_table(samples.y[rows], pair_of_row.ravel()[rows], int(samples.y.max()) + 1, pairs.shape[1])
        log_q = _log_predictions(
            samples, sources[number], solved.lam[number], solved.mu[number], table, pairs, pair_of_row.ravel()
        ) - np.log(sources[number].p_y[samples.y, None])
        own = folds == fold
        scores[number // n_folds, own] = log_q[own]
        if number < n_folds:
            in_sample += log_q[rows].mean(0) / n_folds
    held_out, from_half = scores
    varying = [k for k, x in enumerate((samples.x1, samples.x2)) if x.max() > 0 and samples.y.max() > 0]
    if len(varying) < 2:
        # What is constant scores 0, exactly; the other source is then the union and both, and needs no learning curve.
        told = np.zeros((4, 4))
        for k in varying:
            told[k, [k, 2, 3]] = 1.0
        held_out, in_sample = held_out @ told, in_sample @ told
        from_half = held_out
    return Scores(held_out, from_half, in_sample, 1.0 - 1.0 / n_folds, half / n_folds)


def _log_predictions(
    samples: CodedSamples,
    sources: SourcePredictors,
    lam: FloatArray,
    mu: FloatArray,
    table: FloatArray,
    pairs: IntArray,
    pair_of_row: IntArray,
) -> FloatArray:
    """Return the logarithm of what the four predictors of one fold give to the true symbol of every row."""
    y, x1, x2 = samples.y, samples.x1, samples.x2
    both = predict_pairs(table, sources, lam, mu, pairs[0], pairs[1])
    return np.stack(
        [
            np.log(sources.q_1[y, x1]),
            np.log(sources.q_2[y, x2]),
            lam[y, x1] + mu[y, x2],
            np.log(both[y, pair_of_row]),
        ],
        axis=1,
    )


def _count(samples: CodedSamples, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the counts [y, x1] and [y, x2] of some rows, over the alphabets of all rows."""
    n_y = int(samples.y.max()) + 1
    first, second = (count_table(samples.y[rows], x[rows], n_y, int(x.max()) + 1) for x in (samples.x1, samples.x2))
    return first, second
