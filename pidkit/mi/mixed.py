"""Nearest-neighbour estimators where values repeat: Ross's for labels on one side, Gao's for mixtures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import digamma

from pidkit.arguments import Rng, generator, keep_checked, one_of, seed_name
from pidkit.errors import InputError
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted, flat
from pidkit.mi.knn import KSG
from pidkit.mi.neighbour_options import WithNeighbours
from pidkit.mi.neighbours import JITTER, class_terms, counts_within, nearest_pairs, neighbour_terms
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import (
    Samples,
    check_labels,
    check_pairs,
    check_rows,
    is_discrete,
    row_codes,
    standardise,
)
from pidkit.types import FloatArray, IntArray, Unit

LabelSide = Literal["auto", "a", "b"]
"""Which of the two sides holds the labels."""


@dataclass(frozen=True)
class Ross(WithNeighbours):
    """Estimate I(A; Y) of continuous samples and labels, whichever side the labels are.

    psi(n) + mean[psi(k_i) - psi(n_y) - psi(m_i)]: the distance to the k_i-th neighbour of the same label (k_i = k, or
    n_y - 1 in a smaller class) holds m_i samples of any label, the sample itself included.

    Parameters
    ----------
    k : int
    discrete : str
        "a", "b", or "auto": the side of one column that does not hold floating-point numbers.
    jitter : float
        As in `KSG`.

    References
    ----------
    Ross, Mutual information between discrete and continuous data sets, PLoS ONE 9(2), e87357, 2014, eq. 2.

    Examples
    --------
    >>> from pidkit.mi import Ross, TASKS
    >>> task = TASKS["mixed"]
    >>> estimate = Ross().estimate(*task.sample(1000, rng=0), unit="nats")
    >>> bool(abs(estimate.value - task.mi) < 0.1)
    True
    """

    discrete: LabelSide = "auto"
    jitter: float = JITTER

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        jitter = KSG(jitter=self.jitter).jitter
        discrete = one_of("discrete", self.discrete, get_args(LabelSide))
        keep_checked(self, jitter=jitter, discrete=discrete)

    @zero_where_constant
    @doubted(sides="labelled rows", density=True, check="classes")
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` and `b`, one of them (n, ...) real, the other (n,) labels, in `unit`.

        Samples that are alone in their class are left out, as Ross does, and a warning says how many.

        Raises
        ------
        InputError
            If it is not clear which side holds the labels, no class has two samples, the lengths differ, or the real
            side is not finite.
        """
        began = time.perf_counter()
        labels_are = self.labels_side(a, b)
        labels, rest = (a, b) if labels_are == "a" else (b, a)
        codes = check_labels(flat(labels), labels_are)
        rows = check_rows(rest, "b" if labels_are == "a" else "a")
        n = check_pairs(len(rows), codes.size, at_least=4, reason="the mixed estimator")
        sizes = np.bincount(codes)
        has_company = sizes[codes] > 1
        if not has_company.any():
            raise InputError(f"{labels_are} has a class of its own for every sample; use KSG for numbers without ties")
        lonely = n - int(has_company.sum())
        x = standardise(rows[has_company])
        x = x + self.jitter * generator(rng).standard_normal(x.shape)
        terms = class_terms(x, codes[has_company], k=self.k)
        alone = (f"left out {lonely} samples that are alone in their class",) if lonely else ()
        return in_nats(
            float(terms.mean()),
            kind="estimate",
            estimator="ross",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(len(x)),
            warnings=alone,
            diagnostics={"k": self.k, "labels": labels_are, "n_classes": int(sizes.size)},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def labels_side(self, a: Samples, b: Samples) -> str:
        """Return which side holds the labels."""
        if self.discrete != "auto":
            return self.discrete
        sides = [name for name, x in (("a", a), ("b", b)) if is_discrete(x)]
        if len(sides) == 1:
            return sides[0]
        which = "both a and b look" if sides else "neither a nor b looks"
        raise InputError(f"{which} like labels; say which side is: discrete='a' or 'b' (or use 'plugin', 'ksg')")


@dataclass(frozen=True)
class Gao(WithNeighbours):
    """Estimate I(A; B) of samples that mix continuous values with repeated ones, in either side.

    mean[psi(k_i) + psi(n) - psi(n_a) - psi(n_b)]. Where more than k samples share both values of a sample, k_i, n_a and
    n_b count those that share them, the sample itself included. Elsewhere k_i = k, and n_a and n_b count the samples
    nearer than the k-th neighbour, the sample itself included.

    Parameters
    ----------
    k : int
    jitter : float
        Standard deviation of the noise that breaks ties at a distance above 0, relative to that of each column. It has
        to be smaller than every gap between values.

    Notes
    -----
    On grid values the k-th neighbour shares its distance r > 0 with others. Counting them all, in the closed ball, is
    biased upwards: the search stops at the first r whose ball holds k samples, which is one that holds more than its
    share (.31 bits on two independent grids). Counting none of them, in the open ball, leaves whole grid lines out of
    the marginals (.66 bits). A minute noise breaks them instead. Rounding undoes it, so that it changes no
    information, and the noisy values have a density, so that independent sides score 0 on average. At distance 0 the
    counts above are used, which are free of that noise.

    References
    ----------
    Gao, Kannan, Oh & Viswanath, Estimating mutual information for discrete-continuous mixtures, NeurIPS 2017, Alg. 1,
    of which the counts at distance 0 are; it has log n for psi(n), and no rule for ties at other distances.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.mi import Gao
    >>> bits = np.tile([0.0, 1.0], 500)
    >>> bool(abs(Gao().estimate(bits, bits).value - 1.0) < 0.01)
    True
    """

    jitter: float = JITTER

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        keep_checked(self, jitter=KSG(jitter=self.jitter).jitter)

    @zero_where_constant
    @doubted(check="neighbours")
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`; `rng` seeds the noise.

        Raises
        ------
        InputError
            If a side is not a finite real array, the lengths differ, or there are fewer than k + 2.
        """
        began = time.perf_counter()
        x, y = standardise(check_rows(a, "a")), standardise(check_rows(b, "b"))
        n = check_pairs(len(x), len(y), at_least=self.k + 2, reason=f"k = {self.k}")
        codes_a, codes_b = row_codes(x), row_codes(y)
        together = _multiplicities(row_codes(np.column_stack([codes_a, codes_b])))
        tied = together > self.k
        noise = generator(rng)
        x, y = (side + self.jitter * noise.standard_normal(side.shape) for side in (x, y))
        radius = np.nextafter(nearest_pairs(x, y, self.k).distance, 0.0)
        k_i = np.where(tied, together, self.k)
        n_a = np.where(tied, _multiplicities(codes_a), counts_within(x, radius))
        n_b = np.where(tied, _multiplicities(codes_b), counts_within(y, radius))
        terms = digamma(k_i) + digamma(n) - digamma(n_a) - digamma(n_b)
        return in_nats(
            float(terms.mean()),
            kind="estimate",
            estimator="gao",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(n),
            diagnostics={"k": self.k, "tied_share": float(tied.mean())},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def terms(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the terms, in nats, whose mean is the estimate, of rows (n, d) without ties: those of `KSG`."""
        return neighbour_terms(x, y, k=self.k)


def _multiplicities(codes: IntArray) -> IntArray:
    """Return for every sample how many samples, itself included, have its code."""
    return np.asarray(np.bincount(codes)[codes], dtype=np.int64)
