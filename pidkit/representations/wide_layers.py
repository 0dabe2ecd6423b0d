"""Layers with more features than a decoder takes: projected to what tells the labels apart, and the loud directions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from pidkit.errors import InputError
from pidkit.mi.samples import spread
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.rows import LARGEST, as_array, as_rows
from pidkit.representations.folds import deal
from pidkit.types import AnyArray, FloatArray, IntArray

FITTED_ROWS = 3000
"""Training rows up to which a projection is fitted to all of them; of more, an even selection of as many is taken."""

LOUD = 64
"""Principal components that are kept beside the label scores, at most."""

LEFT_OUT_PARTS = 10
"""Parts of the fitted rows, each of which is scored by the regression of the others."""

SILENT = 1e-6
"""Principal components with a smaller share of the largest eigenvalue are left out: products are in float32."""

PROJECTION_JITTER = 1e-12
"""What is added to the diagonal where a part is left out, so that a fit that interpolates can be solved for."""

BLOCK = 2048
"""Columns that are read at a time."""

PROJECTION_RIDGES = 10.0 ** np.arange(-5.0, 3.0)
"""Ridge penalties to choose from, as shares of the mean eigenvalue."""


def read_array(x: npt.ArrayLike, name: str) -> AnyArray:
    """Return `as_array(x)`, whose messages then speak of the argument by its own name."""
    with _named(name):
        return as_array(x)


def finite_rows(x: npt.ArrayLike, name: str) -> FloatArray:
    """Return `as_rows(x)`, whose messages then speak of the argument by its own name."""
    with _named(name):
        return as_rows(x)


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}{str(error).removeprefix('x')}") from error


def read_layer(x: npt.ArrayLike, name: str) -> AnyArray:
    """Return a layer (n, ...) as (n, d) in its own dtype: maps are flattened, sequences (n, length, d) averaged.

    Raises
    ------
    InputError
        If `x` is not a real array of rows.
    """
    array = read_array(x, name)
    if array.ndim == 3:
        return np.asarray(array.mean(axis=1, dtype=np.float64))
    return array.reshape(len(array), -1)


def label_projection(
    layer: AnyArray, labels: IntArray, split: ThreeWaySplit, *, groups: IntArray | None = None, name: str
) -> FloatArray:
    """Return a wide layer as a score for each class and principal components, fitted to the split's `train` rows.

    Principal components alone lose labels that are told by quiet directions, and scores alone the nuisance that other
    scores could be cleared of. The scores are those of ridge regression on the indicators of the classes, in its dual
    form: with G the Gram matrix of standardised training rows, scores = G (G + r I)^-1 Y. A ridge with more features
    than rows knows the labels that it was given, so that the scores of fitted rows come from the regression without a
    tenth of the rows, their own and their group's among them. The penalty r is that of the largest correlation of these
    scores with the indicators. All columns have one scale, so that no decoder takes the loud ones for the important
    ones. No row of `stop` or `value` is used.

    Parameters
    ----------
    layer : ndarray, shape (n, d), any real dtype or a memory map
        It is read in blocks of columns.
    labels : ndarray of int, shape (n,)
    split : ThreeWaySplit
    groups : ndarray of int, shape (n,), optional
        Rows of one group are left out together.
    name : str
        Of the layer, for messages.

    Returns
    -------
    ndarray, shape (n, n_classes + LOUD)
        Of fewer columns where fewer principal components vary.

    References
    ----------
    Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2009, 7.10 and 18.3.
    """
    fitted = even_selection(split.train, FITTED_ROWS)
    shift, scale, gram = _gram(layer, fitted, name)
    found = label_directions(
        gram, labels[fitted], int(labels.max()) + 1, groups=None if groups is None else groups[fitted]
    )
    if found is None:
        return np.zeros((len(layer), int(labels.max()) + 1))
    projected = _project(layer, fitted, shift, scale, found.of_rows)
    projected[fitted, : found.left_out.shape[1]] = found.left_out
    return projected


def even_selection(rows: IntArray, most: int) -> IntArray:
    """Return the rows, or an even selection of `most` of them."""
    if rows.size <= most:
        return rows
    return np.asarray(rows[np.linspace(0, rows.size - 1, most).astype(np.int64)])


class LabelDirections(NamedTuple):
    """The directions of `label_projection`, each a combination of the fitted rows.

    Attributes
    ----------
    of_rows : ndarray, shape (n_fitted, n_classes + components)
        A row's products with the centred fitted rows, times this, are its columns.
    left_out : ndarray, shape (n_fitted, n_classes)
        The label scores of the fitted rows themselves, each from the regression without its part.
    """

    of_rows: FloatArray
    left_out: FloatArray


def label_directions(
    gram: FloatArray, labels: IntArray, n_classes: int, *, groups: IntArray | None = None
) -> LabelDirections | None:
    """Return the label scores and the loud directions of fitted rows whose products with each other are known.

    Parameters
    ----------
    gram : ndarray, shape (n_fitted, n_fitted)
        Products of the centred rows.
    labels : ndarray of int, shape (n_fitted,)
    n_classes : int
    groups : ndarray of int, shape (n_fitted,), optional

    Returns
    -------
    LabelDirections or None
        None where the fitted rows are all the same: there is no direction to score.
    """
    values, vectors = eigh(gram)
    values = np.maximum(values, 0.0)
    if not values.any():
        return None
    target = np.eye(n_classes)[labels]
    target = target - target.mean(0)
    rotated = vectors.T @ target
    part = deal(labels, LEFT_OUT_PARTS, groups)
    best, of_scores, left_out = -np.inf, target, target
    for ridge in PROJECTION_RIDGES * max(float(values.mean()), np.finfo(float).tiny):
        shrunk = values / (values + ridge)
        scores = target - _left_out(target - vectors @ (shrunk[:, None] * rotated), vectors, shrunk, part)
        fit = float((target * scores).sum() / max(float(np.linalg.norm(scores)), np.finfo(float).tiny))
        if fit > best:
            best, left_out = fit, scores
            of_scores = vectors @ (rotated / (values + ridge)[:, None])
    size = left_out.std(0)
    size[size == 0.0] = 1.0
    largest = np.arange(values.size)[::-1][:LOUD]
    largest = largest[values[largest] > SILENT * values[-1]]
    loud = np.sqrt(labels.size) * vectors[:, largest] / values[largest]
    return LabelDirections(np.hstack([of_scores / size, loud]), left_out / size)


def _left_out(residual: FloatArray, vectors: FloatArray, shrunk: FloatArray, part: IntArray) -> FloatArray:
    """Return the residuals of every part under the ridge regression of the other parts: (I - H)^-1 r within it.

    H = 1/n + V diag(shrunk) V' is the hat matrix. Without the 1/n of the intercept, fits that interpolate would seem
    perfect.
    """
    found = np.empty_like(residual)
    for own in (np.flatnonzero(part == k) for k in np.unique(part)):
        hat = 1.0 / len(residual) + (vectors[own] * shrunk) @ vectors[own].T
        found[own] = np.linalg.solve((1.0 + PROJECTION_JITTER) * np.eye(own.size) - hat, residual[own])
    return found


def _gram(layer: AnyArray, fitted: IntArray, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean and scale of the columns of the fitted rows, and the products of these rows with each other.

    A constant column has the scale infinity, which leaves it out.

    Raises
    ------
    InputError
        If the layer holds NaN, infinity or values whose squares overflow.
    """
    shift, scale = np.empty((2, layer.shape[1]))
    gram = np.zeros((fitted.size, fitted.size))
    for begin in range(0, layer.shape[1], BLOCK):
        own = slice(begin, begin + BLOCK)
        whole = np.asarray(layer[:, own], dtype=np.float64)
        if not float(np.abs(whole).max()) <= LARGEST:
            raise InputError(f"{name} must be finite and below {LARGEST:g}; drop or rescale such rows")
        block = whole[fitted]
        shift[own] = block.mean(0)
        deviation = spread(block)
        scale[own] = np.where(deviation > 0.0, deviation, np.inf)
        block = ((block - shift[own]) / scale[own]).astype(np.float32)
        gram += block @ block.T
    # Rounding to float32 leaves the rows a mean that is not quite zero.
    mean = gram.mean(0)
    return shift, scale, gram - mean - mean[:, None] + mean.mean()


def _project(
    layer: AnyArray, fitted: IntArray, shift: FloatArray, scale: FloatArray, of_rows: FloatArray
) -> FloatArray:
    """Return the products of all standardised rows with the fitted ones times `of_rows` (fitted, k): (n, k)."""
    projected = np.zeros((len(layer), of_rows.shape[1]))
    for begin in range(0, layer.shape[1], BLOCK):
        own = slice(begin, begin + BLOCK)
        block = (np.asarray(layer[:, own], dtype=np.float64) - shift[own]) / scale[own]
        projected += block @ (block[fitted].T @ of_rows)
    return projected
