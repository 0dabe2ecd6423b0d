"""Codes of posteriors that lose little of what they tell: k-means under the Kullback-Leibler divergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.cluster import kmeans_plusplus

from pidkit.arguments import whole_number
from pidkit.errors import InputError
from pidkit.representations.folds import some_rows
from pidkit.representations.predictors import count_table, fit_source
from pidkit.types import FloatArray, IntArray

CLUSTERED_ROWS = 20_000
"""Rows up to which centroids are fitted to all of them; of more, a random selection of as many is taken."""

COMPARED_ROWS = 50_000
"""Rows that are compared with all centroids at a time."""

CLUSTERING_ITERATIONS = 100

SETTLED = 1e-7
"""Nats; centroids are left as they are once an iteration lowers the mean divergence by less."""

SMALLEST = 1e-12
"""Probability that a posterior counts as having at least."""


class RowCodes(NamedTuple):
    """The code of every row, ranks 0, 1, ... without gaps, and the mean posterior of every code."""

    codes: IntArray
    centroids: FloatArray


def posterior_codes(posteriors: FloatArray, n_codes: int, rng: np.random.Generator) -> RowCodes:
    """Return the code of every posterior and the centroids, minimising the mean of KL(posterior, its centroid).

    I(Y;T') - I(Y;C) is that mean where posteriors are calibrated and a code's centroid is the mean of its posteriors:
    this is k-means with the Bregman divergence of the entropy, and no better codes of as many symbols are known but
    for its local optima. It starts from k-means++ on the square roots (Hellinger distance). A row's posterior does not
    know its label where decoders are cross-fitted, so that centroids may be fitted to all rows.

    Parameters
    ----------
    posteriors : ndarray, shape (n, C)
    n_codes : int
        At most; posteriors with fewer distinct rows get as many codes as those, and empty ones are left out.
    rng : numpy.random.Generator

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    centroids : ndarray, shape (number of codes, C)
        The mean posterior of every code.

    References
    ----------
    Dhillon, Mallela & Kumar, A divisive information-theoretic feature clustering algorithm, JMLR 3, 2003; Banerjee et
    al., Clustering with Bregman divergences, JMLR 6, 2005.

    Examples
    --------
    >>> q = np.array([[0.9, 0.1], [0.88, 0.12], [0.1, 0.9], [0.1, 0.9]])
    >>> codes, centroids = posterior_codes(q, 2, np.random.default_rng(0))
    >>> bool(codes[0] == codes[1] != codes[2] == codes[3]), centroids.shape
    (True, (2, 2))
    """
    whole_number("n_codes", n_codes, least=1)
    rows = posteriors[some_rows(len(posteriors), CLUSTERED_ROWS, rng)]
    roots = np.sqrt(rows)
    n_codes = min(n_codes, len(np.unique(roots.round(9), axis=0)))
    seed = int(rng.integers(2**31))
    centroids = rows[kmeans_plusplus(roots, n_codes, random_state=seed)[1]]
    before = np.inf
    for _ in range(CLUSTERING_ITERATIONS):
        codes, divergence = _nearest(rows, centroids)
        if before - divergence < SETTLED:
            break
        before = divergence
        centroids = _means(rows, codes)
    codes, _ = _nearest(posteriors, centroids)
    codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return RowCodes(codes, _means(posteriors, codes))


def choose_codes(
    posteriors: FloatArray, labels: IntArray, grid: Sequence[int], folds: IntArray, rng: np.random.Generator
) -> RowCodes:
    """Return the codes and centroids, of as many as predict the labels of held-out rows best; see `posterior_codes`.

    More codes lose less, but their counts are fewer: held-out scores of q(y | code), shrunk as `estimate_pid` shrinks
    it, weigh one against the other. The smallest number wins that comes within a standard error of the best score's
    difference to its own.
    """
    tried = []
    for n_codes in grid:
        coded = posterior_codes(posteriors, n_codes, rng)
        tried.append((_held_out_scores(coded.codes, labels, folds), coded))
    best = max(tried, key=lambda one: float(one[0].mean()))[0]
    for scores, coded in tried:
        behind = best - scores
        if behind.mean() <= behind.std() / np.sqrt(labels.size):
            return coded
    raise AssertionError("the best number of codes is not behind itself")


def coding_loss(posteriors: FloatArray, codes: IntArray, centroids: FloatArray) -> float:
    """Return the mean of KL(posterior, centroid of its code), in nats: I(Y;T') - I(Y;C) of calibrated posteriors.

    Raises
    ------
    InputError
        If there is not one code a posterior.

    Examples
    --------
    >>> q = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> round(float(coding_loss(q, np.array([0, 0]), np.array([[0.5, 0.5]])) / np.log(2)), 6)
    1.0
    """
    if len(codes) != len(posteriors):
        raise InputError(f"codes must have one entry a posterior; there are {len(codes)} for {len(posteriors)}")
    inside, centre = np.maximum(posteriors, SMALLEST), np.maximum(centroids, SMALLEST)
    return float((posteriors * (np.log(inside) - np.log(centre)[codes])).sum(1).mean())


def _nearest(rows: FloatArray, centroids: FloatArray) -> tuple[IntArray, float]:
    """Return the centroid of the smallest divergence for every row, and the mean divergence."""
    logs = np.log(np.maximum(centroids, SMALLEST)).T
    codes, divergence = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    for begin in range(0, len(rows), COMPARED_ROWS):
        own = slice(begin, begin + COMPARED_ROWS)
        some = rows[own]
        cross = some @ logs
        codes[own] = cross.argmax(1)
        entropy = (some * np.log(np.maximum(some, SMALLEST))).sum(1)
        divergence[own] = entropy - cross[np.arange(len(some)), codes[own]]
    return codes, float(divergence.mean())


def _means(rows: FloatArray, codes: IntArray) -> FloatArray:
    """Return the mean row of every code that occurs."""
    ranks = np.unique(codes, return_inverse=True)[1]
    sums = np.stack([np.bincount(ranks, weights=column) for column in rows.T], axis=1)
    return np.asarray(sums / np.bincount(ranks)[:, None])


def _held_out_scores(codes: IntArray, labels: IntArray, fold: IntArray) -> FloatArray:
    """Return log q(y | code) of every row, q being fitted to the other folds."""
    n_y, n_x = int(labels.max()) + 1, int(codes.max()) + 1
    scores = np.empty(labels.size)
    for k in range(int(fold.max()) + 1):
        seen, own = fold != k, fold == k
        counts = count_table(labels[seen], codes[seen], n_y, n_x)
        scores[own] = np.log(fit_source(counts)[labels[own], codes[own]])
    return scores
