"""What a decoder may be besides the label decoder: nearest neighbours, any scikit-learn classifier, logits."""

from __future__ import annotations

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier

from pidkit.errors import InputError
from pidkit.mi.decoder.network import UNIFORM_SHARE
from pidkit.mi.samples import scaling
from pidkit.mi.splits import ThreeWaySplit
from pidkit.types import FloatArray, IntArray

NEIGHBOURS = (5, 10, 20, 50, 100)
"""Numbers of neighbours to choose from by the log loss of the rows of `stop`."""

PRIOR_NEIGHBOURS = 1.0
"""How many neighbours the frequencies of the classes count for."""


@runtime_checkable
class ProbabilisticClassifier(Protocol):
    """A scikit-learn classifier with `predict_proba`."""

    def fit(self, x: Any, y: Any) -> Any:
        """Fit to rows and labels."""
        ...

    def predict_proba(self, x: Any) -> Any:
        """Return q(y | x), a column a class of `classes_`."""
        ...

    def get_params(self) -> Any:
        """Return the parameters, so that the classifier can be cloned."""
        ...


def nearest_neighbours(rows: FloatArray, labels: IntArray, split: ThreeWaySplit) -> FloatArray:
    """Return q(y | a) = (neighbours of class y + p(y)) / (neighbours + 1) of every row, from the rows of `train`.

    Columns are standardised by the rows of `train`. The number of neighbours is chosen by the rows of `stop`.
    """
    shift, scale = scaling(rows[split.train])
    rows = (rows - shift) / scale
    n_classes = int(labels.max()) + 1
    own = labels[split.train]
    allowed = [k for k in NEIGHBOURS if k <= own.size] or [own.size]
    index = KNeighborsClassifier(allowed[-1]).fit(rows[split.train], own)
    seen = np.concatenate([split.stop, split.value])
    near = own[index.kneighbors(rows[seen], return_distance=False)]
    prior = PRIOR_NEIGHBOURS * np.bincount(own, minlength=n_classes) / own.size
    best, found = np.inf, np.empty((seen.size, n_classes))
    for k in allowed:
        counts = (near[:, :k, None] == np.arange(n_classes)).sum(1)
        q = (counts + prior) / (k + PRIOR_NEIGHBOURS)
        stop_q = q[: split.stop.size][np.arange(split.stop.size), labels[split.stop]]
        loss = -float(np.log(np.maximum(stop_q, UNIFORM_SHARE)).mean())
        if loss < best:
            best, found = loss, q
    return _spread_out(found, seen, len(labels))


def of_classifier(
    classifier: ProbabilisticClassifier, rows: FloatArray, labels: IntArray, split: ThreeWaySplit
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return q(y | a) of the rows of `stop` and `value` from a copy of a scikit-learn classifier, and its warnings.

    Columns are standardised by the rows of `train`, which the copy is fitted to. A class that those rows lack gets the
    share of the uniform distribution that every prediction is mixed with.

    Raises
    ------
    InputError
        If what comes out is not a probability for each row and class.
    """
    shift, scale = scaling(rows[split.train])
    seen = np.concatenate([split.stop, split.value])
    model = clone(classifier)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit((rows[split.train] - shift) / scale, labels[split.train])
    q = np.zeros((seen.size, int(labels.max()) + 1))
    given = np.asarray(model.predict_proba((rows[seen] - shift) / scale), dtype=np.float64)
    if given.shape != (seen.size, len(model.classes_)) or not np.allclose(given.sum(1), 1.0, atol=1e-4):
        raise InputError(
            f"decoder {type(classifier).__name__} must give one probability a row and class from predict_proba; "
            f"it gave shape {given.shape}. Wrap it, or take 'linear'"
        )
    q[:, model.classes_] = given
    unconverged = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    name = type(classifier).__name__
    return _spread_out(q, seen, len(labels)), ((f"{name} stopped before it converged",) if unconverged else ())


def of_logits(rows: FloatArray, n_classes: int, name: str) -> FloatArray:
    """Return softmax of logits (n, n_classes).

    Raises
    ------
    InputError
        If there is not one logit a class.
    """
    if rows.shape[1] != n_classes:
        raise InputError(
            f"{name} has {rows.shape[1]} columns, but decoder='softmax' reads one logit for each of {n_classes} "
            "classes, in the order of their sorted labels; take decoder='linear' for any other layer"
        )
    return np.asarray((1.0 - UNIFORM_SHARE) * softmax(rows, axis=1) + UNIFORM_SHARE / n_classes)


def _spread_out(q: FloatArray, rows: IntArray, n: int) -> FloatArray:
    """Return posteriors of some rows, mixed with a little of the uniform, in an array of all; the others are NaN."""
    found = np.full((n, q.shape[1]), np.nan)
    found[rows] = (1.0 - UNIFORM_SHARE) * q / q.sum(1, keepdims=True) + UNIFORM_SHARE / q.shape[1]
    return found
