"""What a reader of decoded atoms has to know before using the numbers: the warnings of `representation_pid`."""

from __future__ import annotations

from collections.abc import Iterable

from pidkit.errors import nothing_told_by
from pidkit.representations.decoded import DecodedScores
from pidkit.representations.decoders import DecodedLayer
from pidkit.types import Unit
from pidkit.units import convert, from_nats

MISCALIBRATED, MISCALIBRATED_ERRORS = 0.05, 3.0
"""Bits, and standard errors, by which claimed and counted redundancy may differ before a warning says so."""

SHORTFALL_ERRORS, LEAST_SHORTFALL = 2.0, 0.02
"""Standard errors, and bits, by which the decoder of both layers must read less than one before a warning says so."""


def cautions(scored: DecodedScores, layers: Iterable[DecodedLayer], unit: Unit) -> tuple[str, ...]:
    """Return the warnings, in sentences."""
    said = [nothing_told_by("labels")] if scored.samples.y.max() == 0 else []
    said += [text for layer in layers for text in layer.warnings]
    excess, error = scored.miscalibration()
    if abs(from_nats(excess, "bits")) > MISCALIBRATED and abs(excess) > MISCALIBRATED_ERRORS * error:
        said.append(
            f"the posteriors claim a redundancy that is {from_nats(excess, unit):+.3f} {unit} from what the labels of "
            f"held-out rows give (standard error {from_nats(error, unit):.3f}): they are not calibrated, and the "
            "brackets are wider for it; use more rows or another decoder"
        )
    less, error = scored.joint_shortfall()
    if less > max(SHORTFALL_ERRORS * error, convert(LEAST_SHORTFALL, old="bits", new="nats")):
        said.append(
            f"the decoder of both layers reads {from_nats(less, unit):.3f} {unit} less than that of the better one: no "
            "synergy was found by this decoder, and there may be some; another decoder, or more rows, may find it"
        )
    return tuple(dict.fromkeys(said))
