"""Two layers as decoders read them: fitted to all rows of the other folds, and to half of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pidkit.mi.splits import ThreeWaySplit
from pidkit.representations.decoded import DecodedScores, score_decoded
from pidkit.representations.decoders import DecodedLayer, Decoder, decode_layers
from pidkit.representations.folds import cross_fitting_splits, some_rows
from pidkit.representations.learning_curve import SCORED_ROWS, LearningCurve, halved
from pidkit.types import IntArray


def read_pair(
    layers: Mapping[str, npt.ArrayLike],
    y: IntArray,
    *,
    decoder: Decoder,
    n_codes: int | None,
    n_folds: int,
    groups: IntArray | None,
    rng: np.random.Generator,
) -> tuple[dict[str, DecodedLayer], LearningCurve]:
    """Return x1, x2 and both together as decoded, by name, and the scores of all rows for the four informations.

    Parameters
    ----------
    layers : mapping
        "x1" and "x2".
    y : ndarray of int, shape (n,)
        Ranks 0, 1, ... without gaps.
    decoder, n_codes
        As in `representation_pid`.
    n_folds : int
    groups : ndarray of int, shape (n,), optional
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        As `cross_fitting_splits` and `decode_layers`.
    """
    splits = cross_fitting_splits(y, n_folds, groups, rng)
    fold = np.empty(y.size, dtype=np.int64)
    for number, split in enumerate(splits):
        fold[split.value] = number

    def read(which: list[ThreeWaySplit]) -> dict[str, DecodedLayer]:
        return decode_layers(layers, y, which, decoder=decoder, together="both", rng=rng, groups=groups)

    def score(
        decoded: dict[str, DecodedLayer], codes: int | tuple[int, int] | None, among: IntArray | None
    ) -> DecodedScores:
        posteriors = decoded["x1"].posteriors, decoded["x2"].posteriors, decoded["both"].posteriors
        constant = decoded["x1"].constant, decoded["x2"].constant
        return score_decoded(y, posteriors, codes, fold, rng, groups, constant, among)

    decoded = read(splits)
    whole = score(decoded, n_codes, None)
    codes = int(whole.samples.x1.max()) + 1, int(whole.samples.x2.max()) + 1
    among = whole.rows[some_rows(whole.rows.size, SCORED_ROWS, rng)]
    half = score(read(halved(splits, y, groups, rng)), codes, among)
    return decoded, LearningCurve(whole, half)
