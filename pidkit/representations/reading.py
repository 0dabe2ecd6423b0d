"""Two layers as decoders read them: fitted to all rows of the other folds, and to half of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pidkit.errors import InputError
from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.decoded import DecodedScores, code_posteriors, score_decoded
from pidkit.representations.decoder_kinds import Decoder
from pidkit.representations.decoders import DecodedLayer, decode_layers
from pidkit.representations.fold_rows import Layer
from pidkit.representations.folds import cross_fitting_splits, some_rows
from pidkit.representations.learning_curve import SCORED_ROWS, LearningCurve, halved
from pidkit.representations.posterior_codes import RowCodes
from pidkit.types import IntArray


def check_class_rows(y: IntArray, n_folds: int) -> None:
    """Raise InputError where a class of a tracker's sample has too few rows to be in every fold."""
    if (fewest := int(np.bincount(y).min())) < n_folds:
        raise InputError(
            f"sample has a class of {fewest} rows, and decoders need one in each of {n_folds} folds; give more rows, "
            "pass fewer folds, or code the layers by quantiser=RepresentationCodes(n_init=3)"
        )


class LayerCodes(NamedTuple):
    """Codes of a layer's posteriors, by decoders of all rows of the other folds and of half of them (or None)."""

    whole: RowCodes
    half: RowCodes | None


class Readings(NamedTuple):
    """Layers as decoded, by name, by decoders of all rows of the other folds and of half of them (or None).

    `codes` holds the codes of as many layers as have been coded.
    """

    whole: dict[str, DecodedLayer]
    half: dict[str, DecodedLayer] | None
    codes: Mapping[str, LayerCodes] = MappingProxyType({})


def splits_and_folds(
    y: IntArray, n_folds: int, groups: IntArray | None, rng: np.random.Generator
) -> tuple[list[ThreeWaySplit], IntArray]:
    """Return the splits of the rows, which depend on the labels, the groups and `rng`, and the fold of every row."""
    splits = cross_fitting_splits(y, n_folds, groups, rng)
    fold = np.empty(y.size, dtype=np.int64)
    for number, split in enumerate(splits):
        fold[split.value] = number
    return splits, fold


def read_layers(
    layers: Mapping[str, npt.ArrayLike],
    y: IntArray,
    *,
    decoder: Decoder,
    n_folds: int,
    groups: IntArray | None,
    rng: np.random.Generator,
    together: str | None = None,
    learning_curve: bool = True,
    known: Readings | None = None,
    memory: int | None = None,
) -> tuple[Readings, IntArray]:
    """Return layers as decoded, and the fold of every row.

    The folds, the halves and the draws of the decoders depend on the labels and on `rng` alone, of which only the folds
    are drawn: a layer is read alike whatever layers stand beside it, so that it can be read once and be `known`.

    Parameters
    ----------
    layers, decoder, groups, together
        As in `decode_layers`.
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    n_folds : int
    rng : numpy.random.Generator
    learning_curve : bool
        Whether to read them by decoders of half of the rows too.
    known : Readings, optional
        What this function returned of some of the layers, called with a generator in the same state.
    memory : int, optional
        Layers of which three copies take more bytes as float64 are read in pieces; None is no limit.

    Raises
    ------
    InputError
        As `cross_fitting_splits` and `decode_layers`.
    """
    splits, fold = splits_and_folds(y, n_folds, groups, rng)
    if known is not None and together is None and set(known.whole) >= set(layers):
        return known, fold
    # Read once for both: what a streamed layer's landmarks have in common is computed once.
    softmax = decoder == "softmax"  # logits are read a piece at a time, whatever the memory
    ready = {
        name: Layer.read(x, y.size, name, None if softmax else memory, in_its_type=softmax and together is None)
        for name, x in layers.items()
    }
    apart = copy.deepcopy(rng)
    halves = halved(splits, y, groups, copy.deepcopy(rng)) if learning_curve else None

    def read(which: list[ThreeWaySplit], there: dict[str, DecodedLayer] | None) -> dict[str, DecodedLayer]:
        return decode_layers(ready, y, which, decoder=decoder, together=together, rng=apart, groups=groups, known=there)

    of_whole, of_half, _ = (None, None, None) if known is None else known
    whole = read(splits, of_whole)
    return Readings(whole, None if halves is None else read(halves, of_half), known.codes if known else {}), fold


def code_layer(
    whole: DecodedLayer,
    half: DecodedLayer | None,
    y: IntArray,
    n_codes: int | None,
    fold: IntArray,
    rng: np.random.Generator,
) -> LayerCodes:
    """Return the codes of a layer's posteriors, and as many of those that decoders of half of the rows gave."""
    codes = code_posteriors(whole.posteriors, y, n_codes, fold, rng)
    return LayerCodes(
        codes, None if half is None else code_posteriors(half.posteriors, y, len(codes.centroids), fold, rng)
    )


def read_pair(
    layers: Mapping[str, npt.ArrayLike],
    y: IntArray,
    *,
    decoder: Decoder,
    n_codes: int | None,
    n_folds: int,
    groups: IntArray | None,
    rng: np.random.Generator,
    learning_curve: bool = True,
    synergy: bool = True,
    known: Readings | None = None,
    memory: int | None = None,
) -> tuple[dict[str, DecodedLayer], LearningCurve]:
    """Return x1, x2 and both together as decoded, by name, and the scores of all rows for the four informations.

    Parameters
    ----------
    layers : mapping
        "x1" and "x2"; what is `known` of both, and not read together, may be left out.
    y, n_folds, groups, rng, learning_curve, known, memory
        As in `read_layers`. Without a learning curve what half of the rows teach counts as what all of them do.
    decoder, n_codes
        As in `representation_pid`.
    synergy : bool
        Whether to decode both layers together.

    Raises
    ------
    InputError
        As `read_layers`.
    """
    readings, fold = read_layers(
        layers,
        y,
        decoder=decoder,
        n_folds=n_folds,
        groups=groups,
        rng=rng,
        together="both" if synergy else None,
        learning_curve=learning_curve,
        known=known,
        memory=memory,
    )
    codes = dict(known.codes) if known is not None else {}
    for name in ("x1", "x2"):
        if name not in codes:
            half = None if readings.half is None else readings.half[name]
            codes[name] = code_layer(readings.whole[name], half, y, n_codes, fold, rng)

    def score(
        decoded: dict[str, DecodedLayer], coded: tuple[RowCodes, RowCodes], among: IntArray | None = None
    ) -> DecodedScores:
        both = decoded["both"].posteriors if synergy else None
        posteriors = decoded["x1"].posteriors, decoded["x2"].posteriors, both
        constant = decoded["x1"].constant, decoded["x2"].constant
        whole = among is None
        return score_decoded(y, posteriors, coded, fold, rng, groups, constant, among, in_sample=whole)

    whole = score(readings.whole, (codes["x1"].whole, codes["x2"].whole))
    first, second = codes["x1"].half, codes["x2"].half
    if readings.half is None or first is None or second is None:
        return readings.whole, LearningCurve(whole, whole)
    among = whole.rows[some_rows(whole.rows.size, SCORED_ROWS, copy.deepcopy(rng))]
    slow_1, slow_2, slow_both = (
        layer.report.learning_exponent if (layer := readings.whole.get(name)) is not None else 1.0
        for name in ("x1", "x2", "both")
    )
    of_half = score(readings.half, (first, second), among)
    constant = readings.whole["x1"].constant or readings.whole["x2"].constant
    return readings.whole, LearningCurve(whole, of_half, (slow_1, slow_2, slow_both), constant)
