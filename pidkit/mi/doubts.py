"""What every estimator says about its own value: doubts that the samples and the value give, added to the result."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Literal, cast

import numpy as np

from pidkit.mi.constant import Owner, Rest
from pidkit.mi.on_surrogates import tried_on_classes, tried_on_rows
from pidkit.mi.repeats import TIED_SHARE, RepeatedValues, repeats, tie_warnings
from pidkit.mi.result import MIEstimate, above_cap
from pidkit.mi.samples import Samples, check_labels, check_rows
from pidkit.mi.second_opinion import Opinion, Verdict, opinion_of_classes, opinion_of_rows
from pidkit.types import FloatArray, IntArray

NEAR_LOG_N = 0.9
"""Share of log n from which a value says how many samples there are."""

FAR_BELOW_ZERO = 0.05
"""Nats below zero, and more than three standard errors, from which a value is called an error."""

CAP_CHANCE = 0.99
"""Share of an estimator's own cap below which the entropy of a side replaces it: decoders score some of the rows, whose
entropy is their cap, and differs by chance from that of all rows."""

SideRead = FloatArray | IntArray
"""A side as it is read: rows (n, d), or codes (n,) of labels."""

Check = Literal["neighbours", "correlations", "any rows", "classes", "any decoder"]
"""Which second opinion an estimator is held against: see `_second_opinion`."""


EstimateMethod = Callable[Concatenate[Owner, Rest], MIEstimate]
"""A method that estimates."""


def amended(
    amend: Callable[[Owner, MIEstimate, Mapping[str, Any]], MIEstimate],
) -> Callable[[EstimateMethod[Owner, Rest]], EstimateMethod[Owner, Rest]]:
    """Let a method return its result as `amend(self, result in nats, arguments by name)` has it, in its own unit.

    `inspect.unwrap` gives the method back as it was: the replicates of a null do without what is only said of a value.
    """

    def decorate(estimate: EstimateMethod[Owner, Rest]) -> EstimateMethod[Owner, Rest]:
        signature = inspect.signature(estimate)

        @functools.wraps(estimate)
        def with_doubts(self: Owner, /, *args: Rest.args, **kwargs: Rest.kwargs) -> MIEstimate:
            found = estimate(self, *args, **kwargs)
            given = signature.bind(self, *args, **kwargs).arguments
            return amend(self, found.to("nats"), given).to(found.unit)

        return with_doubts

    return decorate


def doubted(
    *, sides: Literal["rows", "labelled rows", "symbols"] = "rows", density: bool = False, check: Check | None = None
) -> Callable[[EstimateMethod[Owner, Rest]], EstimateMethod[Owner, Rest]]:
    """Let a method `estimate(self, a, b, ...)` add to its result the doubts that the samples and the value give.

    Parameters
    ----------
    sides : str
        How the sides are read: "rows", "symbols", or "labelled rows", of which `self.labels_side(a, b)` holds labels.
    density : bool
        Whether values that repeat contradict the estimator.
    check : str, optional
        The second opinion that the value is held against; None for what needs none.
    """

    def with_doubts(owner: Owner, nats: MIEstimate, given: Mapping[str, Any]) -> MIEstimate:
        x, y, labels_are = _read(owner, given["a"], given["b"], sides)
        seen = repeats(x, y)
        verdict, opinions = (
            (None, ())
            if check is None
            else _second_opinion(owner, nats, x, y, labels_are, check, maps=_are_maps(given))
        )
        texts = [
            *(tie_warnings(seen.codes_a, "a") if density and labels_are != "a" else ()),
            *(tie_warnings(seen.codes_b, "b") if density and labels_are != "b" else ()),
            *(_copies(seen) if sides != "symbols" else ()),
            *_of_the_value(nats, getattr(owner, "k", 1)),
            *opinions,
        ]
        return _with_entropies(_with_verdict(nats, verdict), seen, tuple(texts))

    return amended(with_doubts)


def _are_maps(given: Mapping[str, Any]) -> bool:
    """Tell whether a side is of maps or sequences, (n, channels, ...), and not of rows."""
    return any(np.ndim(given[side]) > 2 for side in "ab")


def _read(owner: object, a: Samples, b: Samples, sides: str) -> tuple[SideRead, SideRead, str]:
    """Return both sides as rows (n, d) or codes (n,), and which of them holds labels: "a", "b", "ab" or ""."""
    labels_are = {"rows": "", "symbols": "ab"}.get(sides)
    if labels_are is None:
        labels_are = owner.labels_side(a, b)  # type: ignore[attr-defined]
    x, y = (
        check_labels(flat(side), name) if name in labels_are else check_rows(side, name)
        for side, name in ((a, "a"), (b, "b"))
    )
    return x, y, labels_are


def flat(labels: Samples) -> Samples:
    """Return labels of shape (n, 1) as (n,)."""
    shape = getattr(labels, "shape", ())
    return labels.reshape(-1) if len(shape) > 1 and math.prod(shape[1:]) == 1 else labels  # type: ignore[union-attr]


def _copies(seen: RepeatedValues) -> tuple[str, ...]:
    """Return the warning that pairs repeat."""
    share = seen.copied_share
    if share <= TIED_SHARE:
        return ()
    return (
        f"copies: {100 * share:.0f} % of the pairs repeat another, so that there are fewer samples than rows and the "
        "standard error is too small; estimators with folds keep them in one; see check_samples(a, b)",
    )


def _of_the_value(found: MIEstimate, k: int = 1) -> tuple[str, ...]:
    """Return the warnings that a value in nats is no information, or says how many samples there are.

    Of k neighbours the largest value is about log(n / k).
    """
    texts = []
    error = found.stderr or 0.0
    if found.value < -max(FAR_BELOW_ZERO, 3.0 * error):
        texts.append(
            f"below zero: information is never negative, so that {found.value:.2f} nats are an error which the "
            "standard error does not show"
        )
    log_n = math.log(found.n_samples / k)
    if found.kind != "v_information" and found.value >= NEAR_LOG_N * log_n:
        texts.append(
            f"near log n: {found.value:.2f} nats, and {found.n_samples} samples cannot show more than about "
            f"{log_n:.2f}; the information may be any amount above"
        )
    return tuple(texts)


def _second_opinion(
    owner: Any, found: MIEstimate, x: SideRead, y: SideRead, labels_are: str, check: Check, *, maps: bool
) -> tuple[Verdict | str | None, tuple[str, ...]]:
    """Return what the estimator makes of surrogates, and the warnings: that it is off there, and of a second opinion.

    "neighbours", "correlations" and "classes" are tried on the surrogates of the second opinion; trained critics and
    decoders ("any rows", "any decoder") on surrogates of their own, as many as `owner.n_surrogates`.
    """
    trained = check in ("any rows", "any decoder")
    tried: Verdict | str | None = None
    if check in ("classes", "any decoder"):
        rows, labels = (y, x) if labels_are == "a" else (x, y)
        classes = cast(FloatArray, rows), cast(IntArray, labels)
        opinion = opinion_of_classes(*classes, k=getattr(owner, "k", 3))
        if trained and owner.n_surrogates:
            tried = tried_on_classes(owner, *classes)
    else:
        both = cast(FloatArray, x), cast(FloatArray, y)
        asked = owner.terms if check == "neighbours" else None
        opinion = opinion_of_rows(*both, asked, linear=check == "correlations")
        if trained and owner.n_surrogates:
            tried = "maps have no surrogates" if maps else tried_on_rows(owner, *both)
    if not trained and isinstance(opinion, Opinion):
        tried = opinion.verdict(linear=check == "correlations")
    texts = list(tried.warnings) if isinstance(tried, Verdict) else []
    if not isinstance(opinion, Opinion):
        return tried, tuple(texts if trained else [f"unchecked on surrogates of known information, for {opinion}"])
    at_its_cap = any(text.startswith("near the cap") for text in found.warnings)
    # What a decoder reads out of rows that it has not seen is there, whether or not neighbours find it.
    read = check == "any decoder" and found.kind == "lower_bound" and found.value > opinion.value
    if not texts and not at_its_cap and not read and opinion.denies(found.value):
        texts.append(_disagrees(found, opinion))
    if not texts and check == "neighbours":
        texts.extend(opinion.strange)
    if not texts and opinion.blind and not trained:
        texts.append(
            f"unchecked on {opinion.n} rows, where nearest neighbours find {opinion.found:.2f} of surrogates' "
            f"{opinion.known:.2f} nats: what is neither correlation nor shared tail is hardly seen"
        )
    return tried, tuple(texts)


def _with_verdict(found: MIEstimate, verdict: Verdict | str | None) -> MIEstimate:
    """Return the estimate in nats with what its estimator made of surrogates among the diagnostics, or why nothing."""
    if verdict is None:
        return found
    if isinstance(verdict, str):
        return dataclasses.replace(found, diagnostics={**found.diagnostics, "surrogate_unused": verdict})
    seen = {"surrogate_found": verdict.found, "surrogate_known": verdict.known}
    return dataclasses.replace(
        found,
        diagnostics={**found.diagnostics, **seen, "surrogate_rows": verdict.n},
        diagnostics_in_unit=(*found.diagnostics_in_unit, *seen),
    )


def _disagrees(found: MIEstimate, opinion: Opinion) -> str:
    """Return the text that the value is not what calibrated neighbours find."""
    lower = found.value < opinion.value
    why = "the bound is loose: more samples or another critic or decoder" if found.kind == "lower_bound" else ""
    if not lower:
        why = "the samples break what one of the two assumes"
    return (
        f"disagrees: calibrated neighbours of {opinion.n} rows find {opinion.value:.2f} nats, this {found.value:.2f}; "
        f"{why or 'it misses dependence that it does not model'}"
    )


def finished(found: MIEstimate, seen: RepeatedValues) -> MIEstimate:
    """Return an estimate in nats with the doubts that its value and repeated pairs give, for what has no opinion."""
    return _with_entropies(found, seen, _of_the_value(found))


def _with_entropies(found: MIEstimate, seen: RepeatedValues, texts: tuple[str, ...]) -> MIEstimate:
    """Return the estimate in nats with the texts, the entropies of sides that repeat, and the smallest cap."""
    entropies = {f"entropy_{side}": seen.entropy_of(side) for side in "ab"}
    known = {name: h for name, h in entropies.items() if h is not None and name not in found.diagnostics}
    cap, name = found.cap, found.cap_name
    if found.kind != "v_information" and seen.cap is not None and (cap is None or seen.cap[1] < CAP_CHANCE * cap):
        name, cap = seen.cap
    above = () if name is None or cap is None else above_cap(found.value, (name, cap))
    return dataclasses.replace(
        found,
        cap=cap,
        cap_name=name,
        warnings=(*found.warnings, *(text for text in above if text not in found.warnings), *texts),
        diagnostics={**found.diagnostics, **known, **seen.shares},
        diagnostics_in_unit=(*found.diagnostics_in_unit, *known),
    )
