"""What a trained critic or decoder returns on surrogates of the samples, whose information is known."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from pidkit.errors import InputError
from pidkit.mi.canonical import normal_scores
from pidkit.mi.class_surrogates import fit_class_surrogates
from pidkit.mi.nulls import without_doubts
from pidkit.mi.result import MIEstimate
from pidkit.mi.samples import check_rows, row_codes, standardise
from pidkit.mi.second_opinion import CHANCE, Verdict
from pidkit.mi.surrogates import fit_surrogates
from pidkit.types import FloatArray, IntArray

SURROGATE_ROWS = 5000
"""Rows of a surrogate at most: training on it then takes no longer than on so many samples, however many there are."""

SURROGATE_COLUMNS = 300
"""Columns of both sides together up to which surrogates are fitted, which costs their number squared."""

ROWS_PER_COLUMN = 5
"""Rows for each column that a surrogate's correlations need at least; of fewer they are mostly the sample's chance."""


TRAINED_REMEDY = "give more samples or a longer budget, or use 'calibrated'"
"""What to do where a critic or a decoder is off on surrogates."""


def tried_on_rows(owner: Any, a: FloatArray, b: FloatArray) -> Verdict | str:
    """Return the verdict of `owner.n_surrogates` surrogates of rows a (n, d_a) and b (n, d_b), or why there is none."""
    draws = np.random.default_rng(0)
    rows = draws.permutation(len(a))[:SURROGATE_ROWS]
    if reason := _too_wide(rows.size, a.shape[1] + b.shape[1]):
        return reason
    try:
        law = fit_surrogates(
            *(normal_scores(standardise(check_rows(side[rows], name))) for side, name in ((a, "a"), (b, "b")))
        )
    except InputError as error:
        return str(error)
    return _verdict(owner, rows.size, [(*law.draw(draws), law.information) for _ in range(owner.n_surrogates)])


def tried_on_classes(owner: Any, a: FloatArray, labels: IntArray) -> Verdict | str:
    """Return the verdict of surrogates of rows a (n, d) and labels (n,), Gaussian classes, or why there is none."""
    draws = np.random.default_rng(0)
    rows = draws.permutation(len(a))[:SURROGATE_ROWS]
    y = row_codes(labels[rows, None])
    if reason := _too_wide(rows.size, a.shape[1] + int(y.max())):
        return reason
    try:
        law = fit_class_surrogates(normal_scores(standardise(check_rows(a[rows], "a"))), y)
        drawn = [law.draw(draws) for _ in range(owner.n_surrogates)]
        return _verdict(owner, rows.size, [(x, y, known) for x, known in drawn])
    except InputError as error:  # such as a class that so few rows lack
        return str(error)


def _too_wide(n: int, columns: int) -> str:
    """Return why there are no surrogates of so many columns, if there are none."""
    if columns <= min(SURROGATE_COLUMNS, n / ROWS_PER_COLUMN):
        return ""
    return f"{columns} columns are too many for surrogates of {n} rows"


def _verdict(owner: Any, n: int, surrogates: list[tuple[FloatArray, FloatArray | IntArray, float]]) -> Verdict:
    """Return what the estimator, with a single split, makes of surrogates and their information."""
    plain = without_doubts(dataclasses.replace(owner, folds=1))
    found: list[MIEstimate] = [plain(x, y, unit="nats", rng=seed) for seed, (x, y, _) in enumerate(surrogates)]
    return Verdict(
        n=n,
        found=float(np.mean([one.value for one in found])),
        known=float(np.mean([known for _, _, known in surrogates])),
        chance=CHANCE * math.hypot(*(float(one.stderr or 0.0) for one in found)) / len(found),
        remedy=TRAINED_REMEDY,
    )
