"""The plug-in estimate of discrete symbols, and Miller and Madow's correction."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pidkit.arguments import Rng, keep_checked, one_of, seed_name
from pidkit.info import LARGEST_BIAS_SHARE, entropy
from pidkit.mi.constant import zero_where_constant
from pidkit.mi.doubts import doubted
from pidkit.mi.result import MIEstimate, in_nats
from pidkit.mi.samples import Samples, check_labels, check_pairs
from pidkit.types import IntArray, Unit

SATURATED = 0.9
"""Share of log n from which the entropy of a side counts as saturated: it then shows the number of samples."""


FEWEST_PAIRS = 10
"""Pairs from which a divisor that their counts share is no chance."""

FEWEST_A_PAIR = 3
"""Samples a pair that occurs below which Miller and Madow's correction leaves much of the bias."""

CountCorrection = Literal["none", "miller-madow"]
"""What is done about the bias of counted frequencies."""


@dataclass(frozen=True)
class PlugIn:
    """Compute I(A; B) of the empirical joint of two columns of symbols.

    sum p log( p / (p_a p_b) ) over the relative frequencies p; with the correction plus
    (K_a + K_b - K_ab - 1) / (2 n), K counting the symbols and the pairs that occur.

    Parameters
    ----------
    correction : str
        "none" or "miller-madow". The plug-in value is biased upwards, and the correction removes most of that while
        there are several samples a pair that occurs.

    References
    ----------
    Miller, Note on the bias of information estimates, 1955.

    Notes
    -----
    The standard error has a second term, (K_ab - K_a - K_b + 1) / (2 n²), the variance of the value for independent
    sides, where 2 n I is chi² distributed.

    Examples
    --------
    >>> estimate = PlugIn().estimate("abab" * 5, [0, 1, 0, 1] * 5)
    >>> round(estimate.value, 6), estimate.kind
    (1.0, 'plugin')
    """

    correction: CountCorrection = "none"

    def __post_init__(self) -> None:
        """Check the parameter."""
        keep_checked(self, correction=one_of("correction", self.correction, get_args(CountCorrection)))

    @zero_where_constant
    @doubted(sides="symbols")
    def estimate(self, a: Samples, b: Samples, *, unit: Unit = "bits", rng: Rng = 0) -> MIEstimate:
        """Estimate I(A; B) from `a` (n,) and `b` (n,), one symbol a sample, in `unit`; nothing is drawn from `rng`.

        Raises
        ------
        InputError
            If a side has more than one axis, or symbols that cannot be used, or the lengths differ.
        """
        seed_name(rng)  # refuses what is no rng
        began = time.perf_counter()
        x, y = check_labels(a, "a"), check_labels(b, "b")
        n = check_pairs(x.size, y.size, at_least=2, reason="counting")
        pairs, inverse, counts = np.unique(x * (int(y.max()) + 1) + y, return_inverse=True, return_counts=True)
        p_x, p_y = np.bincount(x) / n, np.bincount(y) / n
        terms = (np.log(counts[inverse] / n) - np.log(p_x[x])) - np.log(p_y[y])
        correction = (p_x.size + p_y.size - pairs.size - 1) / (2.0 * n)
        corrected = self.correction == "miller-madow"
        value = float(terms.mean()) + (correction if corrected else 0.0)
        h_a, h_b = entropy(p_x), entropy(p_y)
        notes = [
            f"saturated: H({name}) is {h:.2f} nats and log n {math.log(n):.2f}; use fewer symbols or more samples"
            for name, h in (("A", h_a), ("B", h_b))
            if h >= SATURATED * math.log(n)
        ]
        if common := _common_divisor(counts):
            notes.append(
                f"copies: every pair occurs a multiple of {common} times: a balanced design, or copies of fewer "
                "samples, and the standard error is right for neither; see check_samples(a, b)"
            )
        if corrected and n < FEWEST_A_PAIR * pairs.size:
            notes.append(
                f"undersampled: {pairs.size} pairs of symbols occur in {n} samples, and the correction needs several "
                "of each; use fewer symbols or more samples"
            )
        if not corrected and -correction > LARGEST_BIAS_SHARE * value:
            notes.append(f"biased: about {-correction:.3f} nats of the value are bias; use correction='miller-madow'")
        name, cap = min((("H(A)", h_a), ("H(B)", h_b)), key=lambda side: side[1])
        return in_nats(
            value,
            kind="estimate" if corrected else "plugin",
            estimator="miller-madow" if corrected else "plugin",
            n_samples=n,
            unit=unit,
            stderr=math.sqrt(terms.var(ddof=1) / n + max(-correction, 0.0) / n),
            cap=(name, cap),
            warnings=tuple(notes),
            information={"entropy_a": h_a, "entropy_b": h_b, "log_n": math.log(n), "miller_madow": correction},
            diagnostics={"n_pairs": int(pairs.size)},
            seconds=time.perf_counter() - began,
        )


def _common_divisor(counts: IntArray) -> int:
    """Return what all the counts are multiples of, 0 for 1 or where there are few pairs."""
    divisor = int(np.gcd.reduce(counts))
    return divisor if divisor > 1 and counts.size >= FEWEST_PAIRS else 0
