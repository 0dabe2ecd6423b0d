"""Conditional information I(A; B | C) of symbols, of Gaussians, and of what a decoder reads."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import get_args

import numpy as np

from pidkit.arguments import Rng, flag, generator, keep_checked, one_of, seed_name
from pidkit.info import entropy
from pidkit.mi.conditional_doubts import doubted_given
from pidkit.mi.conditional_samples import Conditioned, conditioned, conditioned_labels
from pidkit.mi.decoder.label import Classifier, LabelDecoder
from pidkit.mi.doubts import flat
from pidkit.mi.gaussian import conditional_gaussian
from pidkit.mi.plugin import FEWEST_A_PAIR, CountCorrection, PlugIn
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.row_groups import Groups, joined, standard_error
from pidkit.mi.samples import Samples, check_labels, tail_warnings
from pidkit.mi.splits import FOLDS, check_class_sizes, three_way_splits
from pidkit.types import Unit


@dataclass(frozen=True)
class ConditionalPlugIn:
    """Compute I(A; B | C) = H(A, C) + H(B, C) - H(A, B, C) - H(C) of the empirical joint of three columns of symbols.

    With Miller and Madow's correction plus (K_ac + K_bc - K_abc - K_c) / (2 n), K counting what occurs.

    Parameters
    ----------
    correction : str
        "none" or "miller-madow".

    References
    ----------
    Miller, Note on the bias of information estimates, 1955.

    Examples
    --------
    >>> a, b = [0, 0, 1, 1] * 50, [0, 1, 0, 1] * 50
    >>> round(ConditionalPlugIn().estimate(a, b, [x ^ y for x, y in zip(a, b)]).value, 6)
    1.0
    """

    correction: CountCorrection = "none"

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, correction=PlugIn(self.correction).correction)

    @doubted_given(sides="symbols")
    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n,), one symbol a sample, in `unit`; `rng` draws nothing.

        Raises
        ------
        InputError
            If a side has more than one axis, or symbols that cannot be used, c is constant, or the lengths differ.
        """
        seed_name(rng)  # refuses what is no rng
        began = time.perf_counter()
        x, y, z = conditioned_labels(a, b, c)
        n = x.size
        n_y, n_z = int(y.max()) + 1, int(z.max()) + 1
        counted = [
            np.unique(codes, return_inverse=True, return_counts=True)
            for codes in (x * n_z + z, y * n_z + z, (x * n_y + y) * n_z + z, z)
        ]
        log_p = [np.log(counts[inverse] / n) for _, inverse, counts in counted]
        terms = log_p[2] + log_p[3] - log_p[0] - log_p[1]
        k_xz, k_yz, k_xyz, k_z = (one[0].size for one in counted)
        bias = (k_xyz + k_z - k_xz - k_yz) / (2.0 * n)
        corrected = self.correction == "miller-madow"
        text = f"undersampled: {k_xyz} triples of symbols occur in {n} samples; use fewer symbols or more samples"
        few = (text,) if n < FEWEST_A_PAIR * k_xyz else ()
        return in_nats(
            float(terms.mean()) - (bias if corrected else 0.0),
            kind="estimate" if corrected else "plugin",
            estimator="conditional miller-madow" if corrected else "conditional plugin",
            n_samples=n,
            unit=unit,
            stderr=math.sqrt(terms.var(ddof=1) / n + max(bias, 0.0) / n),
            warnings=few,
            information={"predicted_bias": bias},
            diagnostics={"n_triples": k_xyz},
            seconds=time.perf_counter() - began,
        )


def _tails(owner: ConditionalGaussian, rows: Conditioned) -> tuple[str, ...]:
    """Return the warnings that a few rows decide the correlations, which they cannot where ranks take their place."""
    sides = () if owner.copula else ((rows.a, "a"), (rows.b, "b"), (rows.c, "c"))
    return tuple(text for side, name in sides for text in tail_warnings(side, name, "the correlations"))


