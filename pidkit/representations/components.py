"""How many principal components a projected layer keeps beside its label scores: as many as help to read the label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from pidkit.mi.decoder.discriminant import Moments, choose_discriminant
from pidkit.mi.decoder.log_loss import log_loss
from pidkit.representations.folds import some_rows
from pidkit.types import FloatArray, IntArray

COMPONENTS = (0, 8, 64)
"""Numbers of principal components to choose from."""

COMPARED_TRAIN, COMPARED_STOP = 30_000, 10_000
"""Rows to fit to, and rows to read, up to which all take part in the choice; of more, so many are drawn."""

VOTERS = 20
"""Neighbours that vote, at most, where the label is not told by a linear order."""


def kept_columns(
    train: tuple[FloatArray, IntArray],
    stop: tuple[FloatArray, IntArray],
    n_scores: int,
    candidates: Sequence[int] = COMPONENTS,
) -> int:
    """Return how many of the columns, `n_scores` label scores and then principal components, read the label best.

    Components let a decoder clear the scores of a nuisance and hold what no linear score sees, and every one of them
    costs a decoder of few rows. For each number the label of the rows of `stop` is read by discriminant analysis and by
    the votes of nearest neighbours, and the lower log loss of the two counts; the number with the lowest is kept.

    Parameters
    ----------
    train, stop : tuple of ndarray (n, d) and ndarray of int (n,)
        Standardised rows and their classes.
    n_scores : int
    candidates : sequence of int
        Numbers of components, from the smallest on.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(400) % 2
    >>> rows = np.hstack([labels[:, None] + rng.normal(size=(400, 1)), rng.normal(size=(400, 64))])
    >>> parts = (rows[:200], labels[:200]), (rows[200:], labels[200:])
    >>> kept_columns(*parts, 1, (0, 64))  # noise only costs
    1
    >>> rows[:, 3] = rows[:, 0] - labels  # the noise of the score itself clears it
    >>> kept_columns(*parts, 1, (0, 64))
    65
    """
    numbers: list[int] = list(dict.fromkeys(min(n_scores + extra, train[0].shape[1]) for extra in candidates))
    losses = []
    train, stop = (_some(part, most) for part, most in ((train, COMPARED_TRAIN), (stop, COMPARED_STOP)))
    for number in numbers:
        own, read = (train[0][:, :number], train[1]), (stop[0][:, :number], stop[1])
        losses.append(min(_discriminant_loss(own, read), _neighbour_loss(own, read)))
    return min(zip(losses, numbers, strict=True))[1]


def _some(part: tuple[FloatArray, IntArray], most: int) -> tuple[FloatArray, IntArray]:
    """Return rows and their classes, or a random selection of `most` of them."""
    rows, labels = part
    if labels.size <= most:
        return part
    chosen = some_rows(labels.size, most, np.random.default_rng(0))
    return rows[chosen], labels[chosen]


def _discriminant_loss(train: tuple[FloatArray, IntArray], stop: tuple[FloatArray, IntArray]) -> float:
    """Return the log loss of discriminant analysis on the rows of `stop`, which choose its ridge and its factor."""
    n_classes = int(max(train[1].max(), stop[1].max())) + 1
    moments = Moments.of(*train, n_classes)
    weights = moments.weights(*choose_discriminant(moments, stop))
    return log_loss(weights[:-1].T @ stop[0].T + weights[-1][:, None], stop[1])[0]


def _neighbour_loss(train: tuple[FloatArray, IntArray], stop: tuple[FloatArray, IntArray]) -> float:
    """Return the log loss of the votes of nearest neighbours, the classes' frequencies counting for one of them."""
    n_classes = int(max(train[1].max(), stop[1].max())) + 1
    voters = min(VOTERS, train[1].size)
    near = train[1][KNeighborsClassifier(voters).fit(*train).kneighbors(stop[0], return_distance=False)]
    prior = (np.bincount(train[1], minlength=n_classes) + 0.5) / (train[1].size + 0.5 * n_classes)
    of_own = (near == stop[1][:, None]).sum(1)
    return float(-np.log((of_own + prior[stop[1]]) / (voters + 1.0)).mean())
