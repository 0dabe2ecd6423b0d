"""`AtomRecord`: the atoms of one pair of layers at one epoch of a distillation.

A record also holds numbers that are no information (the spread of a filter, sigma): they are of the size of the
features, and a change of unit leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pidkit.representations.finite_samples import Spread
from pidkit.representations.result import DecoderReport
from pidkit.results import UnitPart

DISTILLATION_ATOMS = ("redundancy", "unique_teacher", "unique_student", "synergy")
"""The atoms of a distillation; the teacher is the first source."""

DISTILLATION_INFORMATION = ("mi_teacher", "mi_student", "mi_joint")
"""The mutual informations that these atoms split: I(Y;T), I(Y;S) and I(Y;T,S)."""

QUANTITIES = (*DISTILLATION_ATOMS, *DISTILLATION_INFORMATION)
"""All informations of a record, in the order of its columns."""

CODES = "codes"
"""The recipe of a record whose layers were coded without the labels; others are named after their decoder."""


@dataclass(frozen=True)
class Assumption(UnitPart):
    """How far RID's assumption I(eps; Y | f_s(S)) = 0 holds for a pair of layers, eps = f_t(T) - f_s(S).

    Attributes
    ----------
    value : float
        Plug-in I(eps; Y | f_s(S)) of codes, in the unit of the records.
    null : Spread or None
        The same with the codes of eps permuted among samples of one code of f_s(S): its bias.
    cap : float
        H(Y | f_s(S)) of the codes: all that eps could add.
    teacher_std : float
        Root mean square deviation of f_t(T) from its channels' means; the loss lets it shrink to zero.
    sigma : tuple of float
        The weights of the channels.
    """

    _information = ("value", "null", "cap")

    value: float
    null: Spread | None
    cap: float
    teacher_std: float
    sigma: tuple[float, ...]


@dataclass(frozen=True)
class DecodedAtoms(UnitPart):
    """How far the atoms of decoded layers may be off, and what the decoders read, as `representation_pid` says it.

    Attributes
    ----------
    decoder : str
    interval : dict of str to (float, float)
        Of every quantity of the record, 95 %.
    standard_error : dict of str to float
        From the scatter of the rows alone.
    at_limit : dict of str to float, or None
        Every quantity as decoders would read it that were fitted to endless rows; None without a learning curve.
    p_value : dict of str to float
        Of every atom, that it is nothing or what the decoders have not learned.
    decoders : dict of str to DecoderReport
        Of "teacher", "student" and "both".
    """

    _information = ("interval", "standard_error", "at_limit", "decoders")

    decoder: str
    interval: Mapping[str, tuple[float, float]]
    standard_error: Mapping[str, float]
    at_limit: Mapping[str, float] | None
    p_value: Mapping[str, float]
    decoders: Mapping[str, DecoderReport]


@dataclass(frozen=True)
class AtomRecord(UnitPart):
    """What one pair of layers tells about the labels at one epoch; information in the unit of the records.

    Attributes
    ----------
    epoch : float
    teacher : str
        Name of the teacher.
    teacher_layer, student_layer : str
        Qualified names, or "(logits)".
    redundancy, unique_teacher, unique_student, synergy : float
        The atoms, of what decoders read or plug-in ones of codes; they add up to `mi_joint`.
    mi_teacher, mi_student, mi_joint : float
        I(Y;T), I(Y;S) and I(Y;T,S), as decoders read them or of the codes.
    gap : float
        Certified: no atom is off the exact one of these codes by more.
    n_codes_teacher, n_codes_student : int
        Sizes of the alphabets that were found; of decoded layers, of the codes of their posteriors.
    bias : float or None
        Predicted upward bias of the plug-in `mi_joint` of codes.
    null : dict of str to Spread, or None
        All seven quantities of codes under shuffled labels.
    null_gap : float or None
        The largest certified gap among them.
    assumption : Assumption or None
        Where an objective with RID's filters was at hand; always measured by codes.
    warnings : tuple of str
    decoded : DecodedAtoms or None
        Of decoded layers; None where they were coded.
    """

    _information = (*QUANTITIES, "gap", "bias", "null", "null_gap", "assumption", "decoded")

    epoch: float
    teacher: str
    teacher_layer: str
    student_layer: str
    redundancy: float
    unique_teacher: float
    unique_student: float
    synergy: float
    mi_teacher: float
    mi_student: float
    mi_joint: float
    gap: float
    n_codes_teacher: int
    n_codes_student: int
    bias: float | None
    null: Mapping[str, Spread] | None = None
    null_gap: float | None = None
    assumption: Assumption | None = None
    warnings: tuple[str, ...] = ()
    decoded: DecodedAtoms | None = None

    @property
    def recipe(self) -> str:
        """How the atoms were measured: the name of the decoder, or "codes"."""
        return CODES if self.decoded is None else self.decoded.decoder

    @property
    def key(self) -> tuple[float, str, str, str]:
        """The fields that identify a record: there is one for each epoch and pair of layers."""
        return (self.epoch, self.teacher, self.teacher_layer, self.student_layer)


def table_row(record: AtomRecord) -> dict[str, float | str]:
    """Return a record as one flat row: epoch, pair, recipe, quantities, gap, what may be off, and the assumption."""
    row: dict[str, float | str] = {
        "epoch": record.epoch,
        "teacher": record.teacher,
        "layers": f"{record.teacher_layer} & {record.student_layer}",
        "recipe": record.recipe,
        **{name: getattr(record, name) for name in QUANTITIES},
        "gap": record.gap,
        **{f"{name} null": spread.mean for name, spread in (record.null or {}).items()},
    }
    if (decoded := record.decoded) is not None:
        for name, (low, high) in decoded.interval.items():
            row |= {f"{name} low": low, f"{name} high": high}
    if (assumption := record.assumption) is not None:
        row["I(eps;Y|f_s)"] = assumption.value
        if assumption.null is not None:
            row["I(eps;Y|f_s) null"] = assumption.null.mean
        row["std f_t"] = assumption.teacher_std
        row["sigma"] = float(np.mean(assumption.sigma))
    return row
