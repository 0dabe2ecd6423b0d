"""The union information of two decoded layers: a market fitted to codes, scored on rows that it has not seen.

The union information is H(Y) plus the best mean of log u(y) + log v(y) over predictors u of the first layer alone and
v of the second alone with <u, v> <= 1 for every pair of them (BROJA's dual). A market of K assets gives such a pair for
every pair of posteriors: u is the best portfolio for the posterior p of the layer that holds the market, and v the best
answer p_y / r_y to the portfolio r of the other one, scaled until no asset is worth more than 1 (see `market`). So no
row pays for the codes of its posterior: codes only say which assets to hold.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from pidkit.pid.broja import solve_broja
from pidkit.representations.folds import some_rows
from pidkit.representations.market import growth
from pidkit.representations.predictors import SourcePredictors, count_table, fit_sources
from pidkit.types import FloatArray, IntArray

PORTFOLIO_TOL = 1e-6
"""Nats within which portfolios are optimal. Any portfolio gives a valid score; a better one scores that much more."""

SOLVER_TOL = 1e-5
"""Bits; the gap of the markets' own problems. The potentials of any solve are feasible, and so is their market."""

SMALLEST_ASSET = 1e-12
"""What an asset pays at least, so that every class is paid by some asset."""

MOST_WORK = 4e8
"""Beliefs times assets times squared classes up to which all rows are scored; of more, as many as stay below it."""

FEWEST_SCORED = 2_000
"""Rows that are scored whatever the work."""

SEEN_ROWS = 1_000
"""Rows that are also scored by a market that was fitted to them."""


@dataclass(frozen=True)
class UnionScores:
    """Log scores log u(y) + log v(y) - log p(y) of rows, in nats.

    Attributes
    ----------
    rows : ndarray of int
        The rows that were scored: all, or a random part.
    held_out : ndarray, shape (rows.size,)
        Their scores under markets fitted to the other folds.
    excess : float
        By how much the mean score is higher where the market was fitted to the row too; NaN where that was not asked.
    claimed : ndarray, shape (rows.size,)
        The mean score of every row if its two posteriors were the truth.
    coded : ndarray, shape (n, 3)
        log q(y|code) - log p(y) of the first and of the second layer's codes, and log u(y) + log v(y) - log p(y) of the
        best predictors from codes, of all rows, fitted to the other folds.
    coded_in_sample : ndarray, shape (3,)
        The means of these over the rows that the predictors were fitted to, averaged over the folds.
    tol : float
        By how much the portfolios of both layers may score below the best.
    """

    rows: IntArray
    held_out: FloatArray
    excess: float
    claimed: FloatArray
    coded: FloatArray
    coded_in_sample: FloatArray
    tol: float = PORTFOLIO_TOL


def union_of_one(scores: FloatArray, claimed: FloatArray, which: int) -> UnionScores:
    """Return the scores of the union where the other layer is constant: those of the one layer, without a market.

    `scores` are those of both layers, shape (n, 2), and `claimed` is what the posteriors of the one expect them to be.
    """
    coded = scores[:, [0, 1, which]]
    return UnionScores(np.arange(len(scores)), scores[:, which], 0.0, claimed, coded, coded.mean(0), tol=0.0)


