"""`MIEstimate`: an estimate of mutual information, with the kind of number it is, its error, its cap and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pidkit.units import check_unit, convert

KINDS: dict[str, str] = {
    "plugin": "the mutual information of the empirical joint",
    "estimate": "neither an upper nor a lower bound",
    "lower_bound": "a lower bound, up to sampling error",
    "v_information": "what one family of decoders reads out; no bound of the mutual information",
}
"""The kinds of value and what they say about the mutual information."""


@dataclass(frozen=True)
class MIEstimate:
    """An estimate of I(A; B) from samples. A bound is never called the mutual information: see `kind`.

    Attributes
    ----------
    value : float
        In `unit`. Raw: an estimate of a small mutual information may be negative.
    unit : str
        "bits" or "nats", of `value`, `stderr` and `cap`.
    kind : str
        "plugin", "estimate", "lower_bound" or "v_information".
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
        What the estimator measured on the way; information in nats, whatever `unit` is.
    seed : int or str or None
        The seed, "generator" where a Generator was passed, None where nothing is random.
    seconds : float
    """

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
    seed: int | str | None = None
    seconds: float = 0.0

    def to(self, unit: str) -> MIEstimate:
        """Return the same estimate in another unit.

        Examples
        --------
        >>> one_bit = MIEstimate(value=1.0, unit="bits", kind="plugin", estimator="plugin", n_samples=8)
        >>> round(one_bit.to("nats").value, 6)
        0.693147
        """
        check_unit(unit)
        value, stderr, cap = (
            None if x is None else convert(x, old=self.unit, new=unit) for x in (self.value, self.stderr, self.cap)
        )
        return replace(self, value=value, stderr=stderr, cap=cap, unit=unit)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings, lists and dictionaries, ready for JSON."""
        return {**asdict(self), "warnings": list(self.warnings)}

    def __repr__(self) -> str:
        """Show the value, its error, its kind, the cap and the warnings, a line each."""
        error = "" if self.stderr is None else f" ± {self.stderr:.4f}"
        lines = [
            f"MIEstimate ({self.estimator}, n = {self.n_samples})",
            f"  {self.value:.4f}{error} {self.unit}: {self.kind}, {KINDS[self.kind]}",
        ]
        if self.cap is not None:
            lines.append(f"  cap {self.cap_name} = {self.cap:.4f} {self.unit}")
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
    diagnostics: Mapping[str, Any] | None = None,
    seed: int | str | None = None,
    seconds: float = 0.0,
) -> MIEstimate:
    """Return the estimate that kernels computed in nats, in `unit`."""
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
        diagnostics=dict(diagnostics or {}),
        seed=seed,
        seconds=seconds,
    ).to(unit)
