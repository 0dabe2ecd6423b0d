"""Layers with more features than a decoder takes: projected to what tells the labels apart, and the loud directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from pidkit.errors import InputError
from pidkit.mi.samples import spread
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.rows import LARGEST, as_array
from pidkit.types import FloatArray, IntArray

WIDE_FEATURES = 1000
"""Features up to which decoders take a layer as it is."""

FITTED_ROWS = 3000
"""Training rows up to which a projection is fitted to all of them; of more, an even selection of as many is taken."""

LOUD = 64
"""Principal components that are kept beside the label scores, for decoders that are not linear."""

BLOCK = 2048
"""Columns that are read at a time."""

RIDGES = 10.0 ** np.arange(-5.0, 3.0)
"""Ridge penalties to choose from, as shares of the mean eigenvalue."""


def read_layer(x: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Return a layer (n, ...) as (n, d) in its own dtype: maps are flattened, sequences (n, length, d) averaged.

    Raises
    ------
    InputError
        If `x` is not a real array of rows.
    """
    try:
        array = as_array(x)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if array.ndim == 3:
        return np.asarray(array.mean(axis=1, dtype=np.float64))
    return array.reshape(len(array), -1)


def label_projection(layer: npt.NDArray[Any], labels: IntArray, split: ThreeWaySplit, name: str) -> FloatArray:
    """Return a wide layer as n_classes label scores and LOUD principal components, fitted to the split's `train` rows.

    The scores are those of ridge regression on the indicators of the classes, in its dual form: with G the Gram matrix
    of standardised training rows, scores = G (G + r I)^-1 Y. The penalty r is that of the smallest leave-one-out
    error, and the scores of the rows that were fitted are themselves left out, since a ridge with more features than
    rows knows the labels that it was given. No row of `stop` or `value` is used.

    Parameters
    ----------
    layer : ndarray, shape (n, d), any real dtype or a memory map
        It is read in blocks of columns.
    labels : ndarray of int, shape (n,)
    split : ThreeWaySplit
    name : str
        Of the layer, for messages.

    Returns
    -------
    ndarray, shape (n, n_classes + LOUD)

    References
    ----------
    Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2009, sections 7.10 (leave-one-out) and 18.3.
    """
    fitted = split.train
    if fitted.size > FITTED_ROWS:
        fitted = fitted[np.linspace(0, fitted.size - 1, FITTED_ROWS).astype(np.int64)]
    gram = _gram(layer, fitted, name)  # of all rows with those fitted
    own = gram[fitted]
    values, vectors = eigh(own)
    values = np.maximum(values, 0.0)
    if not values.any():  # the fitted rows are all the same: there is no direction to score
        return np.zeros((len(layer), int(labels.max()) + 1 + min(LOUD, fitted.size)))
    target = np.eye(int(labels.max()) + 1)[labels[fitted]]
    target = target - target.mean(0)
    rotated = vectors.T @ target
    best, scores = np.inf, np.zeros((len(layer), target.shape[1]))
    for ridge in RIDGES * values.mean():
        shrunk = values / (values + ridge)
        leverage = (vectors**2) @ shrunk
        residual = (target - vectors @ (shrunk[:, None] * rotated)) / np.maximum(1.0 - leverage, 1e-6)[:, None]
        error = float((residual**2).sum())
        if error < best:
            best = error
            scores = gram @ (vectors @ (rotated / (values + ridge)[:, None]))
            scores[fitted] = target - residual
    loud = vectors[:, -LOUD:] / np.sqrt(np.maximum(values[-LOUD:], 1e-12 * values[-1]))
    return np.asarray(np.hstack([scores, gram @ loud]))


def _gram(layer: npt.NDArray[Any], fitted: IntArray, name: str) -> FloatArray:
    """Return the products of all rows with the fitted ones, columns standardised by the fitted ones."""
    gram = np.zeros((len(layer), fitted.size))
    for begin in range(0, layer.shape[1], BLOCK):
        block = np.asarray(layer[:, begin : begin + BLOCK], dtype=np.float64)
        peak = float(np.abs(block).max())
        if not peak <= LARGEST:
            raise InputError(f"{name} must be finite and below {LARGEST:g}; drop or rescale such rows")
        scale = spread(block[fitted])
        block = ((block - block[fitted].mean(0)) / np.where(scale > 0.0, scale, np.inf)).astype(np.float32)
        gram += block @ block[fitted].T
    return gram
