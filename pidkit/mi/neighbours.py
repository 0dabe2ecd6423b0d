"""Neighbours in the maximum norm: k-d trees in few dimensions, brute force where a tree no longer helps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import digamma

from pidkit.types import FloatArray, IntArray

JITTER = 1e-10
"""Standard deviation of the noise that breaks ties, in standard deviations of the columns."""

BRUTE_FORCE_FROM = 12
"""Columns of a space from which all distances are computed: a k-d tree then visits most of the samples anyway."""

COUNTED_QUICKLY, COUNTING_LEAF = 2000, 20
"""Rows from which scikit-learn's tree counts, which takes cells inside a ball whole, and rows in one of its leaves.

For fewer rows scipy's is as fast, and scikit-learn need not be loaded. Rows are asked for in the order of the tree, so
that what one needs is still in the cache of the last.
"""

CELLS = 4_000_000
"""Distances computed at a time by brute force: 32 MB."""


@dataclass(frozen=True)
class NearestPairs:
    """The k nearest neighbours of every pair (a_i, b_i) in the joint space, measured in three ways.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        To the k-th neighbour in the joint space: max(|a - a'|, |b - b'|).
    side_a, side_b : ndarray, shape (n,)
        The largest distance in one marginal among the k neighbours: half the sides of the rectangle that holds them.
    """

    distance: FloatArray
    side_a: FloatArray
    side_b: FloatArray


def nearest_pairs(x: FloatArray, y: FloatArray, k: int) -> NearestPairs:
    """Find the k nearest neighbours of the pairs (x_i, y_i), themselves left out, in the maximum norm."""
    joint = np.hstack([x, y])
    index = nearest_rows(joint, k)
    side_a, side_b = (np.abs(side[index] - side[:, None]).max(axis=(1, 2)) for side in (x, y))
    return NearestPairs(np.maximum(side_a, side_b), side_a, side_b)


def balls(x: FloatArray, k: int) -> FloatArray:
    """Return for every row the distance to its k-th neighbour, itself left out."""
    index = nearest_rows(x, k)
    return np.asarray(np.abs(x[index] - x[:, None]).max(axis=(1, 2)))


def counts_within(x: FloatArray, radius: FloatArray) -> IntArray:
    """Count for every row the rows at most `radius` away, itself included."""
    if x.shape[1] == 1:
        return _counts_on_a_line(x[:, 0], radius)
    counts = np.empty(len(x), dtype=np.int64)
    if x.shape[1] < BRUTE_FORCE_FROM:
        if len(x) < COUNTED_QUICKLY:
            return np.asarray(cKDTree(x).query_ball_point(x, radius, p=np.inf, return_length=True), dtype=np.int64)
        from sklearn.neighbors import KDTree

        counter = KDTree(x, metric="chebyshev", leaf_size=COUNTING_LEAF)
        order = np.asarray(counter.idx_array)
        counts[order] = counter.query_radius(x[order], radius[order], count_only=True)
        return counts
    for rows in _blocks(len(x)):
        counts[rows] = (cdist(x[rows], x, "chebyshev") <= radius[rows, None]).sum(axis=1)
    return counts


def neighbour_terms(x: FloatArray, y: FloatArray, *, k: int, version: int = 1) -> FloatArray:
    """Return the terms, in nats, whose mean is the estimate of I(X; Y) from rows x and y without ties."""
    neighbours = nearest_pairs(x, y, k)
    if version == 1:
        radius = np.nextafter(neighbours.distance, 0.0)
        n_x, n_y = counts_within(x, radius), counts_within(y, radius)
        constant = digamma(k)
    else:
        n_x, n_y = counts_within(x, neighbours.side_a) - 1, counts_within(y, neighbours.side_b) - 1
        constant = digamma(k) - 1.0 / k
    return np.asarray(constant + digamma(len(x)) - digamma(n_x) - digamma(n_y))


def class_terms(x: FloatArray, labels: IntArray, *, k: int) -> FloatArray:
    """Return Ross's terms, in nats, of rows x without ties and labels 0..m-1, none of which is alone in its class."""
    sizes = np.bincount(labels)
    radius, k_i = np.empty(len(x)), np.empty(len(x))
    for label in np.flatnonzero(sizes):
        members = np.flatnonzero(labels == label)
        k_i[members] = fewer = min(k, members.size - 1)
        radius[members] = np.nextafter(balls(x[members], fewer), 0.0)
    m_i = counts_within(x, radius)
    return np.asarray(digamma(len(x)) + digamma(k_i) - digamma(sizes[labels]) - digamma(m_i))


def nearest_rows(x: FloatArray, k: int) -> IntArray:
    """Return for every row the indices of its k nearest others, in no particular order; shape (n, k)."""
    if x.shape[1] < BRUTE_FORCE_FROM:
        tree = cKDTree(x)
        neighbours = np.empty((len(x), k + 1), dtype=np.int64)
        neighbours[tree.indices] = tree.query(x[tree.indices], k + 1, p=np.inf)[1]
        return _without_self(neighbours)
    index = np.empty((len(x), k), dtype=np.int64)
    for rows in _blocks(len(x)):
        distance = cdist(x[rows], x, "chebyshev")
        distance[np.arange(len(distance)), np.arange(rows.start, rows.stop)] = np.inf
        index[rows] = np.argpartition(distance, k - 1, axis=1)[:, :k]
    return index


def _without_self(neighbours: IntArray) -> IntArray:
    """Drop each row's own index, or where ties hid it, the last of those found."""
    n, width = neighbours.shape
    own = neighbours == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    others: IntArray = neighbours[~own].reshape(n, width - 1)
    return others


def _counts_on_a_line(values: FloatArray, radius: FloatArray) -> IntArray:
    """Count neighbours in one dimension by bisection of the sorted values."""
    order = np.sort(values)
    own = np.searchsorted(order, values)
    last = len(order) - 1
    right = _last_within(order, own, values, radius)
    left = last - _last_within(-order[::-1], last - own, -values, radius)
    return right - left + 1


def _last_within(order: FloatArray, own: IntArray, values: FloatArray, radius: FloatArray) -> IntArray:
    """Return the last position from `own` on whose value is at most `radius` larger.

    It bisects the differences, not the values: value + radius is rounded, and one neighbour more or less matters.
    """
    low, high = own, np.full_like(own, len(order) - 1)
    while (low < high).any():
        middle = (low + high + 1) // 2
        within = order[middle] - values <= radius
        low, high = np.where(within, middle, low), np.where(within, high, middle - 1)
    return low


def _blocks(n: int) -> list[slice]:
    """Cut n rows so that a block of rows against all has at most CELLS distances."""
    step = max(1, CELLS // n)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
