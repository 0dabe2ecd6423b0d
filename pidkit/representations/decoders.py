"""Cross-fitted decoders: the posterior P(y | x) of every row, from a decoder that never saw its label.

BROJA's atoms depend on a layer only through its posteriors (Blackwell sufficiency), so that decoders replace layers
without touching the atoms, up to what the decoder cannot read. Decoders of different folds are comparable through
their posteriors, and a row's posterior does not know its label: labels may be counted against it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pidkit.arguments import byte_count, shown_bytes
from pidkit.arrays.batches import scratch
from pidkit.errors import nothing_told_by
from pidkit.mi.row_groups import variance_of_mean
from pidkit.mi.splits import ThreeWaySplit
from pidkit.quantise.pieces import DEFAULT_MEMORY
from pidkit.representations.calibration import fit_calibration
from pidkit.representations.decoder_kinds import Decoder, check_decoder, decoder_name, learning_exponent
from pidkit.representations.fold_posteriors import fitted_posteriors, posteriors_of_logits
from pidkit.representations.fold_rows import Layer, side_by_side
from pidkit.representations.result import DecoderReport
from pidkit.representations.streamed_layers import thinned
from pidkit.types import FloatArray, IntArray

DEFAULT_BYTES = byte_count("memory", DEFAULT_MEMORY)
"""Bytes that the probabilities of all training rows may take where no layer is read in pieces."""


@dataclass(frozen=True)
class DecodedLayer:
    """Posteriors of a layer's rows, and what the decoders read on rows that they had not seen.

    Attributes
    ----------
    posteriors : ndarray, shape (n, C)
        Calibrated P(y | x), none of them zero.
    report : DecoderReport
        In nats. Its `information` is the value of `LabelDecoder` on the same splits.
    warnings : tuple of str
    constant : bool
        Whether the layer or the label is constant, so that there was nothing to read and all information is exactly 0.
    """

    posteriors: FloatArray
    report: DecoderReport
    warnings: tuple[str, ...] = ()
    constant: bool = False


def decode_layers(
    layers: Mapping[str, npt.ArrayLike | Layer],
    labels: IntArray,
    splits: Sequence[ThreeWaySplit],
    *,
    decoder: Decoder = "linear",
    together: str | None = None,
    rng: np.random.Generator,
    groups: IntArray | None = None,
    known: Mapping[str, DecodedLayer] | None = None,
) -> dict[str, DecodedLayer]:
    """Return the calibrated posterior of every row of each layer from decoders fitted without it.

    For each split the decoder is fitted to the rows of `train`; those of `stop` choose its penalty, stop it, and fit
    its calibration; it is read on those of `value`. The values of all splits cover every row once. Each layer is read,
    projected and standardised once a split, whatever decoders read it. Where a layer or the label is constant nothing
    is fitted: the posteriors are the frequencies of the classes, and all information is 0.

    Parameters
    ----------
    layers : mapping of str to array_like or torch.Tensor, shape (n, ...)
        By name: float16, memory maps and maps (n, c, h, w) are read as they are, sequences (n, length, d) are averaged
        over their length. Layers of more than WIDE_FEATURES features are projected first, for each split by its
        training rows. What `Layer.read` returned is taken as it is: such a layer may be one that is read in pieces.
    labels : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    splits : sequence of ThreeWaySplit
    decoder : str, classifier or LabelDecoder
        "linear", "mlp", "knn", "softmax" (layers hold logits) or a scikit-learn classifier with predict_proba.
    together : str, optional
        The name under which all layers are decoded side by side as well. Logits of two layers are no logits together: a
        linear decoder reads them.
    rng : numpy.random.Generator
        Copied for every layer, so that what is read out of one does not depend on the others.
    groups : ndarray of int, shape (n,), optional
        Rows of one group are kept together wherever rows are compared with others, as `splits` has to keep them.
    known : mapping of str to DecodedLayer, optional
        Layers that an earlier call read from the same rows, labels, splits and draws: they are returned as they are.

    Raises
    ------
    InputError
        If a layer has not one finite row a label, or `decoder` is unknown.

    Examples
    --------
    >>> from pidkit.mi.splits import three_way_splits
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(600) % 3
    >>> layer = np.eye(3)[labels] + 0.1 * rng.normal(size=(600, 3))
    >>> decoded = decode_layers({"x": layer}, labels, three_way_splits(600, rng, folds=5, labels=labels), rng=rng)
    >>> bool(decoded["x"].report.accuracy > 0.99), decoded["x"].posteriors.shape
    (True, (600, 3))
    """
    check_decoder(decoder)
    read = [x if isinstance(x, Layer) else Layer.read(x, labels.size, name) for name, x in layers.items()]
    wanted: dict[str, tuple[Decoder, list[int]]] = {one.name: (decoder, [k]) for k, one in enumerate(read)}
    if together is not None:
        wanted[together] = ("linear" if decoder == "softmax" else decoder, [*range(len(read))])
    known = {} if known is None else known
    telling = [k for k, layer in enumerate(read) if labels.any() and not layer.constant]
    readings = {
        name: _Reading.empty(
            [k for k in which if k in telling], reader, labels, rng, streamed=any(read[k].streamed for k in which)
        )
        for name, (reader, which) in wanted.items()
        if name not in known and any(k in telling for k in which)
    }
    log_p = np.empty(labels.size)
    n_classes = int(labels.max()) + 1
    memory = min((one.streamed.memory for one in read if one.streamed is not None), default=DEFAULT_BYTES)
    few = {True: [thinned(split, n_classes, memory) for split in splits], False: list(splits)}
    some_left_out = any(one is not other for one, other in zip(few[True], splits, strict=True))
    many = 8 * n_classes * max(split.train.size for split in splits) > DEFAULT_BYTES
    folds = {
        (k, fewer): read[k].of_folds(labels, few[fewer], groups, [split.train for split in splits])
        for one in readings.values()
        if one.decoder != "softmax"
        for k in one.layers
        for fewer in [(one.streamed or many) and some_left_out]
    }

    def read_fold(number: int, split: ThreeWaySplit) -> None:
        """Read the rows that one split holds out; what is made of the layers for it is gone when that is done."""
        value = labels[split.value]
        log_p[split.value] = np.log(np.bincount(value) / value.size)[value]
        rows = {key: next(fold) for key, fold in folds.items()}
        pieces: Iterable[FloatArray]
        for reading in readings.values():
            if reading.decoder == "softmax":
                (which,) = reading.layers
                seen, q, pieces = posteriors_of_logits(read[which], split, n_classes)
            else:
                fewer = (reading.streamed or many) and some_left_out
                own = few[fewer][number]
                seen = own.stop
                of_layers = side_by_side([rows[k, fewer] for k in reading.layers])
                q, pieces, notes = fitted_posteriors(of_layers, labels, own, reading.decoder, reading.rng)
                if fewer and not reading.streamed:
                    reading.notes.add(
                        f"decoders were fitted to {own.train.size} of {split.train.size} training rows, since the "
                        f"probabilities of {n_classes} classes of all of them take more than "
                        f"{shown_bytes(DEFAULT_BYTES)}"
                    )
                reading.notes.update(notes)
                reading.notes.update(*(read[k].notes(splits) for k in reading.layers))
                reading.widths.add(of_layers.train.shape[1])
            reading.fill(q, seen, split.value, pieces, labels, groups)

    for number, split in enumerate(splits):
        read_fold(number, split)
    decoded = {name: reading.decoded(labels, log_p, groups) for name, reading in readings.items()}
    for layer in read:
        if layer.constant:
            decoded[layer.name] = _nothing_told(labels, decoder, (nothing_told_by(layer.name),))
    decoded.update(known)
    return {name: decoded.get(name) or _nothing_told(labels, reader) for name, (reader, _) in wanted.items()}


def _nothing_told(labels: IntArray, decoder: Decoder, warnings: tuple[str, ...] = ()) -> DecodedLayer:
    """Return the frequencies of the classes as posteriors: what is read where the layer or the label is constant."""
    p = np.bincount(labels) / labels.size
    report = DecoderReport(decoder_name(decoder), 0.0, 0.0, 0.0, 0.0, float(p.max()))
    return DecodedLayer(np.tile(p, (labels.size, 1)), report, warnings, constant=True)


@dataclass(frozen=True)
class _Reading:
    """What one decoder reads of some layers, which the folds fill in.

    Attributes
    ----------
    raw : ndarray, shape (n,)
        The posterior of every row's own label before calibration.
    calibrated : ndarray, shape (n, C)
    claimed : ndarray, shape (n,)
        sum_y p_y log p_y of every row's posterior.
    right : ndarray, shape (n,)
        1 where the likeliest class is the label, else 0.
    """

    layers: Sequence[int]
    decoder: Decoder
    raw: FloatArray
    calibrated: FloatArray
    claimed: FloatArray
    right: FloatArray
    notes: set[str]
    widths: set[int]
    rng: np.random.Generator
    streamed: bool

    @classmethod
    def empty(
        cls, layers: Sequence[int], decoder: Decoder, labels: IntArray, rng: np.random.Generator, *, streamed: bool
    ) -> _Reading:
        """Return the reading before the first fold; posteriors that take much memory go to a temporary file."""
        calibrated = scratch((labels.size, int(labels.max()) + 1), np.dtype(np.float64))
        raw, claimed, right = np.empty((3, labels.size))
        return cls(
            layers, decoder, raw, calibrated, claimed, right, set(), set(), copy.deepcopy(rng), streamed=streamed
        )

    def fill(
        self,
        q: FloatArray,
        seen: IntArray,
        value: IntArray,
        pieces: Iterable[FloatArray],
        labels: IntArray,
        groups: IntArray | None,
    ) -> None:
        """Take the posteriors q of the rows `seen`, which the calibration is fitted to, and those of `value`."""
        calibration = fit_calibration(q, labels[seen], None if groups is None else groups[seen])
        begin = 0
        for piece in pieces:
            own = value[begin : begin + len(piece)]
            begin += len(piece)
            calibrated, each = calibration.apply(piece), (np.arange(own.size), labels[own])
            self.calibrated[own] = calibrated
            self.raw[own] = piece[each]
            self.claimed[own] = (calibrated * np.log(calibrated)).sum(1)
            self.right[own] = calibrated.argmax(1) == labels[own]

    def decoded(self, labels: IntArray, log_p: FloatArray, groups: IntArray | None) -> DecodedLayer:
        """Return the result, once all folds are filled in; log_p holds log p(y) of every row within its fold."""
        scores = np.log(self.calibrated[np.arange(labels.size), labels]) - log_p
        p = np.bincount(labels) / labels.size
        report = DecoderReport(
            name=decoder_name(self.decoder),
            information=float((np.log(self.raw) - log_p).mean()),
            calibrated=float(scores.mean()),
            standard_error=float(np.sqrt(variance_of_mean(scores, groups))),
            claimed=float(self.claimed.mean() - (p * np.log(p)).sum()),
            accuracy=float(self.right.mean()),
            learning_exponent=learning_exponent(self.decoder, max(self.widths, default=0)),
            streamed=self.streamed,
        )
        return DecodedLayer(self.calibrated, report, tuple(sorted(self.notes)))