@dataclass(frozen=True)
class ConditionalGaussian:
    """Compute I(A; B | C) as if all were jointly Gaussian: -½ sum log(1 - rho_i²), rho_i the canonical correlations.

    They are those of what is left of A and B after regression on C; Wishart's bias of them is taken off.

    Parameters
    ----------
    copula : bool
        Whether the columns are made Gaussian one by one first, by their ranks, as in `GaussianCopulaMI`.

    References
    ----------
    Ince et al., Human Brain Mapping 38, 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> c = rng.normal(size=5000)
    >>> a = c + rng.normal(size=5000)
    >>> round(ConditionalGaussian().estimate(a, a + c + rng.normal(size=5000), c).value, 1)  # half a bit
    0.5
    """

    copula: bool = False

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, copula=flag("copula", self.copula))

    @doubted_given(also=_tails)
    def estimate(self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B | C) from `a`, `b` and `c` (n, ...), in `unit`; nothing is drawn from `rng`.

        Raises
        ------
        InputError
            If a side is not a finite real array, c is constant, the lengths differ, there are no more samples than
            columns, or a combination of columns of a is one of b given c.
        """
        seed_name(rng)  # refuses what is no rng
        began = time.perf_counter()
        rows = conditioned(a, b, c, at_least=4)
        sides = rows.scores() if self.copula else rows
        shared = conditional_gaussian(sides.a, sides.b, sides.c)
        return in_nats(
            shared.raw - shared.bias,
            kind="estimate",
            estimator="conditional gaussian-copula" if self.copula else "conditional gaussian",
            n_samples=rows.n,
            unit=unit,
            stderr=shared.stderr(rows.n),
            information={"uncorrected": shared.raw, "bias": shared.bias},
            seconds=time.perf_counter() - began,
        )


@dataclass(frozen=True)
class ConditionalLabelDecoder:
    """Measure I(A; Y | C) as a decoder reads it: how much better labels are predicted from A and C than from C alone.

    mean[log q(y | a, c) - log q(y | c)] over rows that neither decoder has seen. Conditional V-information of one
    family of decoders: no bound, since both predictions fall short of the best.

    Parameters
    ----------
    model : str
        "linear" or "mlp", as in `LabelDecoder`.

    References
    ----------
    Hewitt, Ethayarajh, Liang & Manning, Conditional probing, EMNLP 2021.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, noise = rng.integers(2, size=400), rng.normal(size=(400, 2))
    >>> a, c = y[:, None] + noise, noise + 0.1 * rng.normal(size=(400, 2))
    >>> found = ConditionalLabelDecoder().estimate(a, y, c)  # c tells nothing of y, but what to subtract from a
    >>> bool(found.value > 0.9), found.kind
    (True, 'v_information')
    """

    model: Classifier = "linear"

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, model=one_of("model", self.model, get_args(Classifier)))

    @doubted_given(sides="labelled rows")
    def estimate(
        self, a: Samples, b: Samples, c: Samples, *, unit: Unit = "bits", rng: Rng = 0, groups: Groups | None = None
    ) -> MIEstimate:
        """Estimate I(A; Y | C) from `a` (n, ...), labels `b` (n,) and `c` (n, ...), in `unit`, by five folds.

        Rows of one of the `groups` (n,) stay in one fold, as copies of one row do, and the standard error allows for
        them.

        Raises
        ------
        InputError
            If `a` or `c` is not a finite real array, `b` is not labels with five samples a class, c is constant, the
            lengths differ, or groups leave fewer than ten sets of rows or a class to none of a part.
        """
        began = time.perf_counter()
        labels = check_labels(flat(b), "b")
        rows = conditioned(a, labels, c, at_least=10)
        check_class_sizes(labels, FOLDS)
        draws, both = generator(rng), np.hstack([rows.a, rows.c])
        together = joined(groups, repeats(both, labels).groups)
        splits = three_way_splits(rows.n, draws, folds=FOLDS, labels=labels, groups=together)
        decoder, terms = LabelDecoder(self.model), np.empty(rows.n)
        with_a = decoder.cross_fit(both, labels, splits=splits, rng=draws)
        without = decoder.cross_fit(rows.c, labels, splits=splits, rng=draws)
        for split, more, less in zip(splits, with_a, without, strict=True):
            some = split.value
            terms[some] = more.terms(both[some], labels[some]) - less.terms(rows.c[some], labels[some])
        h_y = entropy(np.bincount(labels) / rows.n)
        return in_nats(
            terms.mean(),
            kind="v_information",
            estimator=f"conditional label-decoder ({self.model})",
            n_samples=rows.n,
            unit=unit,
            stderr=standard_error(terms, None if groups is None else together),
            cap=("H(Y)", h_y),
            warnings=tuple(sorted({text for one in (*with_a, *without) for text in one.warnings})),
            information={"entropy_y": h_y},
            diagnostics={"folds": FOLDS},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )
