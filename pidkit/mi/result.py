"""`MIEstimate`: an estimate of mutual information, with the kind of number it is, its error, its cap and warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pidkit.arguments import one_of
from pidkit.errors import InputError
from pidkit.results import Row, UnitResult, cell, in_unit

Normalisation = Literal["a", "b", "min", "geometric"]
"""The entropy that an information is divided by."""

MOST_DISTINCT = 0.5
"""Share of distinct values up to which a side's entropy is that of symbols, and not log n."""

KINDS: dict[str, str] = {
    "plugin": "the mutual information of the empirical joint",
    "estimate": "neither an upper nor a lower bound",
    "lower_bound": "a lower bound, up to sampling error",
    "exact": "zero, because a side is constant; nothing was estimated",
    "v_information": "what one family of decoders reads out; no bound of the mutual information",
}
"""The kinds of value and what they say about the mutual information."""


@dataclass(frozen=True)
class MIEstimate(UnitResult):
    """An estimate of I(A; B) from samples. A bound is never called the mutual information: see `kind`.

    Attributes
    ----------
    value : float
        In `unit`. Raw: an estimate of a small mutual information may be negative.
    unit : str
        "bits" or "nats", of `value`, `stderr`, `cap` and the diagnostics that `diagnostics_in_unit` names.
    kind : str
        "plugin", "estimate", "lower_bound", "v_information", or "exact".
    estimator : str
    n_samples : int
        Pairs given.
    stderr : float or None
        Standard error due to the samples that the value was averaged over; it knows nothing of bias, nor of how much
        another critic or decoder would have found.
    cap : float or None
        No value above it can be reported, whatever the truth.
    cap_name : str or None
        "log K", "log n", "H(Y)" and the like.
    warnings : tuple of str
        What should keep a reader from trusting the value: near the cap, overfitted, saturated, ties.
    diagnostics : dict
        What the estimator measured on the way, and how: information in `unit`, counts, names, shares.
    diagnostics_in_unit : tuple of str
        Which of the diagnostics are information: they follow `unit`, the others stay as they are.
    seed : int or str or None
        The seed, "generator" where a Generator was passed, None where nothing is random.
    seconds : float
    p_value : float or None
        Share of permutations, the sample counted among them, that give at least as much; None where none were asked.
    null : tuple of float
        What the permutations give, in `unit`.
    """

    _information = ("value", "stderr", "cap", "null")

    value: float
    unit: str
    kind: str
    estimator: str
    n_samples: int
    stderr: float | None = None
    cap: float | None = None
    cap_name: str | None = None
    warnings: tuple[str, ...] = ()
    diagnostics: dict[str, Any] = field(default_factory=dict)
    diagnostics_in_unit: tuple[str, ...] = ()
    seed: int | str | None = None
    seconds: float = 0.0
    p_value: float | None = None
    null: tuple[float, ...] = ()

    def normalised(self, by: Normalisation = "geometric") -> float:
        """Return the information as a share of an entropy: of H(A), of H(B), of the smaller, or of sqrt(H(A) H(B)).

        The entropies are those of the frequencies in the samples. A side whose values hardly repeat has none that
        would not grow with their number, and is refused.

        Parameters
        ----------
        by : str
            "a", "b", "min" or "geometric".

        Raises
        ------
        InputError
            If `by` is none of these, or an entropy that it needs is not known.

        References
        ----------
        Strehl & Ghosh, Cluster ensembles, JMLR 3, 2002 (geometric); Kvalseth, On normalized mutual information,
        Entropy 19, 2017 (the others).

        Examples
        --------
        >>> from pidkit import estimate_mi
        >>> round(estimate_mi("abab" * 9, "cdcd" * 9, estimator="plugin").normalised("b"), 9)
        1.0
        """
        by = one_of("by", by, get_args(Normalisation))
        entropies = []
        for side in by if by in ("a", "b") else "ab":
            entropy = self.diagnostics.get(f"entropy_{side}")
            if entropy is None or self.diagnostics.get(f"distinct_share_{side}", 0.0) > MOST_DISTINCT:
                raise InputError(
                    f"by = {by!r} needs H({side.upper()}), but hardly any value of {side} repeats, so that it has no "
                    "entropy in these samples; divide by the other side's, or code it first"
                )
            entropies.append(float(entropy))
        if self.kind == "exact":
            return 0.0
        return self.value / (min(entropies) if by == "min" else math.prod(entropies) ** (1.0 / len(entropies)))

    def _converted_fields(self, *, old: str, new: str) -> dict[str, Any]:
        """Return the fields that another unit changes; some of the diagnostics are among them."""
        held = {name: in_unit(self.diagnostics[name], old=old, new=new) for name in self.diagnostics_in_unit}
        return {**super()._converted_fields(old=old, new=new), "diagnostics": {**self.diagnostics, **held}}

    def _rows(self) -> Sequence[Row]:
        """Return the fields, and a row for each warning."""
        return [*super()._rows(), *({"": "warning", "value": cell(text)} for text in self.warnings)]

    def __repr__(self) -> str:
        """Show the value, its error, its kind, the cap and the warnings, a line each."""
        error = "" if self.stderr is None else f" ± {self.stderr:.4f}"
        lines = [
            f"MIEstimate ({self.estimator}, n = {self.n_samples})",
            f"  {self.value:.4f}{error} {self.unit}: {self.kind}, {KINDS[self.kind]}",
        ]
        if self.cap is not None:
            lines.append(f"  cap {self.cap_name} = {self.cap:.4f} {self.unit}")
        if self.p_value is not None:
            lines.append(f"  p = {self.p_value:.3g} by {len(self.null)} permutations")
        lines += [f"  warning: {text}" for text in self.warnings]
        return "\n".join(lines)


def in_nats(
    value: float,
    *,
    kind: str,
    estimator: str,
    n_samples: int,
    unit: str,
    stderr: float | None = None,
    cap: tuple[str, float] | None = None,
    warnings: tuple[str, ...] = (),
    information: Mapping[str, Any] | None = None,
    diagnostics: Mapping[str, Any] | None = None,
    seed: int | str | None = None,
    seconds: float = 0.0,
) -> MIEstimate:
    """Return the estimate that kernels computed in nats, in `unit`.

    The diagnostics of the estimate are `information`, which is in nats here and follows the unit, and `diagnostics`,
    which does not.
    """
    information = dict(information or {})
    name, height = (None, None) if cap is None else cap
    return MIEstimate(
        value=float(value),
        unit="nats",
        kind=kind,
        estimator=estimator,
        n_samples=n_samples,
        stderr=None if stderr is None else float(stderr),
        cap=None if height is None else float(height),
        cap_name=name,
        warnings=warnings,
        diagnostics={**information, **(diagnostics or {})},
        diagnostics_in_unit=tuple(information),
        seed=seed,
        seconds=seconds,
    ).to(unit)


CAP_ROUNDING = 1e-12
"""Share by which a value may exceed its cap because both are sums of rounded terms."""


def above_cap(value: float, cap: tuple[str, float] | None) -> tuple[str, ...]:
    """Return the warning that an estimate exceeds its cap, which the information itself cannot.

    Examples
    --------
    >>> above_cap(1.2, ("H(Y)", 1.0))
    ('above the cap: by its variance or bias an estimate can exceed H(Y); the information cannot',)
    """
    if cap is None or value <= cap[1] * (1.0 + CAP_ROUNDING):
        return ()
    return (f"above the cap: by its variance or bias an estimate can exceed {cap[0]}; the information cannot",)
