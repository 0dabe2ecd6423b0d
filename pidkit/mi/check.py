"""`check_samples`: look at paired samples before anything is estimated from them, and say which estimator to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pidkit.array_likes import plain_array
from pidkit.errors import InputError
from pidkit.mi.doubts import flat
from pidkit.mi.estimate import EstimatorName
from pidkit.mi.repeats import TIED_SHARE, RepeatedValues, repeats
from pidkit.mi.samples import FAR_OUT, Samples, check_pairs, is_discrete, row_codes
from pidkit.mi.second_opinion import OPINION_COLUMNS, TRUSTED_COLUMNS
from pidkit.quantise.rows import as_rows
from pidkit.results import Result, Row
from pidkit.symbols import encode_labels
from pidkit.types import FloatArray, IntArray

NEARLY_UNIQUE = 0.5
"""Share of distinct symbols from which labels are nearly unique."""

FEW_A_SYMBOL = 5
"""Samples a symbol below which a class is too small to be read."""

OUTER = 0.25
"""The quantiles, this share from either end, whose distance is the spread that outliers are measured by."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found in the samples.

    Attributes
    ----------
    sign : str
        "missing values", "constant columns", "duplicate columns", "grid values", "repeated rows", "copies", "outliers",
        "nearly unique labels", "small classes", "shared columns" or "few samples".
    side : str
        "a", "b", or "both".
    text : str
        What was found, how much of it, and what to do.
    """

    sign: str
    side: str
    text: str


@dataclass(frozen=True)
class SampleCheck(Result):
    """What `check_samples` found.

    Attributes
    ----------
    n_samples : int
    findings : tuple of Finding
        Empty where nothing stands in the way.
    estimator : str or None
        The estimator of `estimate_mi` to take, None where nothing can be estimated before the samples are mended.
    why : str
    """

    n_samples: int
    findings: tuple[Finding, ...]
    estimator: EstimatorName | None
    why: str

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs of the findings."""
        return tuple(found.sign for found in self.findings)

    def _rows(self) -> list[Row]:
        """Return the estimator and a row for each finding."""
        found = [{"": f"{one.sign}, {one.side}", "value": one.text} for one in self.findings]
        return [{"": "take", "value": f"{self.estimator}: {self.why}"}, *found]

    def __repr__(self) -> str:
        """Show the findings and the estimator, a line each."""
        lines = [f"SampleCheck (n = {self.n_samples})"]
        lines += [f"  {one.sign}, {one.side}: {one.text}" for one in self.findings]
        return "\n".join([*lines, f"  take {self.estimator!r}: {self.why}"])


def check_samples(a: Samples, b: Samples) -> SampleCheck:
    """Look at paired samples: what stands in the way of estimating I(A; B), and which estimator to take.

    Parameters
    ----------
    a, b : array_like or torch.Tensor, shape (n, ...); labels (n,)
        As for `estimate_mi`. Missing values (NaN, infinity) are counted, and the rows that hold them left out.

    Returns
    -------
    SampleCheck

    Raises
    ------
    InputError
        If a side cannot be read as numbers or labels at all, or the lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit import check_samples
    >>> rng = np.random.default_rng(0)
    >>> found = check_samples(np.round(rng.normal(size=(500, 1)), 1), rng.integers(2, size=500))
    >>> found.signs, found.estimator
    (('grid values',), 'ross')
    """
    sides = {"a": _read(a, "a"), "b": _read(b, "b")}
    n = check_pairs(len(sides["a"]), len(sides["b"]), at_least=1, reason="a check")
    findings = [one for name, side in sides.items() for one in _missing(side, name)]
    kept = np.all([np.isfinite(side).reshape(n, -1).all(axis=1) for side in sides.values()], axis=0)
    if not kept.any():
        return SampleCheck(n, tuple(findings), None, "no row is complete")
    x, y = (side[kept] for side in sides.values())
    for name, side in (("a", x), ("b", y)):
        findings += _of_symbols(side, name) if side.ndim == 1 else _of_columns(np.asarray(side, dtype=np.float64), name)
    seen = repeats(x, y)
    findings += _of_both(x, y, seen)
    if findings and findings[0].sign == "missing values":
        return SampleCheck(n, tuple(findings), None, "drop or fill in the rows that hold NaN or infinity first")
    return SampleCheck(n, tuple(findings), *_choice(x, y, seen))


def _read(side: Samples, name: str) -> FloatArray | IntArray:
    """Return a side as rows (n, d) of floats, NaN among them, or codes (n,) of labels."""
    side = plain_array(side, name) if hasattr(side, "__array__") else side
    if is_discrete(side):
        return encode_labels(flat(side), n=None, name=name)[0]
    array: Any = np.asarray(side)
    if array.dtype.kind == "f" and not np.isfinite(array).all() and array.ndim and len(array):
        return np.asarray(array, dtype=np.float64).reshape(len(array), -1)
    try:
        return np.asarray(as_rows(array))
    except InputError as error:
        raise InputError(f"{name}{str(error).removeprefix('x')}") from error


