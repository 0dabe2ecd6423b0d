"""The posteriors that one decoder gives the rows of one fold, before they are calibrated."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pidkit.arrays.batches import AT_ONCE, SCRATCH
from pidkit.mi.decoder import LabelDecoder
from pidkit.mi.decoder.label import train_classifier
from pidkit.mi.decoder.network import with_uniform
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.classifiers import nearest_neighbours, of_classifier, of_logits
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.fold_rows import FoldRows, Layer
from pidkit.representations.folds import some_rows
from pidkit.representations.wide_layers import finite_rows
from pidkit.types import FloatArray, IntArray

FEWEST_CALIBRATED = 1000
"""Rows that logits are calibrated by at least, however many classes there are."""


def fitted_posteriors(
    rows: FoldRows, labels: IntArray, split: ThreeWaySplit, decoder: Decoder, rng: np.random.Generator
) -> tuple[FloatArray, Iterable[FloatArray], tuple[str, ...]]:
    """Return uncalibrated posteriors of the rows of `stop`, those of `value` in pieces, and warnings.

    The decoder is fitted to the rows of `train`.

    Raises
    ------
    InputError
        As `of_classifier`.
    """
    n_classes = int(labels.max()) + 1
    if not rows.train.any():  # a wide layer whose training rows are all the same
        frequencies = np.bincount(labels[split.train], minlength=n_classes) / split.train.size
        return np.tile(frequencies, (len(rows.stop), 1)), [np.tile(frequencies, (len(rows.value), 1))], ()
    if decoder == "knn":
        q = nearest_neighbours(rows, labels, split)
        return q[: len(rows.stop)], [q[len(rows.stop) :]], ()
    if isinstance(decoder, str):
        decoder = LabelDecoder("mlp" if decoder == "mlp" else "linear")
    if isinstance(decoder, LabelDecoder):
        train, stop = (rows.train, labels[split.train]), (rows.stop, labels[split.stop])
        net, notes = train_classifier(decoder, train, stop, n_classes, rng)
        parts = _pieces_of(np.arange(len(rows.value)), n_classes)
        pieces = (with_uniform(net.mean(rows.value[part[0] : part[-1] + 1])) for part in parts)
        return with_uniform(net.mean(rows.stop)), pieces, notes
    q, notes = of_classifier(decoder, rows, labels, split)
    return q[: len(rows.stop)], [q[len(rows.stop) :]], notes


def posteriors_of_logits(
    layer: Layer, split: ThreeWaySplit, n_classes: int
) -> tuple[IntArray, FloatArray, Iterable[FloatArray]]:
    """Return the rows that logits are calibrated by, the posteriors of these, and those of `value` in pieces.

    They are all other rows, or as many as have posteriors of SCRATCH bytes.

    Raises
    ------
    InputError
        As `of_logits`.
    """
    rest = np.concatenate([split.train, split.stop])
    most = max(FEWEST_CALIBRATED, SCRATCH // (8 * n_classes))
    seen = rest[some_rows(rest.size, most, np.random.default_rng(0))]

    def predict(some: IntArray) -> FloatArray:
        return of_logits(finite_rows(layer.array[some], layer.name), n_classes, layer.name)

    return seen, predict(seen), (predict(part) for part in _pieces_of(split.value, n_classes))


def _pieces_of(rows: IntArray, n_classes: int) -> list[IntArray]:
    """Return the rows in pieces whose posteriors take AT_ONCE bytes."""
    height = max(1, AT_ONCE // (8 * n_classes))
    return [rows[begin : begin + height] for begin in range(0, rows.size, height)]
