"""Records of atoms over a training run with phases, by codes with a null and by decoders with intervals."""

from dataclasses import replace

from pidkit.records.atom_history import AtomRecords
from pidkit.records.atom_record import QUANTITIES, AtomRecord, DecodedAtoms
from pidkit.representations.finite_samples import Spread

NULL = dict.fromkeys(QUANTITIES, Spread(0.02, 0.01, 0.0, 0.04))

PHASES = ((0.0, 2.0, "warm-up"), (2.0, 3.0, "teacher-filter"), (3.0, 6.0, "student"))


def record(
    epoch: float, teacher: str = "teacher", layer: str = "conv", null: dict[str, Spread] | None = NULL
) -> AtomRecord:
    return AtomRecord(epoch, teacher, layer, layer, 0.1 * epoch, 0.8, 0.1, 0.2, 0.9, 0.3, 1.2, 1e-9, 4, 4, 0.01, null)


def decoded_record(epoch: float) -> AtomRecord:
    half = {name: 0.1 + 0.05 * k for k, name in enumerate(QUANTITIES)}
    plain = record(epoch, null=None)
    around = {name: (getattr(plain, name) - by, getattr(plain, name) + by) for name, by in half.items()}
    return replace(plain, decoded=DecodedAtoms("linear", around, half, None, half, {}))


def run(*rows: AtomRecord, phases: tuple[tuple[float, float, str], ...] = PHASES) -> AtomRecords:
    return AtomRecords(tuple(rows), 1.5, 100, phases, {})