def _missing(rows: FloatArray | IntArray, name: str) -> list[Finding]:
    holed = ~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
    if not holed.any():
        return []
    return [Finding("missing values", name, f"{holed.sum()} of {len(rows)} rows hold NaN or infinity")]


def _of_symbols(codes: FloatArray | IntArray, name: str) -> list[Finding]:
    """Return what is to be said of a side of labels."""
    sizes = np.bincount(codes.astype(np.int64))
    sizes = sizes[sizes > 0]
    if sizes.size == 1:
        return [Finding("constant columns", name, "one class only: its information about anything is 0")]
    if sizes.size > NEARLY_UNIQUE * codes.size:
        text = f"{sizes.size} classes in {codes.size} samples: merge them, or pass numbers as floats"
        return [Finding("nearly unique labels", name, text)]
    small = int((sizes < FEW_A_SYMBOL).sum())
    text = f"{small} of {sizes.size} classes have fewer than {FEW_A_SYMBOL} samples: merge them or drop them"
    return [Finding("small classes", name, text)] if small else []


def _of_columns(rows: FloatArray, name: str) -> list[Finding]:
    """Return what is to be said of the columns of a side."""
    n, d = rows.shape
    findings = []
    constant = (rows == rows[0]).all(axis=0)
    if constant.any():
        what = "all columns: the information is 0" if constant.all() else "they tell nothing and can be dropped"
        findings.append(Finding("constant columns", name, f"{constant.sum()} of {d}, {what}"))
    varying = rows[:, ~constant]
    if varying.shape[1] > 1:
        copies = varying.shape[1] - np.unique(varying, axis=1).shape[1]
        text = f"{copies} of {d} columns repeat another: drop them, since they count double in every distance"
        findings += [Finding("duplicate columns", name, text)] if copies else []
    if not varying.shape[1]:
        return findings
    tied = 1.0 - np.array([np.unique(column).size for column in varying.T]) / n
    share = 1.0 - (row_codes(varying).max() + 1) / n
    if tied.max() > TIED_SHARE:
        text = f"{(tied > TIED_SHARE).sum()} of {d} columns repeat their values (up to {100 * tied.max():.0f} %)"
        remedy = "whole rows do not" if share <= TIED_SHARE else "they have no density: 'gao', 'ross', or codes"
        findings.append(Finding("grid values", name, f"{text}; {remedy}"))
    low, middle, high = np.quantile(varying, (OUTER, 0.5, 1.0 - OUTER), axis=0)
    spread = np.where(high > low, (high - low) / 1.349, varying.std(axis=0))
    far = (np.abs(varying - middle) > FAR_OUT * spread).any(axis=1)
    if far.any():
        text = (
            f"{far.sum()} of {n} rows are more than {FAR_OUT:.0f} robust standard deviations out: ranks ('calibrated', "
            "'gaussian-copula') do not mind; check that they are no errors"
        )
        findings.append(Finding("outliers", name, text))
    return findings


def _of_both(x: FloatArray | IntArray, y: FloatArray | IntArray, seen: RepeatedValues) -> list[Finding]:
    """Return what is to be said of both sides together."""
    findings, n = [], len(x)
    if (x.ndim > 1 or y.ndim > 1) and seen.copied_share > TIED_SHARE:
        samples = round(n * (1.0 - seen.copied_share))
        text = f"{n} rows, but {samples} samples: the others repeat a pair; drop them, or pass groups= with n_null="
        findings.append(Finding("copies", "both", text))
    if x.ndim > 1 and y.ndim > 1:
        shared = sum(bool((column[:, None] == y).all(axis=0).any()) for column in x.T if (column != column[0]).any())
        text = f"{shared} columns are on both sides: the information is infinite; drop them from one"
        findings += [Finding("shared columns", "both", text)] if shared else []
    columns = sum(side.shape[1] for side in (x, y) if side.ndim > 1)
    if n < max(50, 5 * columns):
        text = f"{n} samples of {columns} columns: standard errors will be large; reduce the columns, such as by PCA"
        findings.append(Finding("few samples", "both", text))
    return findings


def _choice(x: FloatArray | IntArray, y: FloatArray | IntArray, seen: RepeatedValues) -> tuple[EstimatorName, str]:
    """Return the estimator to take and why."""
    columns = sum(side.shape[1] for side in (x, y) if side.ndim > 1)
    if x.ndim == y.ndim == 1:
        return "miller-madow", "both sides are symbols"
    if 1 in (x.ndim, y.ndim):
        if columns <= TRUSTED_COLUMNS + 2:
            return "ross", f"labels on one side, {columns} columns on the other"
        return (
            "label-decoder",
            f"labels on one side, {columns} columns on the other: nearest neighbours would miss much",
        )
    distinct = min(codes.max() + 1 for codes in (seen.codes_a, seen.codes_b)) / len(x)
    if distinct < 1.0 - TIED_SHARE:
        return "gao", "rows repeat, so that there is no density"
    if columns > OPINION_COLUMNS:
        return "infonce", f"{columns} columns are more than nearest neighbours see in; a lower bound"
    if len(x) < 5 * columns:
        return "gaussian-copula", f"{len(x)} samples of {columns} columns allow for correlations alone"
    return "calibrated", f"continuous, {columns} columns"
