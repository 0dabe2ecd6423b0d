"""A fitted label decoder, and the estimates that it gives on rows that it was not fitted to."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.decoder.network import Perceptron, overfitted, with_uniform
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.row_groups import standard_error
from pidkit.mi.samples import Samples, check_labels, check_pairs, check_rows
from pidkit.types import FloatArray, IntArray, Unit


@dataclass(frozen=True)
class FittedLabelDecoder:
    """A label decoder fitted to some rows, ready to be read on others.

    Attributes
    ----------
    model : str
    net : Perceptron
        The classifier; a linear one has one layer.
    shift, scale : ndarray, shape (d,)
        Of the columns of the training rows.
    codes : dict
        The code of every label.
    warnings : tuple of str
    """

    model: str
    net: Perceptron
    shift: FloatArray
    scale: FloatArray
    codes: dict[Hashable, int]
    warnings: tuple[str, ...] = ()

    @zero_where_constant
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits") -> MIEstimate:
        """Estimate I(A; Y) from rows that the decoder was not fitted to, in `unit`.

        Raises
        ------
        InputError
            If `a` has other columns than in `fit`, `b` holds a label that `fit` never saw, or the lengths differ.
        """
        rows = check_rows(a, "a")
        check_labels(b, "b")
        symbols = symbols_of(b)
        check_pairs(len(rows), len(symbols), at_least=2, reason="a mean")
        if rows.shape[1] != self.shift.size:
            raise InputError(f"a has {rows.shape[1]} columns, but the decoder was fitted to {self.shift.size}")
        unknown = [symbol for symbol in symbols if symbol not in self.codes]
        if unknown:
            raise InputError(f"b holds the label {unknown[0]!r}, which fit never saw; fit on every class")
        labels = np.array([self.codes[symbol] for symbol in symbols])
        terms = self.terms(rows, labels)
        h_y = entropy(np.bincount(labels) / labels.size)
        return label_estimate(terms, h_y, self.model, n_samples=len(rows), unit=unit, notes=self.warnings)

    def terms(self, rows: FloatArray, labels: IntArray) -> FloatArray:
        """Return log q(y | a) - log p(y) of every row, p being the frequencies of these labels."""
        frequency = np.bincount(labels) / labels.size
        return np.asarray(np.log(self.posteriors(rows)[np.arange(labels.size), labels]) - np.log(frequency[labels]))

    def posteriors(self, rows: FloatArray) -> FloatArray:
        """Return q(y | a) of every row, shape (n, n_classes); none of its entries is zero."""
        return with_uniform(self.net.mean((rows - self.shift) / self.scale))


def label_estimate(
    terms: FloatArray,
    h_y: float,
    model: str,
    *,
    n_samples: int,
    unit: str,
    notes: tuple[str, ...],
    train_value: float | None = None,
    folds: int = 1,
    groups: IntArray | None = None,
    seed: int | str | None = None,
    seconds: float = 0.0,
) -> MIEstimate:
    """Return the estimate of terms log q(y | a) - log p(y), whose labels have the entropy `h_y`."""
    value = float(terms.mean())
    return in_nats(
        value,
        kind="lower_bound",
        estimator=f"label-decoder ({model})",
        n_samples=n_samples,
        unit=unit,
        stderr=standard_error(terms, groups),
        cap=("H(Y)", h_y),
        warnings=notes + (() if train_value is None else overfitted(train_value, value)),
        information={"entropy_y": h_y, "cross_entropy": h_y - value, "train_value": train_value},
        diagnostics={"n_held_out": int(terms.size), "folds": folds},
        seed=seed,
        seconds=seconds,
    )


def symbols_of(labels: Samples) -> list[Hashable]:
    """Return the labels as hashable Python objects."""
    return labels.tolist() if hasattr(labels, "tolist") else list(labels)  # type: ignore[arg-type]
