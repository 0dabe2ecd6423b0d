"""Cross-fitted decoders: the posterior P(y | x) of every row, from a decoder that never saw its label.

BROJA's atoms depend on a layer only through its posteriors (Blackwell sufficiency), so that decoders replace layers
without touching the atoms, up to what the decoder cannot read. Decoders of different folds are comparable through
their posteriors, and a row's posterior does not know its label: labels may be counted against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.mi.decoder import LabelDecoder
from pidkit.mi.samples import check_rows
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.calibration import fit_calibration
from pidkit.representations.classifiers import ProbabilisticClassifier, nearest_neighbours, of_classifier, of_logits
from pidkit.representations.wide_layers import LOUD, WIDE_FEATURES, label_projection, read_layer
from pidkit.types import FloatArray, IntArray

Decoder = str | ProbabilisticClassifier | LabelDecoder

DECODERS = ("linear", "mlp", "knn", "softmax")
"""The decoders that have a name."""


@dataclass(frozen=True)
class DecodedLayer:
    """Posteriors of a layer's rows, and what the decoders read on rows that they had not seen. In nats.

    Attributes
    ----------
    posteriors : ndarray, shape (n, C)
        Calibrated P(y | x), none of them zero.
    information : float
        H(Y) less the cross-entropy of the decoders before calibration: the value of `LabelDecoder` on the same splits.
    calibrated_information : float
        The same of `posteriors`.
    standard_error : float
        Of `calibrated_information`.
    claimed_information : float
        H(Y) less the mean entropy of `posteriors`: what they say of themselves. It exceeds `calibrated_information`
        where they are too sure.
    accuracy : float
        Share of rows whose most probable class is their label.
    name : str
        Of the decoder.
    warnings : tuple of str
    """

    posteriors: FloatArray
    information: float
    calibrated_information: float
    standard_error: float
    claimed_information: float
    accuracy: float
    name: str
    warnings: tuple[str, ...] = ()


def decode_layer(
    x: npt.ArrayLike | Sequence[npt.ArrayLike],
    labels: IntArray,
    splits: Sequence[ThreeWaySplit],
    *,
    decoder: Decoder = "linear",
    rng: np.random.Generator,
    groups: IntArray | None = None,
    name: str = "x",
) -> DecodedLayer:
    """Return the calibrated posterior of every row from decoders fitted without it.

    For each split the decoder is fitted to the rows of `train`; those of `stop` choose its penalty, stop it, and fit
    its calibration; it is read on those of `value`. The values of all splits cover every row once.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n, ...), or a tuple of them
        A layer: float16, memory maps and maps (n, c, h, w) are read as they are, sequences (n, length, d) are averaged
        over their length. Layers of more than WIDE_FEATURES features are projected first, for each split by its
        training rows.
        A tuple is decoded together, side by side.
    labels : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    splits : sequence of ThreeWaySplit
    decoder : str, classifier or LabelDecoder
        "linear", "mlp", "knn", "softmax" (x holds logits) or a scikit-learn classifier with predict_proba.
    rng : numpy.random.Generator
    groups : ndarray of int, shape (n,), optional
        Rows of one group are kept together wherever rows are compared with others, as `splits` has to keep them.
    name : str
        Of the layer, for messages.

    Raises
    ------
    InputError
        If the layer has not one finite row a label or is constant, or `decoder` is unknown.

    Examples
    --------
    >>> from pidkit.mi.splits import three_way_splits
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(600) % 3
    >>> layer = np.eye(3)[labels] + 0.1 * rng.normal(size=(600, 3))
    >>> decoded = decode_layer(layer, labels, three_way_splits(600, rng, folds=5, labels=labels), rng=rng)
    >>> bool(decoded.accuracy > 0.99), decoded.posteriors.shape
    (True, (600, 3))
    """
    check_decoder(decoder)
    layers = x if isinstance(x, tuple) else (x,)
    arrays = [read_layer(one, name) for one in layers]
    for array in arrays:
        if len(array) != labels.size:
            raise InputError(
                f"{name} must have one row a label; it has {len(array)}, and there are {labels.size} labels"
            )
    n_classes = int(labels.max()) + 1
    wide = [array.shape[1] > WIDE_FEATURES for array in arrays]
    fixed = [None if far else check_rows(array, name) for array, far in zip(arrays, wide, strict=True)]
    n_loud = 0 if decoder_name(decoder) == "linear" else LOUD
    raw, calibrated = np.empty((2, labels.size, n_classes))
    notes: set[str] = set()
    terms = []
    for split in splits:
        rows = np.hstack(
            [
                label_projection(array, labels, split, n_loud=n_loud, name=name) if one is None else one
                for array, one in zip(arrays, fixed, strict=True)
            ]
        )
        q, found = _posteriors(rows, labels, split, decoder, rng, name)
        notes |= set(found)
        own = split.value
        raw[own] = q[own]
        calibration_rows = np.concatenate([split.train, split.stop]) if decoder == "softmax" else split.stop
        of_rows = None if groups is None else groups[calibration_rows]
        calibrated[own] = fit_calibration(q[calibration_rows], labels[calibration_rows], of_rows).apply(q[own])
        log_p = np.log(np.bincount(labels[own], minlength=n_classes) / own.size)[labels[own]]
        at = own, labels[own]
        terms.append(np.stack([np.log(raw[at]) - log_p, np.log(calibrated[at]) - log_p]))
    scores = np.concatenate(terms, axis=1)
    p = np.bincount(labels) / labels.size
    return DecodedLayer(
        posteriors=calibrated,
        information=float(scores[0].mean()),
        calibrated_information=float(scores[1].mean()),
        standard_error=float(scores[1].std(ddof=1) / np.sqrt(scores.shape[1])),
        claimed_information=float((calibrated * np.log(calibrated)).sum(1).mean() - (p * np.log(p)).sum()),
        accuracy=float((calibrated.argmax(1) == labels).mean()),
        name=decoder_name(decoder),
        warnings=tuple(sorted(notes)),
    )


def check_decoder(decoder: object) -> None:
    """Raise InputError unless `decoder` is the name of one, a classifier or a LabelDecoder."""
    if isinstance(decoder, LabelDecoder) or (isinstance(decoder, str) and decoder in DECODERS):
        return
    if isinstance(decoder, type) or not isinstance(decoder, ProbabilisticClassifier):
        raise InputError(
            f"decoder must be one of {', '.join(map(repr, DECODERS))}, or a scikit-learn classifier object with "
            f"predict_proba; not {decoder!r}"
        )


def decoder_name(decoder: Decoder) -> str:
    """Return what a result calls the decoder."""
    if isinstance(decoder, str):
        return decoder
    return decoder.model if isinstance(decoder, LabelDecoder) else type(decoder).__name__


def _posteriors(
    rows: FloatArray, labels: IntArray, split: ThreeWaySplit, decoder: Decoder, rng: np.random.Generator, name: str
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return uncalibrated posteriors of the rows of `stop` and `value` (others need not be filled), and warnings."""
    if decoder == "softmax":
        return of_logits(rows, int(labels.max()) + 1, name), ()
    if decoder == "knn":
        return nearest_neighbours(rows, labels, split), ()
    if isinstance(decoder, str):
        decoder = LabelDecoder("mlp" if decoder == "mlp" else "linear")
    if isinstance(decoder, LabelDecoder):
        (fitted,) = decoder.cross_fit(rows, labels, splits=[split], rng=rng)
        q = np.full((labels.size, int(labels.max()) + 1), np.nan)
        for part in (split.stop, split.value):
            q[part] = fitted.posteriors(rows[part])
        return q, fitted.warnings
    return of_classifier(decoder, rows, labels, split)
