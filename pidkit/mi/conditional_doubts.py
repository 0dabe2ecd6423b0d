"""What estimators of conditional information say about their own value; the replicates of a null do without."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, Literal

from pidkit.mi.conditional_samples import Conditioned, conditioned, conditioned_labels
from pidkit.mi.constant import Owner, Rest
from pidkit.mi.doubts import finished, flat
from pidkit.mi.repeats import repeats
from pidkit.mi.result import MIEstimate
from pidkit.mi.samples import check_labels

Also = Callable[[Any, Conditioned], tuple[str, ...]]
"""From an estimator and its rows to the warnings that they give besides."""


def doubted_given(
    *, sides: Literal["rows", "labelled rows", "symbols"] = "rows", also: Also | None = None
) -> Callable[[Callable[Concatenate[Owner, Rest], MIEstimate]], Callable[Concatenate[Owner, Rest], MIEstimate]]:
    """Let a method `estimate(self, a, b, c, ...)` add to its result the doubts that the samples and the value give.

    Parameters
    ----------
    sides : str
        How the sides are read: "rows", "symbols", or "labelled rows", of which b holds the labels.
    also : callable, optional
        Further warnings of an estimator of rows.
    """

    def decorate(
        estimate: Callable[Concatenate[Owner, Rest], MIEstimate],
    ) -> Callable[Concatenate[Owner, Rest], MIEstimate]:
        signature = inspect.signature(estimate)

        @functools.wraps(estimate)
        def with_doubts(self: Owner, /, *args: Rest.args, **kwargs: Rest.kwargs) -> MIEstimate:
            found = estimate(self, *args, **kwargs)
            given = signature.bind(self, *args, **kwargs).arguments
            a, b, c = (given[side] for side in "abc")
            nats = found.to("nats")
            if sides == "symbols":
                return finished(nats, repeats(*conditioned_labels(a, b, c)[:2])).to(found.unit)
            labels = check_labels(flat(b), "b") if sides == "labelled rows" else None
            rows = conditioned(a, b if labels is None else labels, c, at_least=2)
            texts = () if also is None else also(self, rows)
            nats = dataclasses.replace(nats, warnings=(*nats.warnings, *texts))
            return finished(nats, repeats(rows.a, rows.b if labels is None else labels)).to(found.unit)

        return with_doubts

    return decorate
