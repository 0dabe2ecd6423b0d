"""`AtomRecord`: the atoms of one pair of layers at one epoch of a distillation.

A record also holds numbers that are no information (the spread of a filter, sigma): they are of the size of the
features, and a change of unit leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pidkit.representations.finite_samples import Spread
from pidkit.results import UnitPart

DISTILLATION_ATOMS = ("redundancy", "unique_teacher", "unique_student", "synergy")
"""The atoms of a distillation; the teacher is the first source."""

DISTILLATION_INFORMATION = ("mi_teacher", "mi_student", "mi_joint")
"""The mutual informations that these atoms split: I(Y;T), I(Y;S) and I(Y;T,S)."""

QUANTITIES = (*DISTILLATION_ATOMS, *DISTILLATION_INFORMATION)
"""All informations of a record, in the order of its columns."""

ALWAYS_KNOWN = (*QUANTITIES, "gap", "bias")
"""The fields of a record that are always a number."""


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
        The plug-in atoms; they add up to `mi_joint`.
    mi_teacher, mi_student, mi_joint : float
        I(Y;T), I(Y;S) and I(Y;T,S) of the codes.
    gap : float
        Certified: no atom is off the exact one of these codes by more.
    n_codes_teacher, n_codes_student : int
        Sizes of the alphabets that were found.
    bias : float
        Predicted upward bias of `mi_joint`.
    null : dict of str to Spread, or None
        All seven quantities under shuffled labels.
    null_gap : float or None
        The largest certified gap among them.
    assumption : Assumption or None
        Where an objective with RID's filters was at hand.
    warnings : tuple of str
    """

    _information = (*ALWAYS_KNOWN, "null", "null_gap", "assumption")

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
    bias: float
    null: Mapping[str, Spread] | None = None
    null_gap: float | None = None
    assumption: Assumption | None = None
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[float, str, str, str]:
        """The fields that identify a record: there is one for each epoch and pair of layers."""
        return (self.epoch, self.teacher, self.teacher_layer, self.student_layer)


def table_row(record: AtomRecord) -> dict[str, float | str]:
    """Return a record as one flat row: epoch, pair, quantities, gap, null means, and the assumption's numbers."""
    row: dict[str, float | str] = {
        "epoch": record.epoch,
        "teacher": record.teacher,
        "layers": f"{record.teacher_layer} & {record.student_layer}",
        **{name: getattr(record, name) for name in QUANTITIES},
        "gap": record.gap,
        **{f"{name} null": spread.mean for name, spread in (record.null or {}).items()},
    }
    if (assumption := record.assumption) is not None:
        row["I(eps;Y|f_s)"] = assumption.value
        if assumption.null is not None:
            row["I(eps;Y|f_s) null"] = assumption.null.mean
        row["std f_t"] = assumption.teacher_std
        row["sigma"] = float(np.mean(assumption.sigma))
    return row
