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
from pidkit.mi.decoder.network import with_uniform
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.fold_rows import FoldRows
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


def nearest_neighbours(rows: FoldRows, labels: IntArray, split: ThreeWaySplit) -> FloatArray:
    """Return q(y | a) = (neighbours of class y + p(y)) / (neighbours + 1) of the rows of `stop` and then of `value`.

    The neighbours are rows of `train`, and their number is chosen by the rows of `stop`.
    """
    n_classes = int(labels.max()) + 1
    own = labels[split.train]
    allowed = [k for k in NEIGHBOURS if k <= own.size] or [own.size]
    index = KNeighborsClassifier(allowed[-1]).fit(rows.train, own)
    near = own[index.kneighbors(np.vstack([rows.stop, rows.value]), return_distance=False)]
    prior = PRIOR_NEIGHBOURS * np.bincount(own, minlength=n_classes) / own.size
    stop = np.arange(split.stop.size), labels[split.stop]
    best, found = np.inf, np.empty((len(near), n_classes))
    for k in allowed:
        counts = (near[:, :k, None] == np.arange(n_classes)).sum(1)
        q = with_uniform((counts + prior) / (k + PRIOR_NEIGHBOURS))
        loss = -float(np.log(q[stop]).mean())
        if loss < best:
            best, found = loss, q
    return found


def of_classifier(
    classifier: ProbabilisticClassifier, rows: FoldRows, labels: IntArray, split: ThreeWaySplit
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return q(y | a) of the rows of `stop` and then of `value` from a copy of a scikit-learn classifier, and warnings.

    The copy is fitted to the rows of `train`. A class that those rows lack gets the share of the uniform distribution
    that every prediction is mixed with.

    Raises
    ------
    InputError
        If what comes out is not a probability for each row and class.
    """
    model = clone(classifier)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(rows.train, labels[split.train])
    seen = np.vstack([rows.stop, rows.value])
    q = np.zeros((len(seen), int(labels.max()) + 1))
    given = np.asarray(model.predict_proba(seen), dtype=np.float64)
    if given.shape != (len(seen), len(model.classes_)) or not np.allclose(given.sum(1), 1.0, atol=1e-4):
        raise InputError(
            f"decoder {type(classifier).__name__} must give one probability a row and class from predict_proba; "
            f"it gave shape {given.shape}. Wrap it, or take 'linear'"
        )
    q[:, model.classes_] = given / given.sum(1, keepdims=True)
    unconverged = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    notes = (f"{type(classifier).__name__} stopped before it converged",) if unconverged else ()
    return with_uniform(q), notes


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
    return with_uniform(softmax(rows, axis=1))
