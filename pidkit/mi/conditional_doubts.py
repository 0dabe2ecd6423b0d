"""What estimators of conditional information say about their own value; the replicates of a null do without."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pidkit.mi.conditional_samples import Conditioned, conditioned, conditioned_labels
from pidkit.mi.constant import Owner, Rest
from pidkit.mi.doubts import EstimateMethod, amended, finished, flat
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate
from pidkit.mi.samples import check_labels

Also = Callable[[Any, Conditioned], tuple[str, ...]]
"""From an estimator and its rows to the warnings that they give besides."""


def doubted_given(
    *, sides: Literal["rows", "labelled rows", "symbols"] = "rows", also: Also | None = None
) -> Callable[[EstimateMethod[Owner, Rest]], EstimateMethod[Owner, Rest]]:
    """Let a method `estimate(self, a, b, c, ...)` add to its result the doubts that the samples and the value give.

    Parameters
    ----------
    sides : str
        How the sides are read: "rows", "symbols", or "labelled rows", of which b holds the labels.
    also : callable, optional
        Further warnings of an estimator of rows.
    """

    def with_doubts(owner: Owner, nats: MIEstimate, given: Mapping[str, Any]) -> MIEstimate:
        a, b, c = (given[side] for side in "abc")
        if sides == "symbols":
            return finished(nats, repeats(*conditioned_labels(a, b, c)[:2]))
        labels = check_labels(flat(b), "b") if sides == "labelled rows" else None
        rows = conditioned(a, b if labels is None else labels, c, at_least=2)
        texts = () if also is None else also(owner, rows)
        nats = dataclasses.replace(nats, warnings=(*nats.warnings, *texts))
        return finished(nats, repeats(rows.a, rows.b if labels is None else labels))

    return amended(with_doubts)
