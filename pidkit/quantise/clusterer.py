"""Codes by any clusterer of scikit-learn: the code of a row is the cluster that it predicts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone, is_classifier, is_regressor

from pidkit.quantise.rows import CodeTransformer, as_rows
from pidkit.types import IntArray


def is_clusterer(one: object) -> bool:
    """Return whether an object is fitted without labels and predicts clusters: KMeans, GaussianMixture, a Pipeline."""
    if isinstance(one, type):
        return False
    methods = ("fit", "predict", "get_params")
    return all(callable(getattr(one, name, None)) for name in methods) and not (is_classifier(one) or is_regressor(one))


class ClustererCodes(CodeTransformer):
    """Number rows by the clusters of a clusterer, or of a Pipeline that ends in one.

    Attributes
    ----------
    n_codes_ : int
        As many as the clusterer was asked for (`n_clusters` or `n_components`), or has found.
    """

    def __init__(self, clusterer: Any) -> None:
        """Keep the clusterer, of which `fit` makes a copy."""
        self.clusterer = clusterer

    def fit(self, x: npt.ArrayLike, y: object = None) -> Self:
        """Cluster the rows of `x`, shape (n, ...); `y` is ignored."""
        rows = as_rows(x)
        self.n_features_in_ = rows.shape[1]
        self._keep_names(x)
        self.fitted_ = clone(self.clusterer).fit(rows)
        last = self.fitted_.steps[-1][1] if hasattr(self.fitted_, "steps") else self.fitted_
        asked = [getattr(last, name, None) for name in ("n_clusters", "n_components")]
        found = int(np.max(self.fitted_.predict(rows))) + 1
        self.n_codes_ = max([found, *(int(number) for number in asked if isinstance(number, (int, np.integer)))])
        return self

    def codes(self, x: npt.ArrayLike) -> IntArray:
        """Return the cluster of every row of `x`, shape (n, ...), as (n,)."""
        return np.asarray(self.fitted_.predict(self._later_rows(x)), dtype=np.int64)