def score_union(
    y: IntArray,
    posteriors: tuple[FloatArray, FloatArray],
    codes: tuple[IntArray, IntArray],
    centroids: tuple[FloatArray, FloatArray],
    folds: IntArray,
    rng: np.random.Generator,
    among: IntArray | None = None,
    *,
    in_sample: bool = True,
) -> UnionScores:
    """Score rows for the union information of two layers; the first one's codes make the market.

    For each fold BROJA is solved for the codes of the other folds' rows, their counts shrunk towards the centroids.
    The assets are u_k = exp(lam(., k)), one a code of the first layer.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    posteriors : pair of ndarray, shape (n, C)
        Calibrated, none of them zero, of decoders that had not seen the row's label.
    codes : pair of ndarray of int, shape (n,)
    centroids : pair of ndarray, shape (number of codes, C)
    folds : ndarray of int, shape (n,)
        The fold of every row.
    rng : numpy.random.Generator
        Chooses the rows where not all are scored.
    among : ndarray of int, optional
        Rows to choose from; None is all.
    in_sample : bool
        Whether to fit a market to all rows as well, which is what `excess` takes.

    References
    ----------
    Bertschinger et al., Quantifying unique information, Entropy 16, 2014; Cover, An algorithm for maximizing expected
    log investment return, IEEE Trans. Inf. Theory 30(2), 1984.
    """
    n, n_classes = posteriors[0].shape
    n_folds = int(folds.max()) + 1
    log_p = np.log(np.bincount(y) / n)[y]
    # The last market is fitted to all rows, and tells by how much a market does better on what it was fitted to.
    training = [folds != k for k in range(n_folds)] + in_sample * [np.ones(n, dtype=bool)]
    sources = [_fit_sources(y, codes, centroids, rows) for rows in training]
    tables = [one.pair_marginals() for one in sources]
    solve = functools.partial(solve_broja, tol=SOLVER_TOL, check=False, progress=False)
    last = solve(*tables[-1])
    # The problems are much alike: from the solution of one of them the others take half as long.
    solved = [*(solve(*pair, init=last.start) for pair in tables[:-1]), last]
    markets = [np.maximum(np.exp(one.lam.T), SMALLEST_ASSET) for one in solved]
    work = 2 * len(markets[0]) * n_classes**2
    among = np.arange(n) if among is None else among
    rows = among[some_rows(among.size, int(max(FEWEST_SCORED, MOST_WORK / work)), rng)]
    held_out, claimed = np.empty((2, rows.size))
    coded, coded_in_sample = np.empty((n, 3)), np.zeros(3)
    for k in range(n_folds):
        own = folds[rows] == k
        held_out[own], claimed[own] = _scores(y, posteriors, markets[k], rows[own])
        of_codes = _coded_scores(y, codes, sources[k], solved[k].lam, solved[k].mu) - log_p[:, None]
        coded[~training[k]] = of_codes[~training[k]]
        coded_in_sample += of_codes[training[k]].mean(0) / n_folds
    excess = np.nan
    if in_sample:
        seen = some_rows(rows.size, SEEN_ROWS, rng)
        again, _ = _scores(y, posteriors, markets[-1], rows[seen])
        excess = float((again - held_out[seen]).mean())
    return UnionScores(rows, held_out - log_p[rows], excess, claimed, coded, coded_in_sample)


def _fit_sources(
    y: IntArray, codes: tuple[IntArray, IntArray], centroids: tuple[FloatArray, FloatArray], rows: FloatArray
) -> SourcePredictors:
    """Return what the codes predict, fitted to some rows and shrunk towards the centroids."""
    n_y = centroids[0].shape[1]
    counts = [count_table(y[rows], code[rows], n_y, len(c)) for code, c in zip(codes, centroids, strict=True)]
    return fit_sources(counts[0], counts[1], (centroids[0].T, centroids[1].T))


def _coded_scores(
    y: IntArray, codes: tuple[IntArray, IntArray], sources: SourcePredictors, lam: FloatArray, mu: FloatArray
) -> FloatArray:
    """Return log q(y|code) of each layer and lam(y, code) + mu(y, code) of all rows, as columns."""
    first, second = codes
    columns = np.log(sources.q_1[y, first]), np.log(sources.q_2[y, second]), lam[y, first] + mu[y, second]
    return np.stack(columns, axis=1)


def _scores(
    y: IntArray, posteriors: tuple[FloatArray, FloatArray], assets: FloatArray, rows: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return log u(y) + log v(y) of some rows, and what their posteriors expect of it."""
    first, second = posteriors[0][rows], posteriors[1][rows]
    returns = growth(np.vstack([first, second]), assets, PORTFOLIO_TOL).weights @ assets
    log_u, v = np.log(returns[: rows.size]), second / returns[rows.size :]
    log_v = np.log(v / (v @ assets.T).max(1, keepdims=True))
    each = np.arange(rows.size), y[rows]
    expected = (first * log_u).sum(1) + (second * log_v).sum(1)
    return log_u[each] + log_v[each], expected
