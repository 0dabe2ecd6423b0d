"""Whether a critic would give more with more rows: what a quarter of them gives, on the same held-out rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pidkit.mi.neural.fitted import FittedCritic, Reading
from pidkit.mi.result import MIEstimate
from pidkit.mi.row_groups import standard_error
from pidkit.mi.second_opinion import differ
from pidkit.mi.splits import ThreeWaySplit
from pidkit.types import FloatArray, IntArray

PART = 4
"""The rows are so many times those of the critic that they are compared with; of half of them, the gain is no larger
than what the initial weights make of it."""

MISSING_FOR_GAIN = 1.0 / (math.sqrt(PART) - 1.0)
"""What all rows miss, for each nat that they give more than a part, where the error falls as 1 / sqrt(rows)."""

CHANCE_OF_GAIN = 2.0
"""Standard errors within which a gain is chance."""


@dataclass(frozen=True)
class LearningGain:
    """What a critic gives more than one that was trained on a quarter of the rows, on the same held-out rows, in nats.

    Attributes
    ----------
    value : float
    stderr : float
        Of the difference; both critics see the same held-out rows, so that what is easy or hard about those cancels.

    Examples
    --------
    >>> LearningGain(0.3, 0.04).warnings(0.7)[0].split(":")[0], LearningGain(0.01, 0.01).warnings(0.4)
    ('still learning', ())
    """

    value: float
    stderr: float

    def noted_in(self, found: MIEstimate) -> MIEstimate:
        """Return the estimate with the gain among its diagnostics, and its warning if there is one."""
        nats = found.to("nats")
        seen = {"learning_gain": self.value, "learning_gain_stderr": self.stderr}
        noted = dataclasses.replace(
            nats,
            warnings=(*nats.warnings, *self.warnings(nats.value)),
            diagnostics={**nats.diagnostics, **seen},
            diagnostics_in_unit=(*nats.diagnostics_in_unit, *seen),
        )
        return noted.to(found.unit)

    def warnings(self, value: float) -> tuple[str, ...]:
        """Return the warning that an estimate in nats is far from what endless rows would give."""
        missing = MISSING_FOR_GAIN * self.value
        if self.value <= CHANCE_OF_GAIN * self.stderr or not differ(value, value + missing):
            return ()
        return (
            f"still learning: a critic trained on a quarter of the rows gives {self.value:.2f} nats less; if errors "
            f"fall as the root of the rows, about {missing:.2f} nats are missing from {value:.2f}: give more samples",
        )


def learning_gain(
    split: ThreeWaySplit,
    whole: Reading,
    train: Callable[[IntArray], FittedCritic],
    a: FloatArray,
    b: FloatArray,
    *,
    together: IntArray,
    errors_by: IntArray | None,
) -> LearningGain:
    """Return the gain of a critic that `whole` read, over one that is trained on a quarter of what it was trained on.

    Parameters
    ----------
    split : ThreeWaySplit
    whole : Reading
        Of the rows that give the value.
    train : callable
        From rows to the critic trained on them.
    a, b : ndarray, shape (n, ...)
    together : ndarray of int, shape (n,)
        Groups, of which a quarter are kept whole.
    errors_by : ndarray of int, shape (n,), or None
        Groups that the standard error allows for.
    """
    members = np.unique(together[split.train])
    kept = np.random.default_rng(0).permutation(members)[: math.ceil(members.size / PART)]
    part = train(split.train[np.isin(together[split.train], kept)]).read(a[split.value], b[split.value])
    away = whole.terms - part.terms
    groups = None if errors_by is None else np.unique(errors_by[split.value], return_inverse=True)[1]
    return LearningGain(whole.value - part.value, standard_error(away - away.mean(), groups))
