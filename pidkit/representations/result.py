"""The result of `representation_pid`: decoded atoms with their error budget, and what to believe of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pidkit.errors import InputError
from pidkit.pid.result import ATOMS
from pidkit.representations.estimate_result import PIDEstimate
from pidkit.representations.row_scores import RowScores
from pidkit.results import UnitPart, text_table
from pidkit.types import FloatArray
from pidkit.units import convert

NOTABLE_LOSS = 0.1
"""Bits from which an atom is called limited by what the codes leave open, or by what more rows would teach decoders."""

NOT_COMPUTED = "not computed: no decoder read both layers (synergy=False)"
"""The verdict on the synergy where the decoder of both layers was left out."""

LITTLE = 0.1
"""Share of H(Y) below which a decoder is said to read little."""


@dataclass(frozen=True)
class DecoderReport(UnitPart):
    """What one decoder read, on rows that it had not seen, in the result's unit.

    Attributes
    ----------
    name : str
    information : float
        H(Y) less its cross-entropy before calibration: what `estimate_mi` calls the label decoder's information.
    calibrated : float
        The same after calibration, from which the atoms are computed.
    standard_error : float
        Of `calibrated`.
    claimed : float
        H(Y) less the mean entropy of its posteriors: what it believes to read.
    accuracy : float
        Share of rows whose most probable class is their label.
    learning_exponent : float
        What it has not learned is taken to fall with this power of the number of rows: 1 for a linear decoder.
    streamed : bool
        Whether a layer was larger than the memory allowed, and was read in pieces.
    """

    _information = ("information", "calibrated", "standard_error", "claimed")

    name: str
    information: float
    calibrated: float
    standard_error: float
    claimed: float
    accuracy: float
    learning_exponent: float = 1.0
    streamed: bool = False


@dataclass(frozen=True)
class RepresentationPID(PIDEstimate):
    """Atoms of what decoders read out of two layers, each with its error budget. All informations are in `unit`.

    What `PIDEstimate` has, it has. `interval` is the sample's part of the error, `bracket` that of the codes beside it,
    `report` the solver's. The decoder's part is named, not bounded: labels may hide in a layer beyond any decoder, so
    that the atoms are those of what the named decoder reads (the usable information of Xu et al., ICLR 2020).
    `held_out` and `in_sample` differ for the union information, whose predictors are fitted to the rows of other folds
    and once more to all of them. `plug_in` holds the atoms of the empirical joint of the labels and the posteriors'
    codes.

    Attributes
    ----------
    coding_loss_1, coding_loss_2 : float
        Mean Kullback-Leibler divergence of a posterior from the centroid of its code: what the codes of x1 and of x2
        lose. The atoms are computed from the posteriors and pay less than this; see `bracket`.
    bracket : dict of str to (float, float)
        Of the redundancy and the unique atoms: between these lie the atoms of the posteriors, with 95 % confidence. The
        redundancy of codes bounds theirs from below, the market of the codes from above; the sample's error is added,
        and what posteriors that are not calibrated may tell beyond what was counted.
    coded_redundancy : float
        The redundancy of the posteriors' codes: what the estimate exceeds it by, the codes leave open.
    decoders : dict of str to DecoderReport
        Of "x1", "x2" and "both", what each decoder read. Without "both" (synergy=False) every number of the synergy and
        of I(Y;X1,X2) is NaN.
    at_limit : dict of str to float
        Every number as decoders would read it that were fitted to endless rows, by their learning curve from half of
        the rows to all (`pidkit.representations.learning_curve`). With a `learning_exponent` below 1 it is the most
        that they might read.
    miscalibration, miscalibration_error : float
        Redundancy that the posteriors claim less the counted one, and its standard error.
    warnings : tuple of str
        What a reader has to know before using the numbers. The first call also issued them as warnings.
    """

    _information = (
        *PIDEstimate._information,
        *("coding_loss_1", "coding_loss_2", "bracket", "coded_redundancy", "at_limit", "decoders"),
        *("miscalibration", "miscalibration_error", "_row_scores"),
    )

    coding_loss_1: float
    coding_loss_2: float
    bracket: Mapping[str, tuple[float, float]]
    coded_redundancy: float
    at_limit: Mapping[str, float]
    decoders: Mapping[str, DecoderReport]
    miscalibration: float
    miscalibration_error: float
    warnings: tuple[str, ...]
    _row_scores: RowScores = field(repr=False, compare=False)

    @property
    def row_scores(self) -> FloatArray:
        """The held-out scores of every row for I1, I2, U and I12, shape (n, 4), which `paired_differences` compares."""
        return self._row_scores.scores

    def verdict(self, atom: str) -> str:
        """Return in a few words what to believe of an atom; of one that was not computed, only that it was not."""
        return NOT_COMPUTED if math.isnan(self.atoms[atom]) else super().verdict(atom)

    def limits(self, atom: str) -> tuple[str, ...]:
        """Return what limits an atom: "the sample", "the rows to learn from", "the codes", "the decoder", or nothing.

        The sample, where its interval is wide; the rows to learn from, where the atom of endless rows is more than .1
        bit away; the codes, where their redundancy is (the synergy apart); the decoder, where
        the one of both layers read no more than the better single one (synergy), or those of the layers that the atom
        is about read less than a tenth of H(Y). Nothing limits an atom that is exactly zero, since a layer is constant.
        """
        found = ["the sample"] if self._is_wide(atom) else []
        notable = convert(NOTABLE_LOSS, old="bits", new=self.unit)
        if abs(self.at_limit[atom] - self.atoms[atom]) > notable:
            found.append("the rows to learn from")
        if atom in self.bracket and self.redundancy - self.coded_redundancy > notable:
            found.append("the codes")
        little = {name: report.calibrated < LITTLE * self.entropy_y for name, report in self.decoders.items()}
        weak = {
            "redundancy": little["x1"] or little["x2"],
            "unique_1": little["x1"],
            "unique_2": little["x2"],
            "synergy": "both" in self.decoders and self.decoders["both"].calibrated <= self.union,
        }
        if weak[atom] and self.standard_error[atom] > 0.0:
            found.append("the decoder")
        return tuple(found)

    def budget(self) -> dict[str, float]:
        """Return where the bits between H(Y) and what the layers are seen to tell go, in `unit`.

        The parts add up to H(Y): the four estimated atoms; "unlearned", what decoders of both layers are expected to
        read beyond that if they learned from endless rows (`at_limit`); and "unread", what no row teaches them.

        Raises
        ------
        InputError
            If no decoder read both layers.

        Examples
        --------
        >>> import numpy as np
        >>> from pidkit import representation_pid
        >>> labels = np.arange(400) % 2
        >>> layer = labels[:, None] + 0.5 * np.random.default_rng(0).normal(size=(400, 2))
        >>> result = representation_pid(labels=labels, x1=layer, x2=layer)
        >>> abs(sum(result.budget().values()) - result.entropy_y) < 1e-9
        True
        """
        if "both" not in self.decoders:
            raise InputError("the result has no synergy, and so no budget: pass synergy=True to representation_pid")
        limit = self.at_limit["mi_joint"]
        return {**self.atoms, "unlearned": limit - self.mi_joint, "unread": self.entropy_y - limit}

    def _rows(self) -> list[dict[str, str]]:
        """Return a row for each atom and each information."""
        rows = super()._rows()
        for row in rows:
            low, high = self.bracket.get(row[""], (None, None))
            row["endless rows"] = f"{self.at_limit[row['']]:z.3f}"
            row["of the codes"] = row.pop("plug-in")
            row["bracket"] = "" if low is None else f"[{low:z.3f}, {high:z.3f}]"
            row["verdict"] = row.pop("verdict")
        return rows

    def summary(self) -> str:
        """Return the lines below the table: what each step read or lost."""
        read = [
            f"{name} {report.calibrated:z.3f} ({report.accuracy:.1%} right)" for name, report in self.decoders.items()
        ]
        _, n_1, n_2 = self.n_symbols
        report = next(iter(self.decoders.values()))
        lines = [
            f"H(Y) = {self.entropy_y:z.4f} {self.unit}, n = {self.n_samples}",
            f"decoder {report.name!r}, {self.provenance['folds']} folds, read {', '.join(read)}",
            *self._slow_learners(),
            *self._streamed(),
            f"codes   {n_1} and {n_2}, losing {self.coding_loss_1:z.3f} and {self.coding_loss_2:z.3f}",
            f"solver  {self.report.solver}, certified gap {self.report.gap:.1e} {self.report.unit}",
            *([] if "both" in self.decoders else [f"synergy {NOT_COMPUTED}"]),
            *(f"warning {text}" for text in self.warnings),
        ]
        return "\n".join(lines)

    def _slow_learners(self) -> list[str]:
        """Return the line that says how slowly the decoders may learn, where that is slower than 1 / n."""
        slowest = min(report.learning_exponent for report in self.decoders.values())
        if slowest == 1.0:
            return []
        return [f"learns  as slowly as n^-{slowest:.2g} perhaps: endless rows is the most that it might read"]

    def _streamed(self) -> list[str]:
        """Return the line that says which layers were read in pieces, where any was."""
        names = [name for name in ("x1", "x2") if name in self.decoders and self.decoders[name].streamed]
        return [f"memory  {' and '.join(names)} {'was' if len(names) == 1 else 'were'} read in pieces"] if names else []

    def __repr__(self) -> str:
        """Show the table, the verdicts, and what each step read or lost."""
        rows = [{name: text for name, text in row.items() if name != "verdict"} for row in self._rows()]
        verdicts = [f"{name:<10}  {self.verdict(name)}" for name in ATOMS]
        lines = [*(line.rstrip() for line in text_table(rows)), "", *verdicts, "", *self.summary().splitlines()]
        return "\n".join(["RepresentationPID", *(f"  {line}".rstrip() for line in lines)])
