"""Nearest-neighbour estimators where values repeat: Ross's for labels on one side, Gao's for mixtures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import digamma

from pidkit.arguments import Rng, check_count, generator, keep_checked, one_of, seed_name
from pidkit.errors import InputError
from pidkit.info import entropy
from pidkit.mi.knn import KSG, tie_warnings
from pidkit.mi.neighbours import balls, counts_within, nearest_pairs
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_labels, check_pairs, check_rows, is_discrete, standardise
from pidkit.types import Unit

LabelSide = Literal["auto", "a", "b"]
"""Which of the two sides holds the labels."""


@dataclass(frozen=True)
class Ross:
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

    k: int = 3
    discrete: LabelSide = "auto"
    jitter: float = 1e-10

    def __post_init__(self) -> None:
        """Check the parameters."""
        checked = KSG(k=self.k, jitter=self.jitter)
        discrete = one_of("discrete", self.discrete, get_args(LabelSide))
        keep_checked(self, k=checked.k, jitter=checked.jitter, discrete=discrete)

    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` and `b`, one of them (n, ...) real, the other (n,) labels, in `unit`.

        Samples that are alone in their class are left out, as Ross does, and a warning says how many.

        Raises
        ------
        InputError
            If it is not clear which side holds the labels, there is one class only, no class has two samples, the
            lengths differ, or the real side is not finite or constant.
        """
        began = time.perf_counter()
        labels_are = self._labels_side(a, b)
        labels, rest = (a, b) if labels_are == "a" else (b, a)
        codes = check_labels(_one_column(labels), labels_are)
        rows = check_rows(rest, "b" if labels_are == "a" else "a")
        n = check_pairs(len(rows), codes.size, at_least=4, reason="the mixed estimator")
        sizes = np.bincount(codes)
        has_company = sizes[codes] > 1
        if not has_company.any():
            raise InputError(f"{labels_are} has a class of its own for every sample; use KSG for numbers without ties")
        lonely = n - int(has_company.sum())
        x = standardise(rows[has_company])
        x = x + self.jitter * generator(rng).standard_normal(x.shape)
        y = codes[has_company]
        radius, k_i = np.empty(len(x)), np.empty(len(x))
        for label in np.flatnonzero(sizes > 1):
            members = np.flatnonzero(y == label)
            k_i[members] = k = min(self.k, members.size - 1)
            radius[members] = np.nextafter(balls(x[members], k), 0.0)
        m_i = counts_within(x, radius)
        terms = digamma(len(x)) + digamma(k_i) - digamma(sizes[y]) - digamma(m_i)
        alone = (f"left out {lonely} samples that are alone in their class",) if lonely else ()
        value, cap = float(terms.mean()), entropy(np.bincount(codes) / n)
        above = ("above the cap: by its variance an estimate can exceed H(Y); the truth cannot",) if value > cap else ()
        return in_nats(
            value,
            kind="estimate",
            estimator="ross",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(len(x)),
            cap=("H(Y)", cap),
            warnings=alone + above + tie_warnings(rows, "b" if labels_are == "a" else "a"),
            diagnostics={"k": self.k, "labels": labels_are, "n_classes": int(sizes.size)},
            seed=seed_name(rng),
            seconds=time.perf_counter() - began,
        )

    def _labels_side(self, a: Samples, b: Samples) -> str:
        if self.discrete != "auto":
            return self.discrete
        sides = [name for name, x in (("a", a), ("b", b)) if is_discrete(x)]
        if len(sides) == 1:
            return sides[0]
        which = "both a and b look" if sides else "neither a nor b looks"
        raise InputError(f"{which} like labels; say which side is: discrete='a' or 'b' (or use 'plugin', 'ksg')")


@dataclass(frozen=True)
class Gao:
    """Estimate I(A; B) of samples that mix continuous values with repeated ones, in either side.

    mean[psi(k_i) + log n - psi(n_a) - psi(n_b)]: where the k-th neighbour is at distance 0, k_i, n_a and n_b count the
    samples at distance 0, else those nearer than it, the sample itself included. No jitter: ties are information.

    Parameters
    ----------
    k : int

    References
    ----------
    Gao, Kannan, Oh & Viswanath, Estimating mutual information for discrete-continuous mixtures, NeurIPS 2017, Alg. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from pidkit.mi import Gao
    >>> bits = np.tile([0.0, 1.0], 500)
    >>> bool(abs(Gao().estimate(bits, bits).value - 1.0) < 0.01)
    True
    """

    k: int = 3

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, k=check_count("k", self.k))

    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n, ...) and `b` (n, ...), in `unit`; nothing is drawn from `rng`.

        Raises
        ------
        InputError
            If a side is not a finite real array or is constant, the lengths differ, or there are fewer than k + 2.
        """
        seed_name(rng)  # refuses what is no rng
        began = time.perf_counter()
        x, y = standardise(check_rows(a, "a")), standardise(check_rows(b, "b"))
        n = check_pairs(len(x), len(y), at_least=self.k + 2, reason=f"k = {self.k}")
        radius = nearest_pairs(x, y, self.k).distance
        tied = radius == 0.0
        inside = np.where(tied, 0.0, np.nextafter(radius, 0.0))
        k_i = np.where(tied, counts_within(np.hstack([x, y]), inside), self.k)
        terms = digamma(k_i) + np.log(n) - digamma(counts_within(x, inside)) - digamma(counts_within(y, inside))
        return in_nats(
            terms.mean(),
            kind="estimate",
            estimator="gao",
            n_samples=n,
            unit=unit,
            stderr=terms.std(ddof=1) / np.sqrt(n),
            diagnostics={"k": self.k, "tied_share": float(tied.mean())},
            seconds=time.perf_counter() - began,
        )


def _one_column(labels: Samples) -> Samples:
    """Return labels of shape (n, 1) as (n,)."""
    shape = getattr(labels, "shape", ())
    return labels.reshape(-1) if len(shape) > 1 and int(np.prod(shape[1:])) == 1 else labels  # type: ignore[union-attr]
