"""The label decoder: how much of a label a classifier reads out of a representation, H(Y) - CE on held-out rows."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pidkit.arguments import Rng, generator, items_of, keep_checked, one_of, seed_name, whole_number
from pidkit.info import entropy
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.decoder.fitted import FittedLabelDecoder, label_estimate, symbols_of
from pidkit.mi.decoder.logistic import logistic
from pidkit.mi.decoder.network import (
    DECODER_BUDGET,
    Perceptron,
    check_hidden,
    train_perceptron,
)
from pidkit.mi.doubts import doubted
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import Groups, joined
from pidkit.mi.samples import Samples, check_labels, check_pairs, check_rows, scaling
from pidkit.mi.splits import FOLDS, ThreeWaySplit, check_class_sizes, check_folds, three_way_splits
from pidkit.nn.budget import TrainingBudget, check_budget
from pidkit.types import FloatArray, IntArray, Unit

Classifier = Literal["linear", "mlp"]
"""A logistic regression, or a perceptron."""


@dataclass(frozen=True)
class LabelDecoder:
    """Bound I(A; Y) from below by what a classifier reads out: H(Y) - CE, on rows that it has not seen.

    mean[log q(y | a) - log p(y)] over held-out rows, p being their class frequencies: H(Y) less the cross-entropy. A
    lower bound for any q, up to sampling error.

    Parameters
    ----------
    model : str
        "linear", a logistic regression that is shrunk towards linear discriminant analysis by as much as the second
        part prefers, or "mlp", a perceptron that the second part stops.
    hidden : tuple of int
        Hidden layers of the perceptron.
    folds : int, optional
        1 for one split in three, more for cross-fitting; None for five folds below 2000 samples.
    budget : TrainingBudget
        Of the perceptron; of the linear one `max_steps` bounds the iterations of L-BFGS, at 500 at most.
    n_surrogates : int
        Gaussian classes of known information, with the means and covariances of a, that the decoder is tried on: see
        `NeuralMI`.

    References
    ----------
    McAllester & Stratos, Formal limitations on the measurement of mutual information, AISTATS 2020, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(500) % 2
    >>> a = y[:, None] + 0.1 * np.random.default_rng(0).normal(size=(500, 3))
    >>> estimate = LabelDecoder().estimate(a, y)
    >>> estimate.kind, round(estimate.value, 1), round(estimate.cap, 1)
    ('lower_bound', 1.0, 1.0)
    """

    model: Classifier = "linear"
    hidden: tuple[int, ...] = (64,)
    folds: int | None = None
    budget: TrainingBudget = DECODER_BUDGET
    n_surrogates: int = 1

    def __post_init__(self) -> None:
        """Check the parameters."""
        model = one_of("model", self.model, get_args(Classifier))
        n_surrogates = whole_number("n_surrogates", self.n_surrogates)
        keep_checked(self, budget=check_budget(self.budget), n_surrogates=n_surrogates)
        keep_checked(self, model=model, hidden=check_hidden(self.hidden), folds=check_folds(self.folds))

    @zero_where_constant
    @doubted(sides="labelled rows", check="any decoder")
    def estimate(
        self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0, groups: Groups | None = None
    ) -> MIEstimate:
        """Estimate I(A; Y) from the representation `a` (n, ...) and labels `b` (n,), in `unit`.

        Rows of one of the `groups` (n,) stay in one part of a split, as copies of one row do, and the standard error
        allows for them.

        Raises
        ------
        InputError
            If `a` is not a finite real array, `b` is not labels with five samples a class (or as many as there are
            folds), the lengths differ, or groups leave fewer than ten sets of rows or a class to none of a part.
        """
        began = time.perf_counter()
        rows, labels = check_rows(a, "a"), check_labels(b, "b")
        n = check_pairs(len(rows), labels.size, at_least=10, reason="a split in three")
        check_class_sizes(labels, max(FOLDS, self.folds or 1))
        draws = generator(rng)
        terms: list[FloatArray] = []
        scored: list[float] = []  # H(Y) of the rows that are scored, which no score exceeds
        seen: list[float] = []
        notes: set[str] = set()
        together = joined(groups, repeats(rows, labels).groups)
        scored_rows: list[IntArray] = []
        for split in three_way_splits(n, draws, folds=self.folds, labels=labels, groups=together):
            fitted = self._fit(rows, labels, split, draws, {})
            terms.append(fitted.terms(rows[split.value], labels[split.value]))
            scored_rows.append(split.value)
            scored.append(entropy(np.bincount(labels[split.value]) / split.value.size))
            seen.append(float(fitted.terms(rows[split.train], labels[split.train]).mean()))
            notes |= set(fitted.warnings)
        sizes = [part.size for part in terms]
        return label_estimate(
            np.concatenate(terms),
            float(np.average(scored, weights=sizes)),
            self.model,
            n_samples=n,
            unit=unit,
            notes=tuple(sorted(notes)),
            train_value=float(np.average(seen, weights=sizes)),
            folds=len(terms),
            groups=None if groups is None else together[np.concatenate(scored_rows)],
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def labels_side(self, a: Samples, b: Samples) -> str:
        """Return which side holds the labels, as `Ross.labels_side`."""
        return "b"

    def fit(self, a: Samples, b: Samples, *, rng: Rng = 0, groups: Groups | None = None) -> FittedLabelDecoder:
        """Fit a decoder to `a` and labels `b` (a quarter chooses the penalty or stops it), to be read on other rows.

        Raises
        ------
        InputError
            As `estimate`.
        """
        rows, labels = check_rows(a, "a"), check_labels(b, "b")
        n = check_pairs(len(rows), labels.size, at_least=10, reason="a split")
        check_class_sizes(labels, FOLDS)
        draws = generator(rng)
        together = joined(groups, repeats(rows, labels).groups)
        split = three_way_splits(n, draws, folds=4, labels=labels, groups=together)[0]
        split = ThreeWaySplit(np.sort(np.concatenate([split.train, split.stop])), split.value, split.value)
        codes = dict(zip(symbols_of(b), labels.tolist(), strict=True))
        return self._fit(rows, labels, split, draws, codes)

    def cross_fit(
        self, a: Samples, b: Samples, *, splits: Iterable[ThreeWaySplit], rng: Rng = 0
    ) -> list[FittedLabelDecoder]:
        """Fit one decoder a split to its `train` and `stop` rows, so that none has seen the rows of its `value`.

        With the splits of `three_way_splits` and one generator for both, they are the decoders of `estimate`. Those
        read the labels as codes 0, 1, ... in the order of their sorted symbols.

        Raises
        ------
        InputError
            As `estimate`, but for the sizes of the classes, which are left to the splits.
        """
        rows, labels = check_rows(a, "a"), check_labels(b, "b")
        check_pairs(len(rows), labels.size, at_least=10, reason="a split in three")
        draws = generator(rng)
        return [self._fit(rows, labels, split, draws, {}) for split in items_of("splits", splits)]

    def _fit(
        self,
        rows: FloatArray,
        labels: IntArray,
        split: ThreeWaySplit,
        rng: np.random.Generator,
        codes: dict[Hashable, int],
    ) -> FittedLabelDecoder:
        shift, scale = scaling(rows[split.train])
        scaled = (rows - shift) / scale
        train, stop = ((scaled[part], labels[part]) for part in (split.train, split.stop))
        net, notes = train_classifier(self, train, stop, int(labels.max()) + 1, rng)
        return FittedLabelDecoder(self.model, net, shift, scale, codes, notes)


def train_classifier(
    decoder: LabelDecoder,
    train: tuple[FloatArray, IntArray],
    stop: tuple[FloatArray, IntArray],
    n_classes: int,
    rng: np.random.Generator,
) -> tuple[Perceptron, tuple[str, ...]]:
    """Return the classifier of a label decoder and its warnings, from standardised rows (n, d) and their classes."""
    if decoder.model == "linear":
        return logistic(train, stop, n_classes, decoder.budget.max_steps)
    one_hot = np.eye(n_classes)
    parts = [(x, one_hot[y]) for x, y in (train, stop)]
    net = train_perceptron(*parts, link="softmax", hidden=decoder.hidden, rng=rng, budget=decoder.budget)
    return net, ()
